"""Opening files of images: read-only, and without touching their access time where allowed.

Besides, what of the extra `containers` is installed.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import stat

EXTRA = "containers"


def open_quietly(path: str | bytes) -> int:
    """Return a descriptor for reading; a pipe among the parts of an image is not waited for.

    Raises:
        OSError: the file cannot be opened, or is a pipe.
    """
    if stat.S_ISFIFO(os.stat(path).st_mode):
        raise OSError(errno.ESPIPE, "it is a pipe, not a file")
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # only the owner may leave the access time alone
        return os.open(path, flags)


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Return bytes of an open file, fewer only at its end.

    A read that meets a place which cannot be read ends before it, as at the end of the file; only
    the next one tells the two apart.

    Raises:
        OSError: something there cannot be read.
    """
    data = os.pread(descriptor, length, offset)
    if len(data) in {0, length}:
        return data
    parts = [data]
    done = len(data)
    while done < length and (more := os.pread(descriptor, length - done, offset + done)):
        parts.append(more)
        done += len(more)
    return b"".join(parts)


def peek_at(descriptor: int, length: int, offset: int) -> bytes:
    """Return bytes of an open file, as far as they can be read."""
    try:
        return os.pread(descriptor, length, offset)
    except OSError:
        return b""


def installed(binding: str) -> bool:
    """Say whether a library of the extra is here, without loading it."""
    return importlib.util.find_spec(binding) is not None
