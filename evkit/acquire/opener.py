"""Opening a device that this user may not open: a small program does it as root, and only that.

evkit itself is never elevated. `sudo` or `pkexec` runs `opener_child.py`, which opens the device
read-only and passes the descriptor back over a pair of Unix sockets. What comes back is checked:
it must be the device that was asked for, and open for reading only. `docs/adr/0010`.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "opener_child.py")
_SILENT, _ASKING = 20.0, 300.0  # seconds; a person types a passphrase
_DIRECT, _EXCLUSIVE = b"DB", b"XB"
_ANSWER = 16


class Elevated(NamedTuple):
    """A descriptor that was opened as root."""

    descriptor: int
    direct: bool
    exclusive: bool


def elevation() -> list[str] | None:
    """Return the command that elevates another; None when there is none or nobody to ask."""
    asking = sys.stdin.isatty() and sys.stderr.isatty()
    if os.environ.get("EVKIT_NONINTERACTIVE"):
        asking = False
    sudo = _program("sudo")
    if sudo:
        return [sudo, "--"] if asking else [sudo, "-n", "--"]
    pkexec = _program("pkexec")
    return [pkexec] if pkexec and asking else None


def _program(name: str) -> str | None:
    """Return where a program is; never one in the current folder, which may be the evidence."""
    found = shutil.which(name)
    return found if found and os.path.isabs(found) else None


def command(path: bytes) -> list[str]:
    """Return the command that opens a device, without the part that elevates it."""
    return [sys.executable, "-I", "-S", _CHILD, os.fsdecode(os.path.abspath(path))]


def open_elevated(path: bytes, prefix: Sequence[str] | None = None) -> Elevated:
    """Open a block device read-only as root.

    Args:
        path: of the device.
        prefix: the command that elevates; None for `elevation()`.

    Raises:
        InputError: there is no such command, it was refused, or the device cannot be opened.
    """
    shown = escape_bytes(path)
    prefix = elevation() if prefix is None else prefix
    if prefix is None:
        raise InputError(f"cannot read `{shown}`: permission denied", hint=_by_hand())
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with own:
        with other:
            try:
                process = subprocess.Popen([*prefix, *command(path)], stdin=other.fileno())
            except OSError as error:
                raise InputError(
                    f"cannot read `{shown}`: `{prefix[0]}` does not start", hint=_by_hand()
                ) from error
        try:
            own.settimeout(_SILENT if "-n" in prefix else _ASKING)
            word, descriptors = _receive(own)
        finally:
            _end(process)
    return _checked(path, word, descriptors)


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    """Return what the child says, and the descriptors that came with it."""
    rights = array.array("i")
    try:
        word, extra, _, _ = channel.recvmsg(_ANSWER, socket.CMSG_SPACE(4 * rights.itemsize))
    except OSError:
        return b"", []
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            rights.frombytes(data[: len(data) - len(data) % rights.itemsize])
    return word, list(rights)


def _checked(path: bytes, word: bytes, descriptors: list[int]) -> Elevated:
    """Return the one descriptor when it is what was asked for; close everything otherwise."""
    shown = escape_bytes(path)
    good = False
    try:
        if word[:1] == b"E" and word[1:].isdigit():
            text = os.strerror(int(word[1:])) if int(word[1:]) < 1 << 16 else "error"
            raise InputError(f"cannot read `{shown}`: {text}")
        if len(descriptors) != 1 or len(word) != 1 or word not in b"DXBP":
            raise InputError(f"cannot read `{shown}`: it was not opened as root", hint=_by_hand())
        good = _is_asked_for(path, descriptors[0])
        if not good:
            raise InputError(f"cannot read `{shown}`: another device was opened in its place")
    finally:
        if not good:
            for descriptor in descriptors:
                os.close(descriptor)
    os.set_inheritable(descriptors[0], False)  # noqa: FBT003 - has no name
    return Elevated(descriptors[0], word in _DIRECT, word in _EXCLUSIVE)


def _is_asked_for(path: bytes, descriptor: int) -> bool:
    import fcntl

    found, wanted = os.fstat(descriptor), os.stat(path)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    reads_only = flags & os.O_ACCMODE == os.O_RDONLY
    return stat.S_ISBLK(found.st_mode) and found.st_rdev == wanted.st_rdev and reads_only


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the child; it has answered, or gets no more time to."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
        return
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)


def _by_hand() -> str:
    return "reading a device needs `sudo`, `pkexec` on a terminal, or the group `disk`"


def denied(error: OSError) -> bool:
    """Say whether opening failed for want of a right that root has."""
    return error.errno in {errno.EACCES, errno.EPERM} and os.geteuid() != 0


def run_elevated(commands: Sequence[Sequence[str]], prefix: Sequence[str] | None = None) -> None:
    """Run system programs as root, one after the other; used for the rule of the device guard.

    Raises:
        UsageError: there is nobody to elevate, or a program fails; the hint has the commands.
    """
    import shlex

    if prefix is None:
        prefix = [] if os.geteuid() == 0 else elevation()
    by_hand = " && ".join(f"sudo {shlex.join(words)}" for words in commands)
    if prefix is None:
        raise UsageError("this needs root", hint=f"run: {by_hand}")
    for words in commands:
        try:
            done = subprocess.run(
                [*prefix, *words], stdin=None, capture_output=True, check=False, timeout=_ASKING
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(
                f"`{words[0]}` does not run: {error}", hint=f"run: {by_hand}"
            ) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
            text = f": {escape_bytes(said[-1].encode())}" if said else ""
            raise UsageError(f"`{words[0]}` failed{text}", hint=f"run: {by_hand}")
