"""Unread byte ranges of a medium as the sectors that `error2` can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.images.e01.plan import Medium

LIMIT: Final = 2**32  # neither sectors nor their number reach it in 32 bits


def to_sectors(
    unread: Iterable[tuple[int, int]], medium: Medium, most: int
) -> tuple[list[tuple[int, int]], int]:
    """Return the entries of the error list, and how many unread sectors they leave out.

    Ranges are widened to whole sectors, put in order, and joined where they touch.

    Args:
        unread: (offset, length) in bytes of the medium.
        medium: gives sector size and end.
        most: entries that there is room for; the first ones are kept.

    Raises:
        ValueError: a range is empty or lies outside the medium.
    """
    merged: list[tuple[int, int]] = []
    for offset, length in sorted(unread):
        if offset < 0 or length <= 0 or offset + length > medium.size:
            raise ValueError(f"no range of this medium: {offset}, {length}")
        first = offset // medium.sector_size
        end = -(-(offset + length) // medium.sector_size)
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((first, end))
    entries: list[tuple[int, int]] = []
    unsaid = 0
    for first, end in merged:
        said = min(end, LIMIT, first + LIMIT - 1)
        if first < LIMIT and len(entries) < most:
            entries.append((first, said - first))
            unsaid += end - said
        else:
            unsaid += end - first
    return entries, unsaid
