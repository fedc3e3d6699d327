"""`evkit inventory export --format case`: a case or an exhibit in the terms of CASE/UCO."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from evkit.actions.custody import require_case, require_exhibit
from evkit.actions.inventory_export import Exported
from evkit.actions.inventory_target import inventories
from evkit.actions.sensitive import opened
from evkit.bundle.case.document import encode
from evkit.bundle.case.material import Material, Selection
from evkit.core import durable
from evkit.core.errors import CaseError, RefusedError, UsageError
from evkit.core.progress import SILENT
from evkit.core.refs import parse_ref
from evkit.core.text import escape_bytes
from evkit.inventory.exports.job import TASK
from evkit.inventory.find import entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.core.progress import Progress
    from evkit.custody.state import Acquisition
    from evkit.inventory.find import Criteria
    from evkit.station import Station

MAX_FILES = 10_000  # what a validator of CASE can take in an hour


def export_case(
    station: Station,
    what: str,
    output: str,
    criteria: Criteria | None,
    progress: Progress = SILENT,
) -> Exported:
    """Describe a case or an exhibit, and the files that are chosen from its inventories.

    Args:
        station: where.
        what: `CASE` or `CASE/E1`.
        output: a new file.
        criteria: which files; None for none.
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
    if os.path.lexists(path):
        raise RefusedError(
            f"`{escape_bytes(path)}` exists already",
            hint="evkit never overwrites; choose another name",
        )
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
    chosen, missing = _choose(station, every, criteria, progress)
    material = Material(
        ref=what, origin=bare.origin, replay=replayed, tools=bare.tools, selections=chosen
    )
    durable.write_new(path, encode(material))
    count = sum(len(selection.entries) for selection in chosen)
    progress.end(TASK, count)
    notes = [f"{name}: not searched, it has no inventory" for name in missing]
    if criteria is None:
        notes.append("no files were chosen; --name, --path, --digest, --type, --size choose some")
    return Exported(source=what.encode(), path=path, format="case", count=count, notes=tuple(notes))


def _choose(
    station: Station,
    acquisitions: Iterable[Acquisition],
    criteria: Criteria | None,
    progress: Progress,
) -> tuple[tuple[Selection, ...], list[str]]:
    """Search the newest inventory of each acquisition; also return those that have none."""
    if criteria is None:
        return (), []
    found: list[Selection] = []
    missing: list[str] = []
    count = 0
    for acquisition in acquisitions:
        databases = inventories(station.folder(parse_ref(acquisition.ref)))
        if not databases:
            if acquisition.result in {"complete", "with-gaps"}:
                missing.append(acquisition.ref)
            continue
        with opened(databases[-1], station) as inventory:
            most = MAX_FILES - count
            some = tuple(itertools.islice(entries(inventory, criteria), most + 1))
            root = inventory.meta["row_root"]
        if len(some) > most:
            raise UsageError(
                f"more than {MAX_FILES:,} files were chosen, too many for CASE",
                hint="choose fewer; the other formats hold all of them",
            )
        found.append(Selection(acquisition=acquisition.ref, row_root=root, entries=some))
        count += len(some)
        progress.update(TASK, count)
    if not found:
        example = missing[0] if missing else "CASE/E1"
        raise CaseError(
            "no inventory to choose files from",
            hint=f"make one with `evkit inventory run {example}`",
        )
    return tuple(found), missing
