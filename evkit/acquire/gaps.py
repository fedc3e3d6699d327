"""Ranges that could not be read: data, not errors. Their map is `evkit.acquire.mapfile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.ranges import Range, merge, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.core.ejson import Json

__all__ = ["SHOWN", "Range", "fields", "merge", "total", "within"]
SHOWN = 64  # ranges listed in an event; the map has them all


def fields(ranges: Sequence[Range], *, fill: str = "zero") -> dict[str, Json]:
    """Return what an event says about unread ranges: count, bytes, the first ones, the fill."""
    return {
        "bytes": total(ranges),
        "ranges": len(ranges),
        "first": [[offset, length] for offset, length in ranges[:SHOWN]],
        "fill": fill,
    }


def within(ranges: Sequence[Range], size: int) -> int:
    """Return how many bytes of the ranges lie in the first `size` bytes."""
    return sum(min(length, size - offset) for offset, length in ranges if offset < size)
