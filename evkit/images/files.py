"""Opening files of images: read-only, and without touching their access time where allowed.

Besides, what of the extra `containers` is installed.
"""

from __future__ import annotations

import importlib.util
import os

EXTRA = "containers"


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


def installed(binding: str) -> bool:
    """Say whether a library of the extra is here, without loading it."""
    return importlib.util.find_spec(binding) is not None
