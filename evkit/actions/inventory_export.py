"""`evkit inventory export`: an inventory in the form of another tool."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.inventory_intact import View, intact
from evkit.core import durable
from evkit.core.errors import UsageError
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.inventory.exports.formats import FORMATS, export
from evkit.inventory.exports.job import MASKED

if TYPE_CHECKING:
    from evkit.actions.inventory_intact import Intact
    from evkit.core.progress import Progress
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A written export.

    Attributes:
        source: the inventory file, or the case.
        path: the file that was written.
        count: rows and entries in it; of `case` the files that were chosen.
        notes: lines for people about what is not in it.
        checked: how the inventory was checked before; None for a case, of which each is.
    """

    source: bytes
    path: bytes
    format: str
    count: int
    notes: tuple[str, ...] = ()
    checked: Intact | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/inventory-export/1",
            "source": escape_bytes(self.source),
            "path": escape_bytes(self.path),
            "format": self.format,
            "count": self.count,
            "notes": list(self.notes),
            "checked": None if self.checked is None else self.checked.document(),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        what = "files chosen" if self.format == "case" else "rows and entries"
        first = f"evkit: wrote {escape_bytes(self.path)} ({self.format}), {self.count:,} {what}"
        said = () if self.checked is None else self.checked.lines()
        return [first, *("  " + note for note in (*self.notes, *said))]


def write_export(
    database: bytes,
    kind: str,
    output: str,
    station: Station | None = None,
    progress: Progress = SILENT,
) -> Exported:
    """Write an inventory in another form; of sensitive material without names.

    Args:
        database: the inventory file.
        kind: one of `FORMATS`.
        output: a new file.
        station: where it lies, when that is open already.
        progress: told rows.

    Raises:
        CheckFailedError: it is not the recorded one, or does not agree with itself.
        UsageError: the format is not one of a single inventory, or needs what is not installed.
        RefusedError: the output exists, or rows of sensitive material would have to be given out.
    """
    if kind not in FORMATS:
        raise UsageError(f"`{escape(kind)}` is not a format", hint=f"use {', '.join(FORMATS)}")
    path = os.path.abspath(os.fsencode(output))
    durable.need_absent(path)
    view = View(station=station, progress=progress)
    checked = intact(database, view)
    with view.opened(database) as inventory:
        count = export(inventory, kind, path, progress)
        notes = () if inventory.mask is None else (MASKED,)
    return Exported(
        source=database, path=path, format=kind, count=count, notes=notes, checked=checked
    )
