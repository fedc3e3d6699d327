"""`evkit inventory compare`: what two inventories have in common and what not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.inventory_intact import View, intact
from evkit.actions.inventory_meant import locate
from evkit.core.errors import ExitCode
from evkit.core.paths import from_fields
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape_bytes, shorten
from evkit.inventory.database.reader import Inventory
from evkit.inventory.search.compare import KINDS, compare

if TYPE_CHECKING:
    from evkit.actions.inventory_intact import Intact
    from evkit.inventory.search.compare import Comparison, Difference
    from evkit.inventory.search.find import Entry
    from evkit.inventory.search.fsmatch import Match
    from evkit.station import Station

_WIDTH = 80
_NOTES = {
    "deleted-there": "gone, and listed as deleted in the second",
    "copy-remains": "gone, and the same content is still there under another name",
    "copy-of-known": "appeared, and the same content was there under another name",
}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two inventories compared.

    Attributes:
        names: what was compared, as it was named.
        databases: the inventory files.
        gaps: for each, whether it could not read something.
        checked: how each was checked before.
        insides: archives and mail in both that were looked into, whose members are not compared.
        found: the comparison.
        limit: differences of each kind that are listed; 0 for all.
    """

    names: tuple[str, str]
    databases: tuple[bytes, bytes]
    gaps: tuple[bool, bool]
    checked: tuple[Intact, Intact]
    found: Comparison
    limit: int
    insides: int = 0

    @property
    def exit_code(self) -> int:
        """0 the same, 4 different, 5 when something could not be compared or read."""
        if self.found.different:
            return int(ExitCode.FAILED_CHECK)
        if self.found.counts["cannot-be-compared"] or any(self.gaps):
            return int(ExitCode.UNDECIDED)
        return int(ExitCode.OK)

    @property
    def verdict(self) -> str:
        """One word for the exit code."""
        words = {0: "same", int(ExitCode.FAILED_CHECK): "different"}
        return words.get(self.exit_code, "undecided")

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        found = self.found
        return {
            "schema": "evkit/inventory-comparison/1",
            "verdict": self.verdict,
            "first": self._side(0),
            "second": self._side(1),
            "algorithm": found.algorithm,
            "weak": found.weak,
            "counts": dict(found.counts),
            "notes": dict(found.notes),
            "file_systems": [
                {**match.document(), "counts": dict(self._of(match))} for match in found.matches
            ],
            "insides_left_out": self.insides,
            "limit": self.limit,
            "differences": [difference.document() for difference in found.differences],
        }

    def lines(self) -> list[str]:
        """Return the lines for people: counts, file systems, then the differences by kind."""
        found = self.found
        lines = [f"{self.verdict.upper()}  {self.names[0]} and {self.names[1]}"]
        lines += [f"  {found.counts[kind]:>11,} {kind.replace('-', ' ')}" for kind in KINDS]
        lines += [
            f"  {found.notes[note]:>11,} {text}"
            for note, text in _NOTES.items()
            if found.notes.get(note)
        ]
        lines += ["", *(self._match_line(match) for match in found.matches)]
        lines.append(self._basis_line())
        if self.insides:
            lines.append("archives and mail were compared as files, not by what lies in them")
        for side, gap in enumerate(self.gaps):
            if gap:
                lines.append(f"{self.names[side]} has gaps: what was not read was not compared")
            lines += [f"{self.names[side]}: {text}" for text in self.checked[side].lines()]
        for kind in KINDS[1:]:
            lines += self._list(kind)
        return lines

    def _basis_line(self) -> str:
        if not self.found.algorithm:
            return "no digest was made in both: content cannot be compared"
        weak = ", which can be forged" if self.found.weak else ""
        return f"content was compared by {self.found.algorithm}{weak}; names in use only"

    def _side(self, side: int) -> dict[str, Any]:
        return {
            "name": self.names[side],
            "database": escape_bytes(self.databases[side]),
            "with_gaps": self.gaps[side],
            "checked": self.checked[side].document(),
        }

    def _of(self, match: Match) -> dict[str, int]:
        return dict(self.found.by_match.get(match.number, dict.fromkeys(KINDS, 0)))

    def _match_line(self, match: Match) -> str:
        sides = [
            "nothing" if kind is None else f"{kind} at {offset:,}"
            for kind, offset in zip(match.types, match.offsets, strict=True)
        ]
        counts = self._of(match)
        said = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind])
        return f"file system {match.number}: {sides[0]} / {sides[1]}: {said or 'no names'}"

    def _list(self, kind: str) -> list[str]:
        listed = [one for one in self.found.differences if one.kind == kind]
        if not listed:
            return []
        lines = ["", f"{kind.replace('-', ' ')}:"]
        for one in listed:
            lines += _difference_lines(one)
        more = self.found.counts[kind] - len(listed)
        if more > 0:
            lines.append(f"  … {more:,} more; `--limit` sets how many are shown")
        return lines


def run(
    first: str,
    second: str,
    station: Station | None,
    *,
    refs: tuple[bool, bool],
    limit: int,
    progress: Progress = SILENT,
) -> Compared:
    """Compare two inventories.

    Args:
        first: an exhibit, an acquisition, an inventory file, or an image or folder whose inventory
            lies beside it.
        second: what it is compared with.
        station: needed for a reference.
        refs: which of the two are references; the others are paths.
        limit: differences to list of each kind; 0 for all.
        progress: told rows.

    Raises:
        CaseError: no such inventory.
        CheckFailedError: one of them is not the recorded one, or does not agree with itself.
        InputError: one of them is damaged or none.
        StorageError: there is no room for temporary files.
    """
    paths = tuple(
        locate(what, is_ref=is_ref, station=station)
        for what, is_ref in zip((first, second), refs, strict=True)
    )
    view = View(station=station, progress=progress)
    checked = (intact(paths[0], view), intact(paths[1], view))
    with contextlib.ExitStack() as stack:
        left, right = (stack.enter_context(Inventory(path)) for path in paths)
        gaps = tuple(one.coverage()["result"] != "complete" for one in (left, right))
        shown = (
            stack.enter_context(view.opened(paths[0])),
            stack.enter_context(view.opened(paths[1])),
        )
        insides = sum("within" in row for one in (left, right) for _, row in one.rows("filesystem"))
        found = compare(left, right, shown=shown, limit=limit, progress=progress)
    return Compared(
        names=(first, second),
        databases=(paths[0], paths[1]),
        gaps=(gaps[0], gaps[1]),
        found=found,
        limit=limit,
        insides=insides,
        checked=checked,
    )


def _difference_lines(one: Difference) -> list[str]:
    note = {"deleted-there": "deleted there", "copy-remains": "copy remains",
            "copy-of-known": "copy of known content"}.get(one.note, "")  # fmt: skip
    tail = f"  ({note})" if note else ""
    first, second = one.first, one.second
    if one.kind == "moved" and first is not None and second is not None:
        return [
            "  " + shorten(first.shown, _WIDTH - 2),
            "    -> " + shorten(second.shown, _WIDTH - 7),
        ]
    entry = first if first is not None else second
    if entry is None:
        return []
    head = "  " + shorten(entry.shown, _WIDTH - 2 - len(tail)) + tail
    if one.kind == "changed" and first is not None and second is not None:
        return [head, f"    {_what(first)} -> {_what(second)}"]
    if one.kind == "cannot-be-compared" and first is not None and second is not None:
        return [head, f"    {_why(first)} / {_why(second)}"]
    return [head]


def _what(entry: Entry) -> str:
    name, stream = entry.name or {}, entry.stream or {}
    if "target" in name:
        return "link to " + shorten(escape_bytes(from_fields(name, "target")), _WIDTH // 3)
    if name.get("type") != "file":
        return str(name.get("type"))
    return f"{stream['size']:,} bytes" if "size" in stream else "unknown size"


def _why(entry: Entry) -> str:
    stream = entry.stream
    if stream is None:
        return "no content listed"
    if stream["state"] != "ok":
        return f"{stream['state']}" + (f", {stream['reason']}" if "reason" in stream else "")
    return f"content {stream['basis']}"
