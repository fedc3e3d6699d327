"""Running the engine in a child process and taking its answers with suspicion (parent side).

Here one child does one task: the partition table of an image, or a tree of files. A child that
crashes, hangs, sends what it should not or too much of it is ended, and the caller learns why; what
it sent before stays. Volumes have children that serve many tasks: `evkit.inventory.pool`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import children, clock, ejson
from evkit.core.errors import InputError
from evkit.inventory.wire import MAX_LINE, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TASK_LINES = 5_000_000
_CHUNK = 1 << 16
_QUEUE = 256  # chunks between child and parent; a full queue holds the child back


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a child may use.

    Attributes:
        memory: bytes of address space.
        cpu: seconds of processor time; 0 to derive them from the size of the volume.
        files: open descriptors.
        silence: seconds without a line after which the child counts as hung.
        call: seconds of processor time that one directory or record may take inside a library.
        lines: messages at most; of one task of a volume at most `TASK_LINES`.
    """

    memory: int = 4 << 30
    cpu: int = 0
    files: int = 256
    silence: float = 300.0
    call: int = 900
    lines: int = 500_000_000

    def cpu_for(self, size: int) -> int:
        """Return the seconds for a volume of `size` bytes: 30 minutes and 1 second per 2 MB."""
        return self.cpu or 1800 + size // 2_000_000


class EngineStoppedError(Exception):
    """The child did not finish.

    Attributes:
        reason: `engine-crash`, `engine-hang`, `engine-garbage` or `engine-limit`.
        detail: what is known, safe to print.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def engine_command(module: str = "child") -> list[str]:
    """Return the command line of a child."""
    return children.command(f"evkit.inventory.{module}")


def messages(
    request: Mapping[str, Any], limits: Limits, command: Sequence[str] | None = None
) -> Iterator[Message]:
    """Run one child and yield what it says, `done` excluded.

    Args:
        request: goes to the child as one JSON object.
        limits: what the child may use.
        command: another program instead of the engine (tests).

    Raises:
        EngineStoppedError: the child crashed, hung, sent garbage or too much.
    """
    process = start(command or engine_command())
    try:
        _give(process, ejson.dumps(request) + b"\n")
        yield from _take(process, limits)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a child with pipes to its standard input and output.

    Raises:
        EngineStoppedError: there is no room for another process.
    """
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=children.environment(),
            close_fds=True,
        )
    except OSError as error:
        text = f"it cannot be started: {error.strerror or error}"
        raise EngineStoppedError("engine-crash", text) from error


def _give(process: subprocess.Popen[bytes], data: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(OSError):  # a child that is gone shows by its exit status
        process.stdin.write(data)
        process.stdin.close()


def _take(process: subprocess.Popen[bytes], limits: Limits) -> Iterator[Message]:
    done = False
    for number, line in enumerate(_lines(process, limits.silence)):
        if done:
            raise EngineStoppedError("engine-garbage", "it went on after its end")
        if number >= limits.lines:
            raise EngineStoppedError("engine-limit", f"more than {limits.lines} lines")
        try:
            message = Message.parse(line)
        except InputError as error:
            raise EngineStoppedError("engine-garbage", error.message) from error
        done = message.kind == "done"
        if not done:
            yield message
    if not done:
        raise EngineStoppedError("engine-crash", ending(process))


def _lines(process: subprocess.Popen[bytes], silence: float) -> Iterator[bytes]:
    """Yield whole lines; a thread reads, so that silence can be told on every system."""
    chunks: queue.Queue[bytes] = queue.Queue(_QUEUE)
    stopped = threading.Event()
    thread = threading.Thread(target=_read, args=(process, chunks, stopped), daemon=True)
    thread.start()
    try:
        rest: list[bytes] = []
        size = 0
        while True:
            try:
                chunk = chunks.get(timeout=silence)
            except queue.Empty:
                raise EngineStoppedError("engine-hang", f"silent for {silence:g} seconds") from None
            if not chunk:
                break
            first, *more = chunk.split(b"\n")
            rest.append(first)
            size += len(first)
            if more:
                yield b"".join(rest)
                yield from more[:-1]
                rest, size = [more[-1]], len(more[-1])
            if size > MAX_LINE:
                raise EngineStoppedError("engine-garbage", f"a line of more than {MAX_LINE} bytes")
        if size:
            raise EngineStoppedError("engine-crash", ending(process))
    finally:
        stopped.set()
        process.kill()
        while thread.is_alive():
            with contextlib.suppress(queue.Empty):
                chunks.get(timeout=0.05)
        thread.join()


def _read(
    process: subprocess.Popen[bytes], chunks: queue.Queue[bytes], stopped: threading.Event
) -> None:
    stream = process.stdout
    if stream is None:
        return
    while not stopped.is_set():
        try:
            chunk = os.read(stream.fileno(), _CHUNK)
        except (OSError, ValueError):
            chunk = b""
        chunks.put(chunk)
        if not chunk:
            return


def ending(process: subprocess.Popen[bytes]) -> str:
    """Say how a child ended that closed its output."""
    deadline = clock.monotonic() + 5
    while process.poll() is None and clock.monotonic() < deadline:
        clock.sleep(0.01)
    status = process.returncode
    if status is None:
        return "it closed its output and did not end"
    return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
