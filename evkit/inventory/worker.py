"""One engine process that serves tasks, with a thread for each direction (parent side)."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING

from evkit.core import clock, ejson
from evkit.inventory.runner import EngineStoppedError, ending, engine_command, start
from evkit.inventory.wire import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from evkit.inventory.batch import Batch

_CHUNK = 1 << 17
_PIPE = 1 << 20
_F_SETPIPE_SZ = 1031
QUEUE = 256  # chunks of all workers that wait; a full queue holds the children back


class Worker:
    """A child on one volume.

    Args:
        request: what it opens.
        command: another program instead of the engine (tests).
        events: takes (worker, chunk); an empty chunk when its output has ended.

    Attributes:
        batches: what it was given and has not finished, the one it works on first.
        ready: it has opened the file system.
        done: bytes digested in the task it works on.
        lines: lines of the task it works on so far.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        command: Sequence[str] | None,
        events: queue.Queue[tuple[Worker, bytes]],
    ) -> None:
        self.batches: deque[Batch] = deque()
        self.ready = False
        self.done = self.lines = 0
        self._events = events
        self._heard = clock.monotonic()
        self._blocked = self._stopped = False
        self._rest: list[bytes] = []
        self._size = 0
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process = start(command or engine_command())
        self._outgoing.put(ejson.dumps(request) + b"\n")
        self._threads = [
            threading.Thread(target=self._write, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def give(self, batch: Batch) -> None:
        """Hand over a task; the child reads it when it is through with those before."""
        if not self.batches:
            self._heard = clock.monotonic()
        self.batches.append(batch)
        self._outgoing.put(batch.request())

    def silent(self) -> float:
        """Return for how many seconds nothing came although something should."""
        if self._blocked or (self.ready and not self.batches):
            return 0.0
        return clock.monotonic() - self._heard

    def lines_of(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are whole with this chunk.

        Raises:
            EngineStoppedError: a line that is too long.
        """
        first, *more = chunk.split(b"\n")
        self._rest.append(first)
        self._size += len(first)
        if self._size > MAX_LINE:
            raise EngineStoppedError("engine-garbage", f"a line of more than {MAX_LINE} bytes")
        if not more:
            return []
        lines = [b"".join(self._rest), *more[:-1]]
        self._rest, self._size = [more[-1]], len(more[-1])
        return lines

    def ending(self) -> str:
        """Say how the process ended that closed its output."""
        return ending(self._process)

    def end(self) -> None:
        """End the process and the threads."""
        self._stopped = True
        self._process.kill()
        self._outgoing.put(None)
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _write(self) -> None:
        stream = self._process.stdin
        while (data := self._outgoing.get()) is not None and stream is not None:
            with contextlib.suppress(OSError, ValueError):  # a child that is gone shows by its end
                stream.write(data)
                stream.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        _widen(stream.fileno())
        while not self._stopped:
            try:
                chunk = os.read(stream.fileno(), _CHUNK)
            except (OSError, ValueError):
                chunk = b""
            self._heard = clock.monotonic()
            self._pass_on(chunk)
            if not chunk:
                return

    def _pass_on(self, chunk: bytes) -> None:
        self._blocked = True
        while not self._stopped:
            try:
                self._events.put((self, chunk), timeout=0.2)
                break
            except queue.Full:
                continue
        self._heard = clock.monotonic()
        self._blocked = False


def _widen(descriptor: int) -> None:
    """Let a pipe hold more, so that a child that writes much waits less."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.fcntl(descriptor, _F_SETPIPE_SZ, _PIPE)
