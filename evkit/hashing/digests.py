"""Several digests from one read: each algorithm runs in its own thread, in order, beside reading.

hashlib releases the interpreter lock above 2,047 bytes, so on two cores MD5 and SHA-256 cost the
time of the slower one. Small inputs are digested in place, without threads.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import queue
import threading
from typing import TYPE_CHECKING

from evkit.core.closing import Closing
from evkit.core.errors import UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evkit.hashing.pieces import PieceHasher

ALGORITHMS: Mapping[str, int] = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
WEAK = frozenset({"md5", "sha1"})  # these match or not; they say nothing about tampering
DEFAULT = ("md5", "sha256")
READ_BLOCK = 1 << 20  # measured: 256 KiB and 4 MiB are slower, the latter leaves the cache
_DEPTH = 8  # blocks in flight
_THREADED_FROM = 8 << 20


def parse_algorithms(text: str) -> tuple[str, ...]:
    """Read a list such as `md5,sha256`; the result has the order of `ALGORITHMS`, no repeats.

    Raises:
        UsageError: a name is not known, or there is none.
    """
    asked = {part.strip().lower().replace("-", "") for part in text.split(",") if part.strip()}
    unknown = sorted(asked - set(ALGORITHMS))
    if unknown or not asked:
        wrong = escape(", ".join(unknown)) or "nothing"
        raise UsageError(
            f"`{wrong}` is not a digest that evkit makes", hint="use " + ", ".join(ALGORITHMS)
        )
    return tuple(name for name in ALGORITHMS if name in asked)


def new(name: str) -> hashlib._Hash:
    """Return a fresh hash object, also for MD5 where a policy bans it for security uses."""
    return hashlib.new(name, usedforsecurity=False)


class MultiDigest:
    """Digests of one stream under several algorithms, in the calling thread.

    Args:
        names: algorithm names of `ALGORITHMS`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._hashes = {name: new(name) for name in names}

    def update(self, block: bytes | bytearray | memoryview | mmap.mmap) -> None:
        """Take the next bytes of the stream."""
        for value in self._hashes.values():
            value.update(block)

    def digests(self) -> dict[str, str]:
        """Return lower-case hex by algorithm name."""
        return {name: value.hexdigest() for name, value in self._hashes.items()}


class ThreadedDigest(Closing):
    """Digests of one stream, one thread per algorithm; blocks are shared, never copied.

    `update` takes a block that must not change until `on_free` is called with it. Used as a
    context manager; `digests` may be called once all blocks are given.

    Args:
        names: algorithm names.
        on_free: called (from any thread) with a block that every algorithm has taken.
        pieces: also feed this piece hasher, in a thread of its own.
    """

    def __init__(
        self,
        names: Sequence[str],
        on_free: Callable[[memoryview], None],
        pieces: PieceHasher | None = None,
    ) -> None:
        self._hashes = {name: new(name) for name in names}
        self._on_free = on_free
        self._lock = threading.Lock()
        self._left: dict[int, int] = {}
        self._next = 0
        self._error: BaseException | None = None
        takers: list[Callable[[memoryview], None]] = [
            value.update for value in self._hashes.values()
        ]
        if pieces is not None:
            takers.append(pieces.update)
        self._queues: list[queue.SimpleQueue[tuple[int, memoryview] | None]] = []
        self._threads: list[threading.Thread] = []
        for taker in takers:
            line: queue.SimpleQueue[tuple[int, memoryview] | None] = queue.SimpleQueue()
            self._queues.append(line)
            self._threads.append(threading.Thread(target=self._work, args=(line, taker)))
        for thread in self._threads:
            thread.start()

    def update(self, block: memoryview) -> None:
        """Give the next block to all algorithms; returns at once."""
        with self._lock:
            number = self._next
            self._next += 1
            self._left[number] = len(self._queues)
        for line in self._queues:
            line.put((number, block))

    def digests(self) -> dict[str, str]:
        """Wait for the threads and return lower-case hex by algorithm name."""
        self.close()
        if self._error is not None:
            raise self._error
        return {name: value.hexdigest() for name, value in self._hashes.items()}

    def close(self) -> None:
        """End the threads, after the blocks that were given; twice does no harm."""
        for line in self._queues:
            line.put(None)
        for thread in self._threads:
            thread.join()
        self._queues, self._threads = [], []

    def _work(
        self,
        line: queue.SimpleQueue[tuple[int, memoryview] | None],
        taker: Callable[[memoryview], None],
    ) -> None:
        while (item := line.get()) is not None:
            number, block = item
            try:
                taker(block)
            except Exception as error:  # noqa: BLE001 - kept, and raised by `digests`
                self._error = error
            with self._lock:
                self._left[number] -= 1
                free = self._left[number] == 0
                if free:
                    del self._left[number]
            if free:
                self._on_free(block)


def digest_descriptor(
    descriptor: int,
    names: Sequence[str],
    *,
    pieces: PieceHasher | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[int, dict[str, str]]:
    """Read a descriptor from where it stands to its end, once.

    Args:
        descriptor: open for reading.
        names: algorithm names.
        pieces: a piece hasher that is fed beside the digests.
        on_bytes: called with the number of bytes read so far.

    Returns:
        (bytes read, digests by name).

    Raises:
        OSError: the read failed.
    """
    free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
    whole = {id(buffer): memoryview(buffer) for buffer in _buffers()}
    for view in whole.values():
        free.put(view)

    def release(block: memoryview) -> None:
        free.put(whole[id(block.obj)])

    total = 0
    with (
        io.FileIO(descriptor, closefd=False) as source,
        ThreadedDigest(names, release, pieces) as digest,
    ):
        while count := source.readinto(view := free.get()):
            total += count
            digest.update(view[:count])
            if on_bytes is not None:
                on_bytes(total)
        return total, digest.digests()


def _buffers() -> list[mmap.mmap]:
    return [mmap.mmap(-1, READ_BLOCK) for _ in range(_DEPTH)]


def digest_file(
    path: str | bytes | os.PathLike[str],
    names: Sequence[str] = DEFAULT,
    *,
    pieces: PieceHasher | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[int, dict[str, str]]:
    """Read a file once.

    Args:
        path: of the file.
        names: algorithm names.
        pieces: a piece hasher that is fed beside the digests.
        on_bytes: called with the number of bytes read so far of a large file.

    Returns:
        (size in bytes as read, digests by name).

    Raises:
        OSError: the file cannot be opened or read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        if os.fstat(descriptor).st_size >= _THREADED_FROM:
            return digest_descriptor(descriptor, names, pieces=pieces, on_bytes=on_bytes)
        return _digest_small(descriptor, names, pieces)
    finally:
        os.close(descriptor)


def _digest_small(
    descriptor: int, names: Sequence[str], pieces: PieceHasher | None
) -> tuple[int, dict[str, str]]:
    digest = MultiDigest(names)
    total = 0
    while block := os.read(descriptor, 1 << 20):
        total += len(block)
        digest.update(block)
        if pieces is not None:
            pieces.update(block)
    return total, digest.digests()
