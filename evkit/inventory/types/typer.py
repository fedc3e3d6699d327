"""File types of streams that are digested in this process: their heads go to a child (parent side).

libmagic is native code on hostile input and stays out of this process. A child that dies, hangs or
sends what it should not ends the work with an error; the caller then lets a child do everything.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from array import array
from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.closing import Closing
from evkit.core.errors import InputError
from evkit.inventory.runner import EngineStoppedError, Limits, engine_command, start
from evkit.inventory.wire import MAX_LINE, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

_WAITING = 64  # heads that wait for the child: 16 MiB
_KINDS = 1 << 16  # different types at most


class Typer(Closing):
    """Asks for the types of streams by their numbers; used as a context manager.

    Args:
        limits: what the child may use.
        size: bytes of the image, for the processor time.
        command: another program instead of the child (tests).
    """

    def __init__(self, limits: Limits, size: int, command: Sequence[str] | None = None) -> None:
        self._silence = limits.silence
        self._error: str | None = None
        self._frames: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._kinds: dict[str, int] = {"": 0}
        self._names = [""]
        self._found = array("H")
        self._answers = 0
        self._process = start(command or engine_command("types.typechild"))
        allowed = {"memory": limits.memory, "cpu": limits.cpu_for(size), "files": limits.files}
        first: dict[str, Any] = {"limits": allowed}
        self._frames.put(ejson.dumps(first) + b"\n")
        self._threads = [
            threading.Thread(target=self._feed, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def give(self, number: int, head: bytes, digest: str | None) -> None:
        """Ask for the type of a stream; waits while the child has enough to do.

        Args:
            number: of the stream.
            head: its first 256 KiB.
            digest: SHA-256 of a stream that is all in its head.

        Raises:
            EngineStoppedError: the child is gone or hangs.
        """
        known = b"\x00" if digest is None else b"\x01" + bytes.fromhex(digest)
        self._asked.put(number)
        self._put(len(head).to_bytes(4, "big") + known + head)

    def finish(self) -> None:
        """Wait until every answer is there.

        Raises:
            EngineStoppedError: the child did not give them.
        """
        self._put(None)
        listener, before = self._threads[1], -1
        while listener.is_alive() and self._answers != before:
            before = self._answers
            listener.join(self._silence)
        if listener.is_alive():
            raise EngineStoppedError("engine-hang", f"silent for {self._silence:g} seconds")
        if self._error is None and not self._asked.empty():
            self._error = "it ended before its last answer"
        self._check()

    def mime(self, number: int) -> str | None:
        """Return the type of a stream, None when there is none."""
        return self._names[self._found[number]] or None if number < len(self._found) else None

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        with contextlib.suppress(queue.Full):
            self._frames.put_nowait(None)
        for thread in self._threads:
            while thread.is_alive():
                with contextlib.suppress(queue.Empty):
                    self._frames.get_nowait()
                with contextlib.suppress(queue.Full):
                    self._frames.put_nowait(None)
                thread.join(0.05)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _check(self) -> None:
        if self._error is not None:
            raise EngineStoppedError("engine-crash", self._error)

    def _put(self, frame: bytes | None) -> None:
        self._check()
        try:
            self._frames.put(frame, timeout=self._silence)
        except queue.Full:
            self._error = f"it took nothing for {self._silence:g} seconds"
            self._process.kill()
        self._check()

    def _feed(self) -> None:
        pipe = self._process.stdin
        if pipe is None:
            return
        with contextlib.suppress(OSError):  # a child that is gone shows by its answers
            while (frame := self._frames.get()) is not None:
                pipe.write(frame)
            pipe.close()

    def _listen(self) -> None:
        try:
            done = self._take_answers()
        except (InputError, OSError, ValueError, queue.Empty) as error:
            done, self._error = True, f"it sent what it should not: {error}"
        if not done:
            self._error = self._error or "it ended before its time"
        if self._error is not None:
            self._process.kill()
            while True:  # whoever waits for room goes on, and learns it
                try:
                    self._frames.get_nowait()
                except queue.Empty:
                    return

    def _take_answers(self) -> bool:
        pipe = self._process.stdout
        while pipe is not None and (line := pipe.readline(MAX_LINE)):
            message = Message.parse(line)
            if message.kind == "done":
                return True
            if message.kind != "type":
                raise InputError(f"an unexpected `{message.kind}`")
            self._keep(self._asked.get_nowait(), message.text)
            self._answers += 1
        return False

    def _keep(self, number: int, mime: str) -> None:
        kind = self._kinds.setdefault(mime, len(self._names))
        if kind == len(self._names):
            if kind >= _KINDS:
                raise InputError("too many different types")
            self._names.append(mime)
        if number >= len(self._found):
            self._found.extend([0] * (number + 1 - len(self._found)))
        self._found[number] = kind
