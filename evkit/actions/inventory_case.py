"""`evkit inventory export --format case`: a case or an exhibit in the terms of CASE/UCO."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.actions.custody import require_case, require_exhibit
from evkit.actions.inventory_export import Exported
from evkit.actions.inventory_files import inventories
from evkit.actions.inventory_intact import View, intact
from evkit.actions.inventory_show import HIDDEN, hides, lacking
from evkit.bundle.case.document import encode
from evkit.bundle.case.material import Material, Selection
from evkit.core import durable
from evkit.core.errors import CaseError, ExitCode, UsageError, worst
from evkit.core.progress import SILENT
from evkit.core.refs import parse_ref
from evkit.inventory.exports.job import MASKED, TASK
from evkit.inventory.search.find import Criteria, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evkit.core.progress import Progress
    from evkit.core.refs import Ref
    from evkit.custody.state import Acquisition
    from evkit.inventory.hashsets.marks import Marks
    from evkit.station import Station

MAX_FILES = 10_000  # what a validator of CASE can take in an hour


@dataclass
class _Chosen:
    """Files chosen so far, and what was not searched for them."""

    found: list[Selection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exit_code: int = 0

    @property
    def count(self) -> int:
        return sum(len(one.entries) for one in self.found)

    def leave_out(self, ref: str, why: str, code: ExitCode) -> None:
        self.notes.append(f"{ref}: not searched, {why}")
        self.exit_code = worst(self.exit_code, code)


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
        CheckFailedError: an inventory is not the recorded one.
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
    view = View(station=station, replayed=replayed)
    progress.begin(TASK, None, "files")
    chosen = _choose(view, station.folder, every, criteria, progress)
    material = Material(
        ref=what, origin=bare.origin, replay=replayed, tools=bare.tools,
        selections=tuple(chosen.found),
    )  # fmt: skip
    durable.write_new(path, encode(material))
    progress.end(TASK, chosen.count)
    return Exported(
        source=what.encode(), path=path, format="case", count=chosen.count,
        notes=tuple(chosen.notes), exit_code=chosen.exit_code,
    )  # fmt: skip


def _choose(
    view: View,
    folders: Callable[[Ref], bytes],
    acquisitions: Iterable[Acquisition],
    criteria: Criteria,
    progress: Progress,
) -> _Chosen:
    """Search the newest inventory of each acquisition."""
    chosen = _Chosen()
    if criteria == Criteria():
        text = "no files were chosen; --name, --path, --digest, --type and others choose some"
        chosen.notes.append(text)
        return chosen
    example = "CASE/E1"
    for acquisition in acquisitions:
        ref = acquisition.ref
        databases = inventories(folders(parse_ref(ref)))
        marks = view.marks(databases[-1]) if databases and criteria.mark else None
        if not databases and acquisition.result in {"complete", "with-gaps"}:
            example = ref if example == "CASE/E1" else example
            chosen.leave_out(ref, "it has no inventory", ExitCode.INCOMPLETE)
        elif databases and criteria.mark and marks is None:
            chosen.leave_out(ref, "it was not compared with hash sets", ExitCode.UNDECIDED)
        elif databases:
            _select(chosen, view, (ref, databases[-1]), (criteria, marks))
            progress.update(TASK, chosen.count)
    if not chosen.found:
        raise CaseError(
            "no inventory to choose files from",
            hint=_hint(chosen, criteria, example),
            details=dict(note.split(": ", 1) for note in chosen.notes),
        )
    return chosen


def _hint(chosen: _Chosen, criteria: Criteria, example: str) -> str:
    if any(HIDDEN in note for note in chosen.notes):
        return "choose by digest or size; these are shown of sensitive material"
    if chosen.exit_code == ExitCode.UNDECIDED and criteria.mark:
        return "compare it with hash sets: `evkit inventory mark`"
    return f"make one with `evkit inventory run {example}`"


def _select(
    chosen: _Chosen,
    view: View,
    source: tuple[str, bytes],
    wanted: tuple[Criteria, Marks | None],
) -> None:
    """Add the files chosen from the inventory of one acquisition."""
    (ref, database), (criteria, marks) = source, wanted
    checked = intact(database, view)
    most = MAX_FILES - chosen.count
    with view.opened(database) as inventory:
        if without := lacking(inventory, criteria):
            chosen.leave_out(ref, f"its inventory was {without}", ExitCode.UNDECIDED)
            return
        if hides(inventory, criteria):
            chosen.leave_out(ref, HIDDEN, ExitCode.UNDECIDED)
            return
        some = tuple(itertools.islice(entries(inventory, criteria, marks), most + 1))
        root, masked = inventory.meta["row_root"], inventory.mask is not None
    if len(some) > most:
        raise UsageError(
            f"more than {MAX_FILES:,} files were chosen, too many for CASE",
            hint="choose fewer; the other formats hold all of them",
        )
    chosen.found.append(Selection(acquisition=ref, row_root=root, entries=some, masked=masked))
    chosen.notes += [f"{ref}: {text}" for text in checked.lines()]
    if masked:
        chosen.notes.append(f"{ref}: {MASKED}")
