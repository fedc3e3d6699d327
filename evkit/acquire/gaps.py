"""What events say of ranges that could not be read: data, not errors; their map has them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.ranges import total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.core.ejson import Json
    from evkit.core.ranges import Range

SHOWN = 64  # ranges listed in an event


def fields(ranges: Sequence[Range], *, fill: str = "zero") -> dict[str, Json]:
    """Return what an event says about unread ranges: count, bytes, the first ones, the fill."""
    return {
        "bytes": total(ranges),
        "ranges": len(ranges),
        "first": [[offset, length] for offset, length in ranges[:SHOWN]],
        "fill": fill,
    }
