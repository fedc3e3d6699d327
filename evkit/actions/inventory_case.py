"""`evkit inventory export --format case`: a case or an exhibit in the terms of CASE/UCO."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from evkit.actions.custody import require_case, require_exhibit
from evkit.actions.inventory_export import Exported
from evkit.actions.inventory_files import inventories
from evkit.actions.marks_of import marks_of
from evkit.actions.sensitive import opened
from evkit.bundle.case.document import encode
from evkit.bundle.case.material import Material, Selection
from evkit.core import durable
from evkit.core.errors import CaseError, UsageError
from evkit.core.progress import SILENT
from evkit.core.refs import parse_ref
from evkit.inventory.exports.job import MASKED, TASK
from evkit.inventory.search.find import Criteria, entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.core.progress import Progress
    from evkit.custody.state import Acquisition
    from evkit.inventory.hashsets.marks import Marks
    from evkit.station import Station

MAX_FILES = 10_000  # what a validator of CASE can take in an hour


def export_case(
    station: Station,
    what: str,
    output: str,
    criteria: Criteria,
    progress: Progress = SILENT,
) -> Exported:
    """Describe a case or an exhibit, and the files that are chosen from its inventories.

    Args:
        station: where.
        what: `CASE` or `CASE/E1`.
        output: a new file.
        criteria: which files; none when it is empty.
        progress: told the number of files chosen.

    Raises:
        CaseError: no such case or exhibit, or files are chosen and nothing has an inventory.
        RefusedError: the output exists.
        UsageError: an acquisition was named, or too many files were chosen.
    """
    ref = parse_ref(what)
    if ref.acquisition is not None:
        raise UsageError(
            f"`{what}` is an acquisition; CASE describes a case or an exhibit",
            hint=f"give `{ref.of_exhibit()}`",
        )
    path = os.path.abspath(os.fsencode(output))
    durable.need_absent(path)
    replayed = station.state()
    require_case(replayed, ref.case)
    if ref.exhibit is not None:
        require_exhibit(replayed, what)
    bare = Material(
        ref=what,
        origin=station.origin,
        replay=replayed,
        tools={
            index: (event.tool.name, event.tool.version)
            for index, event, _ in station.events(ref.case)
        },
    )
    every = [one for item in bare.exhibits.values() for one in item.acquisitions.values()]
    progress.begin(TASK, None, "files")
    chosen, notes = _choose(station, every, criteria, progress)
    material = Material(
        ref=what, origin=bare.origin, replay=replayed, tools=bare.tools, selections=chosen
    )
    durable.write_new(path, encode(material))
    count = sum(len(selection.entries) for selection in chosen)
    progress.end(TASK, count)
    return Exported(source=what.encode(), path=path, format="case", count=count, notes=tuple(notes))


def _choose(
    station: Station,
    acquisitions: Iterable[Acquisition],
    criteria: Criteria,
    progress: Progress,
) -> tuple[tuple[Selection, ...], list[str]]:
    """Search the newest inventory of each acquisition; also return what was not searched."""
    if criteria == Criteria():
        return (), ["no files were chosen; --name, --path, --digest, --type and others choose some"]
    found: list[Selection] = []
    notes: list[str] = []
    missing: list[str] = []
    count = 0
    for acquisition in acquisitions:
        databases = inventories(station.folder(parse_ref(acquisition.ref)))
        marks = marks_of(databases[-1], station) if databases and criteria.mark else None
        if not databases and acquisition.result in {"complete", "with-gaps"}:
            missing.append(acquisition.ref)
            notes.append(f"{acquisition.ref}: not searched, it has no inventory")
        elif databases and criteria.mark and marks is None:
            notes.append(f"{acquisition.ref}: not searched, it was not compared with hash sets")
        elif databases:
            chosen = _selected(station, acquisition.ref, databases[-1], (criteria, marks, count))
            found.append(chosen)
            count += len(chosen.entries)
            progress.update(TASK, count)
            if chosen.masked:
                notes.append(f"{acquisition.ref}: {MASKED}")
    if not found:
        example = missing[0] if missing else "CASE/E1"
        raise CaseError(
            "no inventory to choose files from",
            hint=f"make one with `evkit inventory run {example}`"
            if missing or not notes
            else "compare it with hash sets: `evkit inventory mark`",
        )
    return tuple(found), notes


def _selected(
    station: Station, ref: str, database: bytes, wanted: tuple[Criteria, Marks | None, int]
) -> Selection:
    """Return the files chosen from one inventory; the last of `wanted` counts those before."""
    criteria, marks, count = wanted
    most = MAX_FILES - count
    with opened(database, station) as inventory:
        some = tuple(itertools.islice(entries(inventory, criteria, marks), most + 1))
        root, masked = inventory.meta["row_root"], inventory.mask is not None
    if len(some) > most:
        raise UsageError(
            f"more than {MAX_FILES:,} files were chosen, too many for CASE",
            hint="choose fewer; the other formats hold all of them",
        )
    return Selection(acquisition=ref, row_root=root, entries=some, masked=masked)
