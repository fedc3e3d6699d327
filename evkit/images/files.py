"""Opening files of images: read-only, and without touching their access time where allowed."""

from __future__ import annotations

import os


def open_quietly(path: str | bytes) -> int:
    """Return a descriptor for reading.

    Raises:
        OSError: the file cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # only the owner may leave the access time alone
        return os.open(path, flags)
