"""`evkit inventory mark`: which streams are in which hash sets, and the record of it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evkit.actions.hashsets import is_path, listed_sets, need_recorded, path_of
from evkit.actions.inventory_intact import View, intact, require_recorded
from evkit.actions.inventory_meant import newest_recorded, of_path
from evkit.actions.inventory_record import entry_fields, file_field, record_work
from evkit.core.errors import CaseError, UsageError
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.inventory.database.reader import Inventory
from evkit.inventory.hashsets import marking, marks
from evkit.inventory.hashsets.reader import HashSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.custody import Recorded
    from evkit.core.progress import Progress
    from evkit.identity.signer import Signer
    from evkit.inventory.hashsets.marksheader import MarksHeader
    from evkit.station import Station

KIND = "marks"


@dataclass(frozen=True, kw_only=True)
class MarkRequest:
    """What to mark and by which sets.

    Attributes:
        what: `CASE/E1`, `CASE/E1/A1`, or the path of an inventory file.
        is_ref: `what` is a reference.
        sets: names of sets of the station, or paths of sets; empty for all of the station.
        values, happened, reason: as typed, for the event.
        dry_run: look up and say, write nothing.
    """

    what: str
    is_ref: bool
    sets: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Marks that were written, or after a dry run would be.

    Attributes:
        database: the inventory file.
        path: the marks file.
        header: what they were made from, and the counts.
        by_set: marks, and weak ones, of each set in the order of the header.
        done: the file was written.
        recorded: the event, None for a path and after a dry run.
    """

    database: bytes
    path: bytes
    header: MarksHeader
    by_set: tuple[tuple[int, int], ...]
    done: bool
    recorded: Recorded | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/inventory-mark/1",
            "done": self.done,
            "database": escape_bytes(self.database),
            "path": escape_bytes(self.path),
            "rows": self.header.rows,
            "row_root": self.header.row_root,
            "counts": dict(self.header.counts),
            "sets": [
                {**listed.document(), "marks": total, "weak": weak}
                for listed, (total, weak) in zip(self.header.sets, self.by_set, strict=True)
            ],
            **entry_fields(self.recorded),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        counts = self.header.counts
        done = "marks in" if self.done else "would write marks to"
        lines = [
            f"evkit: {done} {escape_bytes(self.path)}",
            f"streams looked up {counts['streams']:,}, without digest {counts['without_digest']:,}",
            (
                f"streams marked {counts['marked']:,}: known {counts['known']:,},"
                f" notable {counts['notable']:,}"
            ),
        ]
        for listed, (total, weak) in zip(self.header.sets, self.by_set, strict=True):
            text = f"  {listed.name} ({listed.category}): {total:,}"
            lines.append(text + (f", {weak:,} by MD5 or SHA-1 alone" if weak else ""))
        if counts["weak"]:
            lines.append("a match by MD5 or SHA-1 alone can be made on purpose; look at the file")
        if self.recorded is not None:
            lines += self.recorded.lines()
        return lines


def run(
    request: MarkRequest,
    *,
    station: Station | None = None,
    signer: Signer | None = None,
    progress: Progress = SILENT,
) -> Marked:
    """Mark an inventory; for an acquisition the event is recorded at the end.

    Args:
        request: what and by which sets.
        station: needed for a reference.
        signer: who signs; unlocked before the work starts.
        progress: told streams looked up.

    Raises:
        CaseError: no such acquisition or set, or no recorded inventory.
        CheckFailedError: the inventory or a set is not the recorded one, or contradicts itself.
        InputError: an inventory or a set is damaged.
    """
    if not request.is_ref:
        database = of_path(request.what)
        intact(database, View(progress=progress))
        return _mark(request, database, None, progress)
    if station is None:
        raise UsageError("a reference needs a station")
    replayed = station.state()
    acquisition, database, recorded = newest_recorded(station, replayed, request.what)
    if signer is not None:
        station.check(signer, KIND)
    require_recorded(acquisition, database, recorded.sha256, recorded.entry)
    marked = _mark(request, database, station, progress)
    if request.dry_run:
        return marked
    return _record(request, acquisition, station, signer, marked)


def _mark(
    request: MarkRequest, database: bytes, station: Station | None, progress: Progress
) -> Marked:
    with contextlib.ExitStack() as stack:
        inventory = stack.enter_context(Inventory(database))
        sets = _sets(request, station, stack, progress)
        header, found = marking.look_up(inventory, sets, progress)
        path = marks.next_name(database)
        if not request.dry_run:
            marking.write(path, header, found)
    places, codes = found[1::3], found[2::3]
    by_set = tuple(
        (
            sum(1 for item in places if item == place),
            sum(1 for item, code in zip(places, codes, strict=True) if item == place and code),
        )
        for place in range(len(header.sets))
    )
    return Marked(
        database=database, path=path, header=header, by_set=by_set, done=not request.dry_run
    )


def _sets(
    request: MarkRequest, station: Station | None, stack: contextlib.ExitStack, progress: Progress
) -> list[marking.Named]:
    """Open and check the sets; one of a station must be the recorded one."""
    names = list(dict.fromkeys(request.sets))
    if station is None:
        wrong = [name for name in names if not is_path(name)]
        if wrong or not names:
            raise UsageError(
                f"`{escape(wrong[0])}` is not the path of a hash set" if wrong
                else "name the hash sets by their paths",
                hint="give it as `--hashset ./NAME.hashset`; a set of a station needs CASE/E1",
            )  # fmt: skip
    elif not names:
        known = listed_sets(station).values()
        names = sorted(item.name for item in known if item.removed_entry is None)
        if not names:
            raise CaseError(
                "the station has no hash set", hint="`evkit hashset import FILE --name …`"
            )
    found = []
    for name in names:
        path, listed = path_of(name, station)
        opened = stack.enter_context(HashSet(path))
        digest = opened.check(progress)
        if listed is not None:
            need_recorded(listed, digest)
        found.append(marking.Named(opened, digest))
    return found


def _record(
    request: MarkRequest,
    acquisition: str,
    station: Station,
    signer: Signer | None,
    marked: Marked,
) -> Marked:
    header = marked.header
    found: dict[str, object] = {
        "inventory": {
            "name": os.path.basename(marked.database).decode("ascii"),
            "rows": header.rows,
            "row_root": header.row_root,
        },
        "sets": [listed.document() for listed in header.sets],
        "file": file_field(marked.path),
        "counts": dict(header.counts),
    }
    try:
        recorded = record_work(KIND, acquisition, found, request, station, signer)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(marked.path)  # it can be made again
        raise
    return replace(marked, recorded=recorded)
