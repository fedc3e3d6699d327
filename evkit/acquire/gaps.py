"""Ranges that could not be read: data, not errors. Their map is `evkit.acquire.mapfile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.core.ejson import Json

Range = tuple[int, int]
SHOWN = 64  # ranges listed in an event; the map has them all


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Return ranges (offset, length) in order, neighbours and overlaps joined, empty ones gone."""
    result: list[Range] = []
    for offset, length in sorted(ranges):
        if length <= 0:
            continue
        if result and result[-1][0] + result[-1][1] >= offset:
            start, have = result[-1]
            result[-1] = (start, max(have, offset + length - start))
        else:
            result.append((offset, length))
    return result


def total(ranges: Iterable[Range]) -> int:
    """Return the bytes in ranges that do not overlap."""
    return sum(length for _, length in ranges)


def fields(ranges: Sequence[Range], *, fill: str = "zero") -> dict[str, Json]:
    """Return what an event says about unread ranges: count, bytes, the first ones, the fill."""
    return {
        "bytes": total(ranges),
        "ranges": len(ranges),
        "first": [[offset, length] for offset, length in ranges[:SHOWN]],
        "fill": fill,
    }
