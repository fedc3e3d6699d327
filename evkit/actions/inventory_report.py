"""`evkit inventory report`: an inventory as one HTML page."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.inventory_intact import View, intact
from evkit.actions.inventory_meant import locate
from evkit.actions.inventory_target import unread_places
from evkit.bundle.inventory.page import Context, Report, report_page
from evkit.core import durable
from evkit.core.errors import UsageError
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.inventory_intact import Intact
    from evkit.station import Station

_ZONE = re.compile(r"[+-](?:0[0-9]|1[0-4]):[0-5][0-9]")
_TITLE = 200


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """What to show and how.

    Attributes:
        what: `CASE/E1`, `CASE/E1/A1`, or an inventory file.
        is_ref: `what` is a reference.
        output: name of the new page.
        language: `en` or `ur`, in which it opens.
        title: a title of one's own, or empty.
        zone: offset of the case's zone, such as `+05:00`; empty for that of the profile.
    """

    what: str
    is_ref: bool
    output: str
    language: str = "en"
    title: str = ""
    zone: str = ""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A written page."""

    database: bytes
    path: bytes
    report: Report
    checked: Intact
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/inventory-report/1",
            "database": escape_bytes(self.database),
            "path": escape_bytes(self.path),
            "bytes": len(self.report.page),
            "result": self.report.result,
            "files": self.report.files,
            "files_shown": self.report.entries,
            "problems": self.report.problems,
            "marked": dict(self.report.marked),
            "checked": self.checked.document(),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        report = self.report
        lines = [f"evkit: wrote {escape_bytes(self.path)}, {len(report.page):,} bytes"]
        lines.append(f"files in the table: {report.entries:,} of {report.files:,}")
        if report.problems:
            lines.append(f"the page begins with what could not be read: {report.problems:,}")
        lines.append("open it in any browser; it needs no network")
        return [*lines, *self.checked.lines()]


def write_report(
    request: ReportRequest, *, station: Station | None = None, progress: Progress = SILENT
) -> Written:
    """Write the page of an inventory to a new file.

    Args:
        request: what and how.
        station: needed for a reference.
        progress: told rows.

    Raises:
        CaseError: there is no such inventory.
        CheckFailedError: the inventory is not the recorded one, or does not agree with itself.
        InputError: it cannot be read.
        RefusedError: the output exists.
        UsageError: the zone or the title is not usable.
    """
    _check(request)
    database = locate(request.what, is_ref=request.is_ref, station=station)
    path = os.path.abspath(os.fsencode(request.output))
    durable.need_absent(path)
    view = View(station=station, progress=progress)
    checked = intact(database, view)
    with view.opened(database) as inventory:
        context = _context(request, inventory.meta, station)
        report = report_page(inventory, context, view.marks(database), progress)
    durable.write_new(path, report.page)
    return Written(database=database, path=path, report=report, checked=checked)


def _check(request: ReportRequest) -> None:
    if request.zone and _ZONE.fullmatch(request.zone) is None:
        raise UsageError(
            f"`{escape(request.zone)}` is not an offset from UTC", hint="write it like `+05:00`"
        )
    if len(request.title) > _TITLE:
        raise UsageError(f"a title has at most {_TITLE} characters")


def _context(request: ReportRequest, meta: Mapping[str, str], station: Station | None) -> Context:
    """Add what the station knows: places that were not read, the record, the zone of its law."""
    if station is None:
        return Context(
            what=_argument(request.what),
            language=request.language,
            title=request.title,
            zone=request.zone,
        )
    name = meta.get("acquisition", "")
    found = station.state().state.acquisition(name)
    unread, size = ([], 0) if found is None else unread_places(station, found)
    return Context(
        what=name or request.what,
        language=request.language,
        title=request.title,
        zone=request.zone or station.profile.offset,
        unread=unread,
        unread_bytes=size,
        event=_event(station, name, meta["row_root"]),
    )


def _argument(path: str) -> str:
    """Return a path as it is typed in a command: its name alone, quoted when it needs that."""
    import shlex

    return shlex.quote(os.path.basename(path) or path)


def _event(station: Station, acquisition: str, root: str) -> tuple[int, str, str] | None:
    if not acquisition:
        return None
    for index, event, event_id in station.events(acquisition.split("/", maxsplit=1)[0]):
        if (
            event.kind == "inventory"
            and acquisition in event.acquisitions
            and event.fields.get("row_root") == root
        ):
            who = " ".join(part for part in (event.actor.rank, event.actor.name) if part)
            return index, event_id, escape(who)
    return None
