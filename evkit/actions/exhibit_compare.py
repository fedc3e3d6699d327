"""`evkit exhibit compare A1 A2`: are two acquisitions equal, and if not, where and why?

Both trees are those that the ledger records; a difference is put down to data that one of them
could not read when what differs lies there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.actions.exhibit_blocks import BOTH, ELSEWHERE, END, ONLY_A, ONLY_B, Differences
from evkit.actions.exhibit_sides import read_sides
from evkit.core.errors import ExitCode
from evkit.core.progress import SILENT, Progress
from evkit.core.ranges import merge, total
from evkit.core.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evkit.actions.exhibit_blocks import Place
    from evkit.actions.exhibit_sides import Side
    from evkit.station import Station

MAX_RANGES = 1000
_SHOWN = 12
_CODES = {
    "equal": ExitCode.OK,
    "different": ExitCode.FAILED_CHECK,
    "undecided": ExitCode.UNDECIDED,
}
_KINDS = (ONLY_A, ONLY_B, BOTH, ELSEWHERE, END)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the comparison found.

    Attributes:
        blocks, mibs: differing blocks, and differing MiBs that could not be narrowed, by kind.
        sectors: differing sectors of 512 bytes; None when the images were not read.
        ranges: the first neighbouring places joined: offset, length, kind.
        ranges_total: how many there are.
    """

    a: Side
    b: Side
    blocks: dict[str, int] = field(default_factory=dict)
    mibs: dict[str, int] = field(default_factory=dict)
    sectors: int | None = None
    ranges: tuple[tuple[int, int, str], ...] = ()
    ranges_total: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both have one length and one root; zeros stand for what cannot be read."""
        return (self.a.tree.size, self.a.tree.root) == (self.b.tree.size, self.b.tree.root)

    @property
    def verdict(self) -> str:
        """`equal`, `different`, or `undecided`: equal but for what could not be read now."""
        if not self.equal:
            return "different"
        return "undecided" if self.a.lost or self.b.lost else "equal"

    @property
    def exit_code(self) -> int:
        """0 equal, 4 different, 5 undecided."""
        return int(_CODES[self.verdict])

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/exhibit-comparison/1",
            "verdict": self.verdict,
            "a": self.a.document(),
            "b": self.b.document(),
            "blocks": sum(self.blocks.values()),
            "blocks_by_kind": self.blocks,
            "whole_mib": sum(self.mibs.values()),
            "whole_mib_by_kind": self.mibs,
            "sectors": self.sectors,
            "ranges": [list(found) for found in self.ranges],
            "ranges_total": self.ranges_total,
            "remarks": list(self.remarks),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [self._first_line()]
        for name, side in (("A", self.a), ("B", self.b)):
            record = f", as entry {side.entry} records" if side.entry is not None else ""
            lines.append(f"  {name}  {side.label}: {in_words(side.tree.size)}{record}")
            lines.append(f"     root {side.tree.root.hex()}")
        if self.a.tree.size != self.b.tree.size:
            longer, shorter = sorted((self.a, self.b), key=lambda side: -side.tree.size)
            more = in_words(longer.tree.size - shorter.tree.size)
            lines.append(f"  {longer.name} is longer than {shorter.name} by {more}")
        for offset, length, kind in self.ranges[:_SHOWN]:
            end = offset + length - 1
            lines.append(f"  bytes {offset:,} to {end:,}: {self._words(kind)}")
        if self.ranges_total > _SHOWN:
            lines.append(f"  and {self.ranges_total - _SHOWN:,} more places")
        if self.sectors is not None:
            lines.append(f"  sectors of 512 bytes that differ: {self.sectors:,}")
        return lines + [f"  remark: {text}" for text in self.remarks]

    def _first_line(self) -> str:
        if self.equal:
            text = f"equal: {self.a.name} and {self.b.name}, {in_words(self.a.tree.size)}"
            return text if self.verdict == "equal" else f"not decided, as far as was read {text}"
        parts = []
        for unit, counts in (("block", self.blocks), ("whole MiB", self.mibs)):
            total = sum(counts.values())
            if total:
                many = "s" if unit == "block" and total != 1 else ""
                kinds = [f"{counts[k]:,} {self._words(k)}" for k in _KINDS if counts.get(k)]
                parts.append(f"{total:,} {unit}{many}: {', '.join(kinds)}")
        return "equal except " + "; ".join(parts)

    def _words(self, kind: str) -> str:
        shorter = min((self.a, self.b), key=lambda side: side.tree.size)
        return {
            ONLY_A: f"unread in {self.a.name}",
            ONLY_B: f"unread in {self.b.name}",
            BOTH: "unread in both",
            ELSEWHERE: "elsewhere",
            END: f"beyond the end of {shorter.name}",
        }[kind]


def compare(
    first: str, second: str, open_station: Callable[[], Station], progress: Progress = SILENT
) -> Compared:
    """Compare two acquisitions, pieces files or images.

    Raises:
        CaseError: no such acquisition.
        CheckFailedError: a pieces file is not the recorded one.
        UndecidedError: no tree is recorded, or it is not here.
        InputError: a file cannot be read.
    """
    a, b = read_sides((first, second), open_station, progress)
    remarks = [*a.remarks, *b.remarks]
    for side in (a, b):
        before = total(merge(side.unread)) - side.lost
        if side.lost:
            remarks.append(f"{side.label}: {in_words(side.lost)} cannot be read now")
        if before > 0:
            remarks.append(f"{side.label}: {in_words(before)} could not be read when it was made")
    found = Compared(a=a, b=b, remarks=tuple(remarks))
    if found.equal:
        return found
    differences = Differences(a, b, progress)
    return _count(a, b, differences.places(), lambda: (*remarks, *differences.remarks))


def _count(
    a: Side, b: Side, places: Iterable[Place], remarks: Callable[[], tuple[str, ...]]
) -> Compared:
    blocks: dict[str, int] = {}
    mibs: dict[str, int] = {}
    sectors: int | None = 0
    ranges: list[tuple[int, int, str]] = []
    total, last = 0, (-1, "")
    for place in places:
        counts = mibs if place.whole_mib else blocks
        counts[place.kind] = counts.get(place.kind, 0) + 1
        if place.kind != END:
            known = sectors is not None and place.sectors is not None
            sectors = (sectors or 0) + (place.sectors or 0) if known else None
        if last != (place.offset, place.kind):
            total += 1
            if total <= MAX_RANGES:
                ranges.append((place.offset, place.length, place.kind))
        elif total <= MAX_RANGES:
            start, length, kind = ranges[-1]
            ranges[-1] = (start, length + place.length, kind)
        last = (place.offset + place.length, place.kind)
    return Compared(
        a=a,
        b=b,
        blocks=blocks,
        mibs=mibs,
        sectors=sectors,
        ranges=tuple(ranges),
        ranges_total=total,
        remarks=remarks(),
    )
