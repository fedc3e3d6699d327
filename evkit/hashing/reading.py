"""Reading one file for its digests without following links and without touching its times."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from evkit.core.text import escape
from evkit.hashing.digests import MultiDigest, digest_descriptor
from evkit.hashing.rows import CHANGED, OK, SPECIAL, SYMLINK, UNREADABLE, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGE = 8 << 20  # from here on one thread per digest
DEFERRED = "deferred"  # state of a large file that a worker leaves to the caller
_SMALL = 1 << 20
_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)
_NOATIME = getattr(os, "O_NOATIME", 0)
_MAKERS = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}


def open_evidence(path: bytes) -> int:
    """Open for reading: no link followed, no blocking, access time left alone where allowed.

    Raises:
        OSError: it cannot be opened.
    """
    if _NOATIME:
        try:
            return os.open(path, _FLAGS | _NOATIME)
        except PermissionError as error:
            if error.errno != errno.EPERM:  # EPERM: not the owner; EACCES: not readable at all
                raise
    return os.open(path, _FLAGS)


def read_row(
    path: bytes,
    names: Sequence[str],
    *,
    defer: int | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Row:
    """Digest one name. What cannot be read is a row, never an exception.

    Args:
        path: what a walk found to be a regular file.
        names: algorithm names.
        defer: leave files of at least this many bytes unread, as a row of state `DEFERRED`.
        on_bytes: told the bytes read so far of a large file.
    """
    try:
        descriptor = open_evidence(path)
    except OSError as error:
        return _not_opened(path, error)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Row(path, SPECIAL)
        if before.st_size < _SMALL:
            data = os.read(descriptor, before.st_size + 1)
            if len(data) == before.st_size:
                return Row(path, size=before.st_size, digests=_digest(data, names))
            os.lseek(descriptor, 0, os.SEEK_SET)
        if defer is not None and before.st_size >= defer:
            return Row(path, state=DEFERRED, size=before.st_size)
        return _read_long(path, descriptor, before, names, on_bytes)
    except OSError as error:
        return Row(path, state=UNREADABLE, error=reason(error))
    finally:
        os.close(descriptor)


def reason(error: OSError) -> str:
    """Return why something could not be read, safe to print."""
    return escape(error.strerror or str(error))


def _read_long(
    path: bytes,
    descriptor: int,
    before: os.stat_result,
    names: Sequence[str],
    on_bytes: Callable[[int], None] | None,
) -> Row:
    if before.st_size >= LARGE:
        size, digests = digest_descriptor(descriptor, names, on_bytes=on_bytes)
    else:
        digest, size = MultiDigest(names), 0
        while data := os.read(descriptor, _SMALL):
            size += len(data)
            digest.update(data)
        digests = digest.digests()
    after = os.fstat(descriptor)
    same = _identity(before) == _identity(after) and (size == before.st_size or not before.st_size)
    return Row(path, state=OK if same else CHANGED, size=size, digests=digests)


def _identity(value: os.stat_result) -> tuple[int, int, int]:
    return value.st_size, value.st_mtime_ns, value.st_ctime_ns


def _digest(data: bytes, names: Sequence[str]) -> dict[str, str]:
    return {name: _MAKERS[name](data, usedforsecurity=False).hexdigest() for name in names}


def _not_opened(path: bytes, error: OSError) -> Row:
    if error.errno == errno.ELOOP:  # it became a link after the walk saw a file
        try:
            return Row(path, SYMLINK, target=os.readlink(path))
        except OSError as second:
            error = second
    return Row(path, state=UNREADABLE, error=reason(error))
