"""A part of the medium of an image, compared on the way with the pieces that are on record of it.

Pieces are compared whole: those at both ends are read to their ends, and only what lies in the part
is handed on. So every byte handed on is covered by a recorded hash, or is counted as not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.ranges import Range, merge
from evkit.hashing.pieces import GROUP_BYTES, HASH, group_node

if TYPE_CHECKING:
    from evkit.hashing.pieces import PieceTree
    from evkit.images.model import Image

_UNIT = 32768  # what cannot be decoded is given up in steps of this


class WindowReader:
    """Reads a part of an image in order; what cannot be decoded is zeros and a gap.

    Args:
        image: opened; it stays the caller's to close.
        offset, length: the part.
        tree: recorded pieces of the whole medium, of the same size; None where there are none.

    Attributes:
        done: bytes of the part that were handed on.
        equal: pieces that are as recorded.
        unequal: ranges (offset, length) of the whole medium that are not.
        lost: pieces in which something could not be decoded, so that they were not compared.
    """

    retries = 0

    def __init__(
        self, image: Image, offset: int, length: int, tree: PieceTree | None = None
    ) -> None:
        self.done = 0
        self.equal = 0
        self.unequal: list[Range] = []
        self.lost = 0
        self._image = image
        self._offset = offset
        self._length = length
        self._tree = tree
        self._gaps: list[Range] = []
        self._piece = memoryview(b"")
        self._number = -1

    @property
    def gaps(self) -> list[Range]:
        """What could not be decoded, in bytes of the part."""
        return inside(self._gaps, self._offset, self._length)

    def fill(self, view: memoryview) -> int:
        """Fill `view`; fewer bytes only at the end of the part."""
        wanted = min(len(view), self._length - self.done)
        filled = 0
        while filled < wanted:
            number, skip = divmod(self._offset + self.done, GROUP_BYTES)
            if number != self._number:
                self._load(number)
            part = self._piece[skip : skip + wanted - filled]
            view[filled : filled + len(part)] = part
            filled += len(part)
            self.done += len(part)
        return filled

    def _load(self, number: int) -> None:
        """Read a piece and compare it."""
        start = number * GROUP_BYTES
        length = min(GROUP_BYTES, self._image.size - start)
        if self._tree is None:  # nothing to compare: only what is wanted
            end = min(start + length, self._offset + self._length)
            length = end - start
        self._piece, self._number = memoryview(bytearray(length)), number
        before = len(self._gaps)
        self._take(self._piece, start, GROUP_BYTES)
        if self._tree is None:
            return
        if len(self._gaps) > before:
            self.lost += 1
        elif group_node(self._piece) == self._tree.nodes[number * HASH : (number + 1) * HASH]:
            self.equal += 1
        else:
            self.unequal.append((start, length))

    def _whole(self, start: int, length: int) -> bytes:
        data = self._image.read(start, length)
        if len(data) < length:
            raise InputError(f"the image ends at byte {start + len(data)}")
        return data

    def _take(self, view: memoryview, start: int, unit: int) -> None:
        try:
            view[:] = self._whole(start, len(view))
        except (OSError, InputError):
            if unit <= _UNIT:
                view[:] = bytes(len(view))
                self._gaps.append((start, len(view)))
                return
            for at in range(0, len(view), _UNIT):
                self._take(view[at : at + _UNIT], start + at, _UNIT)


def inside(ranges: list[Range], offset: int, length: int) -> list[Range]:
    """Return what of some ranges lies in a part of the medium, counted from its start."""
    found = []
    for start, size in merge(ranges):
        first, last = max(start, offset), min(start + size, offset + length)
        if first < last:
            found.append((first - offset, last - first))
    return found
