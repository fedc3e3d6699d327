"""The bar of a disk: partitions, gaps and unread places, to scale on a line of 1,000 units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 1000
_LEAST = 2.5  # units of the narrowest segment
_TICKS = 600  # unread places drawn; nearer than a unit they are drawn together
_HUES = 6
_LABEL = 90  # units that a label needs


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A place on the bar.

    Attributes:
        x, width: in units.
        look: CSS class: `f1`…`f6` for file systems, `gap`, `bare`, `bad`, `locked`, `odd`.
        label: short text that fits, or empty.
        offset, size: bytes.
        kind: of the partition row.
        table, description: of the partition row, the description as it was found.
        systems: file system rows in it.
        state: the worst of its states.
    """

    x: float
    width: float
    look: str
    label: str
    offset: int
    size: int
    kind: str
    description: str
    systems: tuple[Mapping[str, Any], ...]
    state: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The bar of a disk.

    Attributes:
        size: bytes of the image.
        main: what covers the image, in order of place.
        beside: what overlaps it: partition tables, a file system over the whole of a hybrid disc.
        unread: (x, width) of unread places.
        unread_bytes, unread_ranges: of all of them.
        fewer: more than can be drawn apart.
    """

    size: int
    main: tuple[Segment, ...]
    beside: tuple[Segment, ...]
    unread: tuple[tuple[float, float], ...]
    unread_bytes: int
    unread_ranges: int


def bar(
    size: int,
    partitions: Sequence[tuple[int, Mapping[str, Any]]],
    systems: Sequence[tuple[int, Mapping[str, Any]]],
    unread: Sequence[tuple[int, int]],
) -> Bar | None:
    """Lay out a disk; None when there is none (files)."""
    if size <= 0 or not partitions:
        return None
    within: dict[int, list[Mapping[str, Any]]] = {}
    for _, row in systems:
        within.setdefault(int(row.get("partition", 0)), []).append(row)
    looks = _looks([str(row["type"]) for _, row in systems])
    only = sum(row["kind"] in {"partition", "whole"} for _, row in partitions) == 1
    main: list[Segment] = []
    beside: list[Segment] = []
    for _, row in partitions:
        made = _segment(size, row, tuple(within.get(row["partition"], ())), looks)
        apart = row["kind"] == "metadata" or (row["kind"] == "whole" and not only)
        (beside if apart else main).append(made)
    return Bar(
        size=size,
        main=tuple(main),
        beside=tuple(beside),
        unread=tuple(_ticks(size, unread)),
        unread_bytes=sum(length for _, length in unread),
        unread_ranges=len(unread),
    )


def _segment(
    size: int,
    row: Mapping[str, Any],
    systems: tuple[Mapping[str, Any], ...],
    looks: Mapping[str, str],
) -> Segment:
    x, width = _place(size, row["offset"], row["size"])
    state = _worst([str(row["state"]), *(str(system["state"]) for system in systems)])
    if row["kind"] in {"gap", "metadata"}:
        look = str(row["kind"])
    elif state in {"damaged", "unreadable", "unsupported"}:
        look = "bad"
    elif state == "encrypted":
        look = "locked"
    else:
        look = looks[str(systems[0]["type"])] if systems else "bare"
    label = str(systems[0]["type"]) if systems and width >= _LABEL else ""
    return Segment(
        x=x,
        width=width,
        look=look,
        label=label,
        offset=row["offset"],
        size=row["size"],
        kind=row["kind"],
        description=str(row.get("description", "")),
        systems=systems,
        state=state,
    )


def _place(size: int, offset: int, length: int) -> tuple[float, float]:
    x = min(WIDTH * offset / size, WIDTH - _LEAST)
    width = min(max(WIDTH * length / size, _LEAST), WIDTH - x)
    return round(x, 2), round(width, 2)


def _ticks(size: int, unread: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """Merge places that lie less than a unit apart, so that their number is bounded."""
    found: list[list[float]] = []
    for offset, length in sorted(unread):
        x, width = _place(size, offset, length)
        if found and x - (found[-1][0] + found[-1][1]) < WIDTH / _TICKS:
            found[-1][1] = round(max(found[-1][1], x + width - found[-1][0]), 2)
        else:
            found.append([x, width])
    return [(x, width) for x, width in found]


def _looks(types: Sequence[str]) -> dict[str, str]:
    """Give each type of file system a colour, in the order in which they stand on the disk."""
    looks: dict[str, str] = {}
    for kind in types:
        looks.setdefault(kind, f"f{min(len(looks), _HUES - 1) + 1}")
    return looks


def _worst(states: Sequence[str]) -> str:
    order = ("unreadable", "damaged", "unsupported", "encrypted", "skipped", "ok")
    return min(states, key=order.index)
