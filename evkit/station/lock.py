"""The lock of a ledger: held for one append, waited for, and it names who holds it.

An operating-system lock on `ledger.lock`: the kernel drops it when the holder dies, so there is no
stale lock to break. The file's content only names the holder and is never trusted for anything.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from typing import TYPE_CHECKING

from evkit.core import clock, ejson
from evkit.core.durable import storage_errors
from evkit.core.errors import InputError, LockedError
from evkit.core.progress import SILENT
from evkit.core.text import escape

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.core.progress import Progress

TIMEOUT = 60.0  # seconds
NOTE_AFTER = 1.0
_POLL = 0.02
_MAX_HOLDER = 4096
_GUARD = 1 << 30  # windows locks a byte range: far behind the text, so that it stays readable


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file without waiting; False when another has it."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _GUARD, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give the lock back."""
    if sys.platform == "win32":
        os.lseek(descriptor, _GUARD, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextlib.contextmanager
def hold(
    path: bytes,
    *,
    officer: str = "",
    timeout: float = TIMEOUT,
    progress: Progress = SILENT,
) -> Iterator[None]:
    """Hold the lock `path` for the length of the block.

    Args:
        path: the lock file; made when missing.
        officer: who is working, for the message others see.
        timeout: seconds to wait.
        progress: told once, after one second of waiting.

    Raises:
        LockedError: another process kept the lock longer than `timeout`.
        StorageError: the lock file cannot be opened.
    """
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        wait(descriptor, timeout, progress)
        _write_holder(descriptor, officer)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            unlock(descriptor)
    finally:
        os.close(descriptor)


def wait(descriptor: int, timeout: float = TIMEOUT, progress: Progress = SILENT) -> None:
    """Lock an open file; it is let go when the descriptor is closed.

    Raises:
        LockedError: another process kept the lock longer than `timeout`.
    """
    start = clock.monotonic()
    told = False
    while not try_lock(descriptor):
        waited = clock.monotonic() - start
        holder = _read_holder(descriptor)
        if waited >= timeout:
            raise LockedError(
                f"the ledger is held by {_who(holder)}",
                hint="wait until that command has ended, or end it there",
                details=holder,
            )
        if waited >= NOTE_AFTER and not told:
            progress.note(f"waiting for the ledger, held by {_who(holder)}")
            told = True
        clock.sleep(_POLL)


def _write_holder(descriptor: int, officer: str) -> None:
    command = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:4]])
    text = ejson.dumps(
        {
            "pid": str(os.getpid()),
            "host": platform.node(),
            "command": escape(command)[:200],
            "officer": officer,
            "since": clock.now().text(),
        }
    )
    with contextlib.suppress(OSError):  # a full disk must not keep anyone from a lock they hold
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text)


def _read_holder(descriptor: int) -> dict[str, str]:
    """Return what the lock file says; empty while the holder is just writing it."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        value = ejson.loads(os.read(descriptor, _MAX_HOLDER), canonical=False)
    except (OSError, InputError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {escape(str(key)): escape(str(text)) for key, text in value.items() if text}


def _who(holder: dict[str, str]) -> str:
    if not holder:
        return "another process"
    officer = f", officer `{holder['officer']}`" if "officer" in holder else ""
    command = holder.get("command", "?")
    return f"process {holder.get('pid', '?')} on `{holder.get('host', '?')}` (`{command}`{officer})"
