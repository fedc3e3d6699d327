"""Which streams can be digested while an image passes from its start to its end (pure).

An extent that comes before its turn must be kept until the one before it in the file has passed;
the head of a stream is kept until its type can be asked for, and each stream under way has its
running digests. All of that is known from the extents alone, so it is reserved beforehand: a stream
whose share does not fit beside that of the others is left out.
"""

from __future__ import annotations

import heapq
from array import array
from typing import TYPE_CHECKING

from evkit.inventory.types.filetype import HEAD
from evkit.manifest.rows import HOLE, MAX_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW = 64 << 20  # bytes that are kept at most, of all streams together
MOST_EXTENTS = 1 << 20  # of all streams together: their places cost 40 bytes each
MOST_HOLE = 1 << 30  # a stream with more zeros is not worth digesting here
UNDER_WAY = 2048  # bytes that the running digests of a stream take


class Places:
    """Extents of the streams that were accepted, and the order in which they will pass.

    Args:
        size: bytes of the image.
        window: bytes that may be kept.
        most: extents at most.

    Attributes:
        sizes: bytes of each stream.
        first: number of the first extent of each stream, and one more entry at the end.
        place, length, at: of each extent: offset in the image, bytes, offset in the stream.
        stream: which stream an extent belongs to.
    """

    def __init__(self, size: int, window: int = WINDOW, most: int = MOST_EXTENTS) -> None:
        self._size = size
        self._window = window
        self._most = most
        self._budget = 2 * size  # streams share extents only where something is wrong or deleted
        self._holes = size
        self.sizes = array("Q")
        self.first = array("I", [0])
        self.place, self.length, self.at = array("Q"), array("Q"), array("Q")
        self.stream = array("I")

    def add(self, extents: Sequence[Sequence[int]], size: int) -> int:
        """Take the extents of a stream and return its number, -1 when it cannot be taken.

        Args:
            extents: (offset in the image or -1 for zeros, length) in the order of the stream.
            size: bytes of the stream.
        """
        if not extents or len(extents) > MAX_EXTENTS or len(self.place) + len(extents) > self._most:
            return -1
        data = holes = 0
        for place, length in extents:
            if length <= 0 or place < HOLE or (place != HOLE and place + length > self._size):
                return -1
            if place == HOLE:
                holes += length
            else:
                data += length
        if not data or data + holes != size or holes > MOST_HOLE:
            return -1
        if data > self._budget or holes > self._holes:
            return -1
        self._budget -= data
        self._holes -= holes
        number, at = len(self.sizes), 0
        for place, length in extents:
            if place != HOLE:
                self.place.append(place)
                self.length.append(length)
                self.at.append(at)
                self.stream.append(number)
            at += length
        self.sizes.append(size)
        self.first.append(len(self.place))
        return number

    def order(self) -> array[int]:
        """Return the extents of the streams that fit into the window, as they will pass."""
        order = sorted(range(len(self.place)), key=self.place.__getitem__)
        left_out = self._left_out(order)
        return array("I", (item for item in order if not left_out[self.stream[item]]))

    def _left_out(self, order: list[int]) -> bytearray:
        waits, head_ends, ends = self._waits()
        count = len(self.sizes)
        begun, out = bytearray(count), bytearray(count)
        share = array("Q", bytes(8 * count))
        held: list[tuple[int, int, int]] = []
        total = 0
        for item in order:
            number, start = self.stream[item], self.place[item]
            while held and held[0][0] <= start:
                _, freed, of = heapq.heappop(held)
                if not out[of]:
                    total -= freed
                    share[of] -= freed
            if out[number]:
                continue
            wanted = []
            if not begun[number]:
                begun[number] = 1
                wanted.append((head_ends[number], min(self.sizes[number], HEAD), number))
                wanted.append((ends[number], UNDER_WAY, number))
            if waits[item] > start:
                wanted.append((waits[item], self.length[item], number))
            more = sum(charge for _, charge, _ in wanted)
            if total + more > self._window:
                out[number] = 1
                total -= share[number]
                continue
            total += more
            share[number] += more
            for charge in wanted:
                heapq.heappush(held, charge)
        return out

    def _waits(self) -> tuple[array[int], array[int], array[int]]:
        """Return until where each extent, each head and each stream is kept."""
        waits = array("Q", bytes(8 * len(self.place)))
        head_ends, ends = array("Q"), array("Q")
        for number in range(len(self.sizes)):
            passed = head_end = 0
            for item in range(self.first[number], self.first[number + 1]):
                waits[item] = passed
                passed = max(passed, self.place[item] + self.length[item])
                if self.at[item] < HEAD:
                    head_end = passed
            head_ends.append(head_end)
            ends.append(passed)
        return waits, head_ends, ends
