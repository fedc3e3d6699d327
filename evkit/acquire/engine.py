"""The one read that feeds everything: digests, pieces, stored form and writer, block by block.

The calling thread reads into page-aligned buffers of a bounded pool. Each digest has a thread of
its own and takes the blocks in order; pieces and the stored form of a block are made by whichever
worker is free; one thread writes in order. A buffer returns to the pool when all have taken it, so
memory does not depend on the size of the source. An image is decoded the other way round: workers
make the blocks, then digests and writer take them in order.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from evkit.acquire import blockwork
from evkit.acquire.pool import Pool
from evkit.acquire.stream import Stream
from evkit.acquire.worker import Setup
from evkit.core import aligned
from evkit.hashing import digests, pieces
from evkit.images.e01.layout import CHUNK

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Iterator, Mapping, Sequence

BLOCK = aligned.BLOCK
DEPTH = 20  # buffers in the pool: 80 MiB
DEPTH_STORED = 12  # with the stored form beside each: 96 MiB
PROCESSES_FROM = 64 << 20  # below it starting them costs more than they save


class Source(Protocol):
    """Gives the bytes of a medium in order."""

    def fill(self, view: memoryview) -> int:
        """Fill `view` from where the source stands; fewer bytes only at the end of the medium."""


class Target(Protocol):
    """Takes the bytes of a medium in order, such as `core.aligned.AlignedWriter`."""

    def write(self, data: memoryview) -> None:
        """Append all of `data`."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Where the stored form of a medium goes.

    Attributes:
        compression: of `images.e01.codec`.
        append: takes the stored chunks of a block and their lengths, in order.
    """

    compression: str
    append: Callable[[memoryview, Sequence[int]], None]


class Stored(Protocol):
    """An image that says where its chunks are stored, such as `images.e01.reader.E01Image`."""

    @property
    def size(self) -> int:
        """Bytes of the medium."""

    @property
    def chunk(self) -> int:
        """Bytes of a chunk."""

    def block_runs(self, start: int, length: int) -> Sequence[blockwork.Run]:
        """Return where the chunks of a block are stored; `start` is at the start of a chunk."""

    def descriptors(self) -> Sequence[int]:
        """Return the open files that runs speak of."""


@dataclass(kw_only=True)
class Tally:
    """What one or several reads in a row have gathered; a read may go on with that of another.

    Attributes:
        hashes: running digests by name; they have taken `hashed` bytes.
        nodes: piece nodes by number of the block of 4 MiB.
        leaves: hashes of 16 KiB blocks likewise, None when they are not kept.
        size: bytes from the start on that were read.
    """

    hashes: dict[str, hashlib._Hash] = field(default_factory=dict)
    nodes: dict[int, bytes] = field(default_factory=dict)
    leaves: dict[int, bytes] | None = None
    size: int = 0

    @classmethod
    def fresh(cls, names: Sequence[str], *, block_nodes: bool = False) -> Tally:
        """Return an empty tally."""
        return cls(
            hashes={name: digests.new(name) for name in names}, leaves={} if block_nodes else None
        )

    def take(self, number: int, answer: blockwork.Answer) -> None:
        """Keep the pieces of a block."""
        self.nodes[number] = answer.nodes
        if self.leaves is not None:
            self.leaves[number] = answer.leaves

    def outcome(self) -> Outcome:
        """Return what was gathered."""
        leaves = None if self.leaves is None else _joined(self.leaves)
        return Outcome(
            size=self.size,
            digests={name: value.hexdigest() for name, value in self.hashes.items()},
            pieces=pieces.tree_from_nodes(self.size, _joined(self.nodes), leaves),
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one complete read gave.

    Attributes:
        size: bytes read.
        digests: lower-case hex by algorithm name.
        pieces: the piece tree.
        damage: (offset, length, reason) of what could not be decoded; zeros stand for it.
    """

    size: int
    digests: Mapping[str, str]
    pieces: pieces.PieceTree
    damage: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a read is to do.

    Attributes:
        names: digest algorithms; none for the piece tree alone.
        target: also takes the bytes, in order.
        encoding: also makes the stored form.
        block_nodes: keep the hash of each 16 KiB block in the piece tree.
        on_bytes: called with the number of bytes read so far.
        tally: go on with this one instead of a fresh one, from its `size` on.
        expected: bytes that are likely to come; decides on threads or processes.
    """

    names: Sequence[str] = ()
    target: Target | None = None
    encoding: Encoding | None = None
    block_nodes: bool = False
    on_bytes: Callable[[int], None] | None = None
    tally: Tally | None = None
    expected: int | None = None


def read_all(source: Source, order: Order) -> Outcome:
    """Read a source to its end, once.

    Raises:
        StorageError: the target failed; what the source raises passes through.
    """
    tally = order.tally or Tally.fresh(order.names, block_nodes=order.block_nodes)
    kind = blockwork.ENCODE if order.encoding else blockwork.PIECES
    pool = _pool(order, tally, stored=order.encoding is not None)
    takers = [value.update for value in tally.hashes.values()]
    writer = order.target.write if order.target is not None else None
    append = order.encoding.append if order.encoding is not None else None
    with Stream(pool, takers, write=writer, append=append, on_answer=tally.take) as stream:
        number = tally.size // BLOCK
        while (slot := stream.slot()) is not None:
            whole = pool.data(slot)
            count = source.fill(whole)
            if not count:
                break
            stream.give(number, blockwork.Job(kind=kind, slot=slot, length=count))
            number += 1
            tally.size += count
            if order.on_bytes is not None:
                order.on_bytes(tally.size)
            if count < BLOCK:
                break
    return tally.outcome()


def decode_all(image: Stored, order: Order) -> Outcome:
    """Decode a whole image, once, with all processors; encode it again where the order says so.

    Raises:
        StorageError: the target failed.
    """
    tally = order.tally or Tally.fresh(order.names, block_nodes=order.block_nodes)
    damage: list[tuple[int, int, str]] = []

    def answered(number: int, answer: blockwork.Answer) -> None:
        tally.take(number, answer)
        for index, count, reason in _joint(answer.damage):
            at = number * BLOCK + index * image.chunk
            damage.append((at, min(count * image.chunk, image.size - at), reason))

    pool = _pool(order, tally, stored=True, image=image)
    takers = [value.update for value in tally.hashes.values()]
    writer = order.target.write if order.target is not None else None
    append = order.encoding.append if order.encoding is not None else None
    kind = blockwork.RECODE if order.encoding is not None else blockwork.DECODE
    with Stream(pool, takers, write=writer, append=append, on_answer=answered) as stream:
        for number, start, length in _blocks(tally.size, image.size):
            slot = stream.slot()
            if slot is None:
                break
            runs = tuple(image.block_runs(start, length))
            job = blockwork.Job(kind=kind, slot=slot, length=length, runs=runs)
            stream.make(number, job)
            tally.size += length
            if order.on_bytes is not None:
                order.on_bytes(tally.size)
    made = tally.outcome()
    return Outcome(
        size=made.size, digests=made.digests, pieces=made.pieces, damage=tuple(sorted(damage))
    )


def _joint(damage: Sequence[tuple[int, str]]) -> list[tuple[int, int, str]]:
    """Join chunks that follow each other and have one reason: (chunk, how many, reason)."""
    found: list[tuple[int, int, str]] = []
    for chunk, reason in damage:
        if found and (sum(found[-1][:2]), found[-1][2]) == (chunk, reason):
            found[-1] = (found[-1][0], found[-1][1] + 1, reason)
        else:
            found.append((chunk, 1, reason))
    return found


def _blocks(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    for at in range(start, end, BLOCK):
        yield at // BLOCK, at, min(BLOCK, end - at)


def _pool(order: Order, tally: Tally, *, stored: bool, image: Stored | None = None) -> Pool:
    expected = image.size - tally.size if image is not None else order.expected or 0
    large = expected >= PROCESSES_FROM
    compression = order.encoding.compression if order.encoding else None
    chunk = image.chunk if image is not None else CHUNK
    cores = _cores()
    many = stored or not tally.hashes
    setup = Setup(
        memory=-1,
        slots=_depth(expected, DEPTH_STORED if stored else DEPTH),
        block=BLOCK,
        bound=_bound(min(chunk, CHUNK)) if stored else 0,
        compression=compression,
        files=tuple(image.descriptors()) if image is not None else (),
        chunk=chunk,
        block_nodes=tally.leaves is not None,
    )
    workers = max(1, min(8, cores if many else cores // 2))
    return Pool(setup, workers, processes=large and many)


def _bound(chunk: int) -> int:
    """Return room for the stored form of a block, a multiple of a page."""
    return -(-(BLOCK + 4 * (BLOCK // chunk + 1)) // aligned.ALIGNMENT) * aligned.ALIGNMENT


def _depth(expected: int, most: int) -> int:
    """Return how many buffers serve: few for what is small."""
    return most if not expected else max(2, min(most, -(-expected // BLOCK) + 1))


@functools.cache
def _cores() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _joined(parts: Mapping[int, bytes]) -> bytes:
    return b"".join(parts[number] for number in sorted(parts))
