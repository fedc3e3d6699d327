"""The one read that feeds everything: digests, piece tree and the writer, block by block.

The calling thread reads into page-aligned buffers of a bounded pool. Each digest has a thread of
its own and takes the blocks in order, the pieces of a block are hashed by whichever piece thread is
free, one thread writes. A buffer returns to the pool when all have taken it, so memory does not
depend on the size of the source. hashlib and the kernel release the interpreter lock.
"""

from __future__ import annotations

import os
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evkit.core import aligned
from evkit.hashing import digests, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BLOCK = aligned.BLOCK
DEPTH = 20  # buffers in the pool: 80 MiB


class Source(Protocol):
    """Gives the bytes of a medium in order."""

    def fill(self, view: memoryview) -> int:
        """Fill `view` from where the source stands; fewer bytes only at the end of the medium."""


class Target(Protocol):
    """Takes the bytes of a medium in order, such as `core.aligned.AlignedWriter`."""

    def write(self, data: memoryview) -> None:
        """Append all of `data`."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one complete read gave.

    Attributes:
        size: bytes read.
        digests: lower-case hex by algorithm name.
        pieces: the piece tree.
    """

    size: int
    digests: Mapping[str, str]
    pieces: pieces.PieceTree


@dataclass(frozen=True, kw_only=True)
class _Block:
    number: int
    view: memoryview


class _Taker:
    """One consumer: a queue, its threads, and the function that takes a block."""

    def __init__(self, take: Callable[[_Block], None], threads: int = 1) -> None:
        self.take = take
        self.threads = threads
        self.line: queue.SimpleQueue[_Block | None] = queue.SimpleQueue()


class _Run:
    """The state of one read: the pool, who still holds which block, the first error."""

    def __init__(self, takers: Sequence[_Taker]) -> None:
        self._takers = takers
        self._lock = threading.Lock()
        self._left: dict[int, int] = {}
        self._whole = [memoryview(buffer) for buffer in aligned.buffers(DEPTH, BLOCK)]
        self._owner: dict[int, memoryview] = {}
        self.free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self.error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, args=(taker,), daemon=True)
            for taker in takers
            for _ in range(taker.threads)
        ]

    def start(self) -> None:
        for view in self._whole:
            self.free.put(view)
        for thread in self._threads:
            thread.start()

    def give(self, whole: memoryview, count: int, number: int) -> None:
        """Hand the first `count` bytes of a buffer to every consumer."""
        with self._lock:
            self._left[number] = len(self._takers)
            self._owner[number] = whole
        block = _Block(number=number, view=whole[:count])
        for taker in self._takers:
            taker.line.put(block)

    def stop(self) -> None:
        """Let the threads finish what is queued and wait for them."""
        for taker in self._takers:
            for _ in range(taker.threads):
                taker.line.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _work(self, taker: _Taker) -> None:
        while (block := taker.line.get()) is not None:
            if self.error is None:
                try:
                    taker.take(block)
                except Exception as error:  # noqa: BLE001 - kept, and raised by `read_all`
                    self.error = error
            self._release(block.number)

    def _release(self, number: int) -> None:
        with self._lock:
            self._left[number] -= 1
            if self._left[number]:
                return
            del self._left[number]
            whole = self._owner.pop(number)
        self.free.put(whole)


def read_all(
    source: Source,
    names: Sequence[str],
    *,
    target: Target | None = None,
    block_nodes: bool = False,
    on_bytes: Callable[[int], None] | None = None,
) -> Outcome:
    """Read a source to its end, once.

    Args:
        source: where the bytes come from.
        names: digest algorithms; none for the piece tree alone.
        target: also takes the bytes, in order.
        block_nodes: keep the hash of each 16 KiB block in the piece tree.
        on_bytes: called with the number of bytes read so far.

    Raises:
        StorageError: the target failed; what the source raises passes through.
    """
    hashes = {name: digests.new(name) for name in names}
    tree = _Pieces(block_nodes=block_nodes)
    takers = [_Taker(_updater(value.update)) for value in hashes.values()]
    if target is not None:
        takers.append(_Taker(_updater(target.write)))
    takers.append(_Taker(tree.take, _piece_threads(alone=not takers)))
    run = _Run(takers)
    run.start()
    size = number = 0
    try:
        while run.error is None:
            whole = run.free.get()
            count = source.fill(whole)
            if not count:
                break
            run.give(whole, count, number)
            number += 1
            size += count
            if on_bytes is not None:
                on_bytes(size)
            if count < BLOCK:
                break
    finally:
        run.stop()
    if run.error is not None:
        raise run.error
    return Outcome(
        size=size,
        digests={name: value.hexdigest() for name, value in hashes.items()},
        pieces=tree.finish(size),
    )


class _Pieces:
    """Piece hashes of blocks in any order."""

    def __init__(self, *, block_nodes: bool) -> None:
        self._nodes: dict[int, bytes] = {}
        self._leaves: dict[int, bytes] | None = {} if block_nodes else None

    def take(self, block: _Block) -> None:
        leaves = None if self._leaves is None else bytearray()
        self._nodes[block.number] = pieces.hash_groups(block.view, leaves)
        if leaves is not None and self._leaves is not None:
            self._leaves[block.number] = bytes(leaves)

    def finish(self, size: int) -> pieces.PieceTree:
        return pieces.tree_from_nodes(
            size, _joined(self._nodes), None if self._leaves is None else _joined(self._leaves)
        )


def _joined(parts: Mapping[int, bytes]) -> bytes:
    return b"".join(parts[number] for number in sorted(parts))


def _updater(update: Callable[[memoryview], object]) -> Callable[[_Block], None]:
    def take(block: _Block) -> None:
        update(block.view)

    return take


def _piece_threads(*, alone: bool) -> int:
    """Return how many threads hash pieces; all processors when nothing else is made."""
    cores = os.cpu_count() or 1
    return max(1, min(4, cores if alone else cores // 2))
