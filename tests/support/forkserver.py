"""Engine children that are forked from a process which has libtsk loaded already (tests only).

Thousands of short scans spend their time on starting Python otherwise. Everything else is as in a
real run: a process of its own with its own pipes and limits that can crash, hang and be killed.
`Server` is the parent side; this file run as a program is the process that forks.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

_MESSAGE = struct.Struct("<ii")
HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent.parent


class Server:
    """Starts children; `start` takes the place of `evkit.inventory.runner.start`.

    Args:
        log: takes what the children write to their standard error.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._ended: dict[int, int] = {}
        with open(log, "ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(HERE), str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "TZ": "UTC", "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        theirs.close()

    def start(self, _command: object) -> Forked:
        """Start a child with pipes to its standard input and output."""
        there, to_child = os.pipe()
        from_child, back = os.pipe()
        self._socket.sendmsg(
            [b"x"],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [there, back]))],
        )
        os.close(there)
        os.close(back)
        while (found := self._take(None)) is None or found[1] != -1:
            pass
        self._ended.pop(found[0], None)  # of an earlier child with this number
        return Forked(self, found[0], to_child, from_child)

    def status(self, pid: int, wait: float | None = 0.0) -> int | None:
        """Return how a child ended, None while it has not."""
        while pid not in self._ended:
            if self._take(wait) is None:
                return None
        return self._ended[pid]

    def _take(self, wait: float | None) -> tuple[int, int] | None:
        if not select.select([self._socket], [], [], wait)[0]:
            return None
        data = self._socket.recv(_MESSAGE.size)
        assert data, "the process that forks is gone"
        pid, status = _MESSAGE.unpack(data)
        if status != -1:
            self._ended[pid] = os.waitstatus_to_exitcode(status)
        return pid, status

    def close(self) -> None:
        """End the process that forks."""
        self._socket.close()
        self._process.wait(60)


class Forked:
    """What the parent uses of `subprocess.Popen`."""

    def __init__(self, server: Server, pid: int, stdin: int, stdout: int) -> None:
        self._server = server
        self.pid = pid
        self.stdin = os.fdopen(stdin, "wb")
        self.stdout = os.fdopen(stdout, "rb")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it has not."""
        if self.returncode is None:
            self.returncode = self._server.status(self.pid)
        return self.returncode

    def wait(self) -> int | None:
        """Wait for its end."""
        if self.returncode is None:
            self.returncode = self._server.status(self.pid, 60.0)
        assert self.returncode is not None, "a child that cannot be ended"
        return self.returncode

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _serve(number: int) -> None:
    from evkit.inventory import child, drivers, limits, serve, table, tsk  # noqa: F401
    from evkit.inventory.foreign import apfs, ntfs  # noqa: F401

    link = socket.socket(fileno=number)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    while True:
        ready, _, _ = select.select([link, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _reap(link)
        if link in ready:
            _, ancillary, _, _ = link.recvmsg(1, 64)
            if not ancillary:
                return
            given = array.array("i", ancillary[0][2])
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for descriptor in (number, wake, woken):
                    os.close(descriptor)
                _be_child(*given)
            for descriptor in given:
                os.close(descriptor)
            link.send(_MESSAGE.pack(pid, -1))


def _reap(link: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        link.send(_MESSAGE.pack(pid, status))


def _be_child(there: int, back: int) -> None:
    from evkit.inventory import child

    code = 1
    try:
        os.dup2(there, 0)
        os.dup2(back, 1)
        os.close(there)
        os.close(back)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        code = child.main()
    except BaseException:  # as Python itself does at its end
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    time.tzset()
    _serve(int(sys.argv[1]))
