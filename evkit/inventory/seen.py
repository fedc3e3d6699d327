"""A set of metadata addresses of a volume (parent side)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass
class Seen:
    """A set of metadata addresses, a bit each, in pages that exist only where they are needed."""

    _pages: dict[int, bytearray] = field(default_factory=dict)

    def add(self, number: int) -> bool:
        """Add an address; False when it was there already."""
        page = self._pages.get(number >> 15)
        if page is None:
            page = self._pages[number >> 15] = bytearray(1 << 12)
        place, bit = (number & 0x7FFF) >> 3, 1 << (number & 7)
        if page[place] & bit:
            return False
        page[place] |= bit
        return True

    def fresh(self, numbers: Iterable[int]) -> Iterator[bool]:
        """Add addresses; yields for each whether it was not there."""
        pages, last, page = self._pages, -1, bytearray()
        for number in numbers:
            if number >> 15 != last:
                last = number >> 15
                page = pages.get(last) or pages.setdefault(last, bytearray(1 << 12))
            place, bit = (number & 0x7FFF) >> 3, 1 << (number & 7)
            seen = page[place]
            page[place] = seen | bit
            yield not seen & bit

    def __iter__(self) -> Iterator[int]:
        """Yield the addresses in order."""
        for page, bits in sorted(self._pages.items()):
            for place, byte in enumerate(bits):
                for bit in range(8) if byte else ():
                    if byte >> bit & 1:
                        yield (page << 15) + (place << 3) + bit
