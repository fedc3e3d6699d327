"""Can this file system hold a station? It must keep modes, locks, links, renames and folder fsync.

Tried out, not guessed from a name: a FAT stick behind a driver can call itself anything.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile

from evkit.core import durable
from evkit.core.errors import RefusedError, StorageError
from evkit.core.text import escape_bytes
from evkit.station.lock import try_lock, unlock

_HINT = "put the station on ext4, xfs, btrfs, APFS or NTFS; copies of images may go to FAT or exFAT"


def require(folder: bytes) -> None:
    """Refuse a folder (existing) whose file system cannot hold a station.

    Raises:
        RefusedError: names what does not work.
        StorageError: nothing can be written there.
    """
    try:
        trial = tempfile.mkdtemp(prefix=b".evkit-probe-", dir=folder)
    except OSError as error:
        raise StorageError(
            f"cannot write in `{escape_bytes(folder)}`: {error.strerror or error}"
        ) from error
    try:
        missing = [name for name, works in _trials(trial) if not works]
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    if missing:
        raise RefusedError(
            f"the file system of `{escape_bytes(folder)}` cannot hold a station",
            hint=_HINT,
            details={"does not work": ", ".join(missing)},
        )


def _trials(trial: bytes) -> list[tuple[str, bool]]:
    return [
        ("file modes", _modes(trial)),
        ("locks", _locks(trial)),
        ("hard links", _links(trial)),
        ("atomic renames", _renames(trial)),
    ]


def _make(path: bytes, content: bytes = b"x") -> bytes:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)
    return path


def _modes(trial: bytes) -> bool:
    if sys.platform == "win32":
        return True  # the access list of the user's profile stands in for modes
    path = _make(os.path.join(trial, b"mode"))
    kept = [stat.S_IMODE(os.stat(path).st_mode) == 0o600]  # noqa: PLR2004 - a private file
    os.chmod(path, 0o444)
    kept.append(stat.S_IMODE(os.stat(path).st_mode) == 0o444)  # noqa: PLR2004 - a sealed file
    return all(kept)


def _locks(trial: bytes) -> bool:
    path = _make(os.path.join(trial, b"lock"))
    first, second = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    try:
        works = try_lock(first) and not try_lock(second)
        unlock(first)
    except OSError:
        return False
    else:
        return works
    finally:
        os.close(first)
        os.close(second)


def _links(trial: bytes) -> bool:
    source = _make(os.path.join(trial, b"link"))
    target = source + b".new"
    try:
        os.link(source, target)
        same = os.path.samefile(source, target)
        os.unlink(source)
        durable.fsync_dir(trial)
    except (OSError, StorageError):
        return False
    return same


def _renames(trial: bytes) -> bool:
    old = _make(os.path.join(trial, b"old"), b"old")
    new = _make(os.path.join(trial, b"new"), b"new")
    try:
        os.replace(new, old)
        with open(old, "rb") as handle:
            return handle.read() == b"new" and not os.path.exists(new)
    except OSError:
        return False
