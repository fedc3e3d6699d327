"""`evkit inventory export`: an inventory in the form of another tool."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.sensitive import opened
from evkit.core.errors import UsageError
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.inventory.exports.formats import FORMATS, export
from evkit.inventory.exports.job import MASKED

if TYPE_CHECKING:
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
    """

    source: bytes
    path: bytes
    format: str
    count: int
    notes: tuple[str, ...] = ()
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
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        what = "files chosen" if self.format == "case" else "rows and entries"
        first = f"evkit: wrote {escape_bytes(self.path)} ({self.format}), {self.count:,} {what}"
        return [first, *("  " + note for note in self.notes)]


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
        UsageError: the format is not one of a single inventory, or needs what is not installed.
        RefusedError: the output exists, or rows of sensitive material would have to be given out.
    """
    if kind not in FORMATS:
        raise UsageError(f"`{escape(kind)}` is not a format", hint=f"use {', '.join(FORMATS)}")
    path = os.path.abspath(os.fsencode(output))
    with opened(database, station) as inventory:
        count = export(inventory, kind, path, progress)
        notes = () if inventory.mask is None else (MASKED,)
    return Exported(source=database, path=path, format=kind, count=count, notes=notes)
