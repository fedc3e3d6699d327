"""Runs of free units, from the bitmaps and tables in which file systems keep them (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECES = re.compile(rb"\x00+|\xff+|[^\x00\xff]", re.DOTALL)


class FreeMap(NamedTuple):
    """Which units of a volume are free.

    Attributes:
        start: offset in the volume of unit 0.
        unit: bytes.
        runs: (first unit, how many) in order.
    """

    start: int
    unit: int
    runs: Iterator[tuple[int, int]]


def bitmap_runs(
    chunks: Iterable[bytes], total: int, *, high_first: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield (first, how many) of the zero bits among the first `total` of a bitmap.

    Args:
        chunks: the bitmap in pieces.
        total: bits that count.
        high_first: the highest bit of a byte is the first.
    """
    order = range(7, -1, -1) if high_first else range(8)
    at = begun = 0
    free = False
    for chunk in chunks:
        for match in _PIECES.finditer(chunk):
            piece = match[0]
            if piece[0] in {0, 255}:
                steps: Iterable[tuple[int, bool]] = ((8 * len(piece), piece[0] == 0),)
            else:
                steps = ((1, not piece[0] >> bit & 1) for bit in order)
            for width, is_free in steps:
                if is_free != free:
                    end = min(at, total)
                    if free and end > begun:
                        yield begun, end - begun
                    free, begun = is_free, at
                at += width
        if at >= total:
            break
    end = min(at, total)
    if free and end > begun:
        yield begun, end - begun


def table_runs(entries: Iterable[int], first: int) -> Iterator[tuple[int, int]]:
    """Yield (first, how many) of the zeros among the entries of an allocation table.

    Args:
        entries: from entry `first` on.
        first: number of the first one.
    """
    begun = -1
    number = first
    for number, entry in enumerate(entries, first):
        if entry == 0 and begun < 0:
            begun = number
        elif entry and begun >= 0:
            yield begun, number - begun
            begun = -1
    if begun >= 0:
        yield begun, number + 1 - begun
