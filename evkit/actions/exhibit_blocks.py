"""Where two contents differ: by their piece trees, to the sector where the images are here.

Only the MiBs whose nodes differ are read again, and what is read counts only when it gives the node
that was recorded.
"""

from __future__ import annotations

import bisect
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import EvkitError
from evkit.core.ranges import merge
from evkit.hashing import pieces
from evkit.hashing.pieces import BLOCK, GROUP_BYTES, HASH
from evkit.images.opening import open_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.actions.exhibit_sides import Side
    from evkit.core.progress import Progress
    from evkit.images.model import Image

SECTOR = 512
MAX_REREAD = 4096  # MiB
_TASK = "narrow"

ONLY_A, ONLY_B, BOTH, ELSEWHERE, END = (
    "unread-in-a", "unread-in-b", "unread-in-both", "elsewhere", "beyond-end",
)  # fmt: skip


class Place(NamedTuple):
    """A block, or a MiB that could not be narrowed, in which the contents differ.

    Attributes:
        sectors: how many of its sectors differ; None when the images were not read.
    """

    offset: int
    length: int
    kind: str
    whole_mib: bool
    sectors: int | None


class Ranges:
    """Ranges in order, for asking which of them a stretch touches."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        merged = merge(ranges)
        self._starts = [start for start, _ in merged]
        self._ends = [sum(one) for one in merged]

    def touch(self, start: int, end: int) -> bool:
        """Say whether any range has a byte of [start, end)."""
        at = bisect.bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end

    def cover(self, start: int, end: int) -> bool:
        """Say whether one range has all of [start, end)."""
        at = bisect.bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] <= start and end <= self._ends[at]


@dataclass(kw_only=True)
class _Reader:
    """Reads MiBs of one side and believes them only when they give the recorded node."""

    side: Side
    image: Image | None
    wrong: int = 0
    failed: int = 0

    def read(self, number: int) -> bytes | None:
        if self.image is None:
            return None
        start = number * GROUP_BYTES
        length = min(GROUP_BYTES, self.side.tree.size - start)
        if length <= 0:
            return b""
        try:
            data = self.image.read(start, length)
        except (OSError, EvkitError):
            self.failed += 1
            return None
        if pieces.group_node(data) != _nodes(self.side.tree.nodes, number, 1):
            self.wrong += 1
            return None
        return data


class Differences:
    """Finds the places in which two sides differ.

    Args:
        a: one side.
        b: the other.
        progress: told the MiBs read.

    Attributes:
        remarks: why places were not narrowed.
    """

    def __init__(self, a: Side, b: Side, progress: Progress) -> None:
        self._a, self._b = a, b
        self._progress = progress
        self._unread = (Ranges(a.unread), Ranges(b.unread))
        self._short = min(a.tree.size, b.tree.size)
        self.remarks: list[str] = []

    def places(self) -> Iterator[Place]:
        """Yield every differing block in order, or the whole MiB where blocks are not known."""
        numbers = _differing(self._a.tree.nodes, self._b.tree.nodes)
        with contextlib.ExitStack() as stack:
            readers = [self._reader(side, len(numbers), stack) for side in (self._a, self._b)]
            self._progress.begin(_TASK, len(numbers) * GROUP_BYTES)
            for done, number in enumerate(numbers, 1):
                yield from self._mib(number, [reader.read(number) for reader in readers])
                self._progress.update(_TASK, done * GROUP_BYTES)
            self._progress.end(_TASK, len(numbers) * GROUP_BYTES)
        for reader in readers:
            if reader.wrong:
                self.remarks.append(
                    f"{reader.side.label}: the image is no longer what was recorded, in "
                    f"{reader.wrong:,} of the MiBs that differ; the recorded trees were compared"
                )
            if reader.failed:
                self.remarks.append(
                    f"{reader.side.label}: {reader.failed:,} MiB of the image could not be read"
                )

    def _reader(self, side: Side, count: int, stack: contextlib.ExitStack) -> _Reader:
        if not side.paths:
            return _Reader(side=side, image=None)
        if count > MAX_REREAD:
            self.remarks.append(
                f"{side.label}: over {MAX_REREAD:,} MiB differ; none was read again"
            )
            return _Reader(side=side, image=None)
        try:
            image = stack.enter_context(open_image(side.paths[0], side.paths))
        except EvkitError as error:
            self.remarks.append(f"{side.label}: the image was not read again: {error.message}")
            return _Reader(side=side, image=None)
        return _Reader(side=side, image=image)

    def _mib(self, number: int, data: list[bytes | None]) -> Iterator[Place]:
        start = number * GROUP_BYTES
        end = min(start + GROUP_BYTES, max(self._a.tree.size, self._b.tree.size))
        if start >= self._short:
            yield from self._beyond(start, end)
            return
        one, two = (
            _leaves(side, number, read) for side, read in zip((self._a, self._b), data, strict=True)
        )
        if one is None or two is None:
            kind = self._kind(start, end, None)
            yield Place(start, end - start, kind, whole_mib=True, sectors=None)
            return
        for index, at in enumerate(range(start, end, BLOCK)):
            if _nodes(one, index, 1) != _nodes(two, index, 1):
                yield self._block(at, min(at + BLOCK, end), data, start)

    def _beyond(self, start: int, end: int) -> Iterator[Place]:
        for at in range(start, end, BLOCK):
            yield Place(at, min(BLOCK, end - at), END, whole_mib=False, sectors=None)

    def _block(self, at: int, end: int, data: list[bytes | None], start: int) -> Place:
        length = end - at
        if at >= self._short:
            return Place(at, length, END, whole_mib=False, sectors=None)
        one, two = data
        if one is None or two is None:
            return Place(at, length, self._kind(at, end, None), whole_mib=False, sectors=None)
        common = min(end, self._short)
        sectors = [
            place
            for place in range(at, common, SECTOR)
            if one[place - start : min(place + SECTOR, common) - start]
            != two[place - start : min(place + SECTOR, common) - start]
        ]
        if not sectors:  # equal as far as both go
            return Place(at, length, END, whole_mib=False, sectors=0)
        kind = self._kind(at, end, [(s, min(s + SECTOR, common)) for s in sectors])
        return Place(at, length, kind, whole_mib=False, sectors=len(sectors))

    def _kind(self, start: int, end: int, sectors: list[tuple[int, int]] | None) -> str:
        """Say which side could not read what differs there.

        With the differing sectors all of them must be unread; else any unread byte is the reason.
        """
        in_a, in_b = (
            unread.touch(start, end)
            if sectors is None
            else all(unread.cover(*sector) for sector in sectors)
            for unread in self._unread
        )
        if in_a and in_b:
            return BOTH
        if in_a:
            return ONLY_A
        return ONLY_B if in_b else ELSEWHERE


def _differing(one: bytes, two: bytes) -> list[int]:
    """Return the numbers of the nodes that are not equal, or that only one side has."""
    count = max(len(one), len(two)) // HASH
    return [n for n in range(count) if _nodes(one, n, 1) != _nodes(two, n, 1)]


def _nodes(hashes: bytes, number: int, count: int) -> bytes:
    return hashes[number * HASH : (number + count) * HASH]


def _leaves(side: Side, number: int, data: bytes | None) -> bytes | None:
    """Return the block hashes of a MiB, kept or made from what was read."""
    if side.tree.block_nodes is not None:
        return _nodes(side.tree.block_nodes, number * pieces.GROUP, pieces.GROUP)
    if data is None:
        return None
    leaves = bytearray()
    if data:
        pieces.group_node(data, leaves)
    return bytes(leaves)
