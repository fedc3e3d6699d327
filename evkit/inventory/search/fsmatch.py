"""Which file system of one inventory is compared with which of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Match:
    """Two file systems, or one that has no counterpart.

    Attributes:
        number: from 1.
        systems: their numbers in the first and the second inventory.
        types: their types.
        offsets: where they begin.
        by: `place` (same place and type), `size` (same type and size), `order` (same type),
            `rest` (the only ones left), or `none`.
    """

    number: int
    systems: tuple[int | None, int | None]
    types: tuple[str | None, str | None]
    offsets: tuple[int | None, int | None]
    by: str

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "match": self.number,
            "first": self._side(0),
            "second": self._side(1),
            "by": self.by,
        }

    def _side(self, side: int) -> dict[str, Any] | None:
        if self.systems[side] is None:
            return None
        return {
            "fs": self.systems[side],
            "type": self.types[side],
            "offset": self.offsets[side],
        }


_RULES: tuple[tuple[str, Callable[[_Row], Hashable]], ...] = (
    ("place", lambda row: (row["offset"], row["type"])),
    ("size", lambda row: (row["type"], row["size"])),
    ("order", lambda row: row["type"]),
)


def match(first: Sequence[_Row], second: Sequence[_Row]) -> tuple[Match, ...]:
    """Match file system rows: by place and type, by type and size, by type, then what is left."""
    left, right = list(first), list(second)
    found: list[tuple[_Row | None, _Row | None, str]] = []
    for name, key in _RULES:
        for row in list(left):
            other = next((item for item in right if key(item) == key(row)), None)
            if other is not None:
                found.append((row, other, name))
                left.remove(row)
                right.remove(other)
    if len(left) == len(right) == 1:
        found.append((left.pop(), right.pop(), "rest"))
    found += [(row, None, "none") for row in left]
    found += [(None, row, "none") for row in right]
    found.sort(key=_order)
    return tuple(_match(number, *item) for number, item in enumerate(found, 1))


def _order(item: tuple[_Row | None, _Row | None, str]) -> tuple[int, int]:
    row = item[0] or item[1] or {}
    return int(item[0] is None), int(row["fs"])


def _match(number: int, first: _Row | None, second: _Row | None, by: str) -> Match:
    def both(field: str) -> tuple[Any, Any]:
        return (first or {}).get(field), (second or {}).get(field)

    return Match(
        number=number, systems=both("fs"), types=both("type"), offsets=both("offset"), by=by
    )
