"""Verification against a station: its record and the data that it keeps."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from evkit.actions.acquire_where import Files, Where, need_copy
from evkit.actions.copy_record import GIVEN, IN_STATION, row_of
from evkit.actions.meant import need_case_of
from evkit.core.errors import CaseError, InputError, UsageError
from evkit.core.text import escape, escape_bytes
from evkit.manifest.tree import Unreadable, blocks, reading
from evkit.verify.report import AUTHORSHIP, CONTENT, HISTORY, RECORD, Report
from evkit.verify.stationcheck import verify_station
from evkit.verify.view import RecordView

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.actions.verify_inputs import Request
    from evkit.identity.signer import Signer
    from evkit.station import Station
    from evkit.verify.files import Consumer
    from evkit.verify.supplied import Supplied

_NOWHERE = b"\x00"  # a path that no file has
RESULTS = {"PASS": "pass", "FAIL": "fail", "UNDECIDED": "undecided"}


class StationSource:
    """The files of acquisitions where they are now: in the station, or on a medium that is here.

    Args:
        where: finds the copies.
        report_unreadable: told what cannot be read, and why.
        wanted: the copy that is to be read; None for the first that is here.

    Attributes:
        read: what was chosen, by acquisition.
    """

    def __init__(
        self, where: Where, report_unreadable: Callable[[str, str], None], wanted: str | None = None
    ) -> None:
        self._where = where
        self._unreadable = report_unreadable
        self._wanted = wanted
        self._sizes: dict[tuple[str, str], int] = {}
        self.read: dict[str, Files] = {}

    def place(self, acquisition: str, name: str) -> str | None:
        """Return its name below the station, None when there is no regular file."""
        path = self._path(acquisition, name)
        try:
            state = os.lstat(path)
        except (OSError, ValueError):
            return None
        return f"{acquisition}/{name}" if stat.S_ISREG(state.st_mode) else None

    def size(self, acquisition: str, name: str) -> int:
        """Return the size in bytes, as it was read: the medium may be gone by now."""
        known = self._sizes.get((acquisition, name))
        return os.lstat(self._path(acquisition, name)).st_size if known is None else known

    def digest(self, acquisition: str, name: str, *consumers: Consumer) -> str | None:
        """Read the file once."""
        import hashlib

        total, size = hashlib.sha256(), 0
        shown = f"{acquisition}/{name}"
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with reading(shown):
                descriptor = os.open(self._path(acquisition, name), flags)
            with os.fdopen(descriptor, "rb") as handle:
                for block in blocks(handle, shown):
                    size += len(block)
                    total.update(block)
                    for consumer in consumers:
                        consumer.update(block)
        except Unreadable as error:
            self._unreadable(shown, error.message)
            return None
        self._sizes[acquisition, name] = size
        return total.hexdigest()

    def path(self, acquisition: str, name: str) -> bytes | None:
        """Return its path."""
        return self._path(acquisition, name) if self.place(acquisition, name) else None

    def _path(self, acquisition: str, name: str) -> bytes:
        if acquisition not in self.read:
            self.read[acquisition] = self._where.files(acquisition, self._wanted)
        try:
            return self.read[acquisition].path_of(name) or _NOWHERE
        except InputError:
            return _NOWHERE


def view_of(station: Station) -> RecordView:
    """Return the whole ledger of a station for the checks."""
    head = station.head()
    crl = station.trust.crl()
    return RecordView(
        entries={entry.index: entry.envelope for entry in station.entries()},
        checkpoint=head.note,
        statement=station.trust.statement_bytes(),
        root=station.trust.root().pem,
        officers={f"officer {found.officer}": found.pem for found in station.officers()},
        crls={} if crl is None else {"revocation list": crl.pem},
    )


def verify_here(text: str, path: bytes | None, brought: Supplied, request: Request) -> Report:
    """Verify a station (`path`) or a reference in the station of the command line.

    Raises:
        CaseError: there is no station, or no such case.
    """
    from evkit.station import Station

    with Station.open(path) if path is not None else request.open_station() as station:
        ref = text if path is None else None
        label = escape(text)
        if ref is not None:
            _need(station, ref)
        lost: list[tuple[str, str]] = []
        where = Where(station)
        if request.copy is not None:
            need_copy(where, _below(where, station, ref), request.copy)
        source = StationSource(where, lambda name, why: lost.append((name, why)), request.copy)
        report, compared = verify_station(view_of(station), label, ref, source, brought)
        for name, why in lost:
            report.unreadable += 1
            report.undecided(CONTENT, "file-unreadable", why, escape(name))
        read = [source.read[name] for name in compared]
        _name_copies(report, read, request.copy)
        _name_away(report, [files for files in source.read.values() if files.away])
        if request.record and request.get_signer is not None:
            _log(station, report, read, request.get_signer)
        return report


def _need(station: Station, ref: str) -> None:
    """Raise CaseError unless entries of the station are about a case, exhibit or acquisition."""
    need_case_of(ref, station)
    case = ref.partition("/")[0]
    known: set[str] = set()
    try:
        for _, event, _ in station.events(case):
            known |= {str(event.case), *event.exhibits, *event.acquisitions}
    except InputError:  # an entry is damaged: the checks say which
        return
    if ref not in known:
        near = next((name for name in known if name.casefold() == ref.casefold()), None)
        raise CaseError(
            f"nothing is recorded about `{escape(ref)}`",
            hint=f"did you mean `{near}`?" if near else f"see `evkit case show {escape(case)}`",
        )


def _below(where: Where, station: Station, ref: str | None) -> list[str]:
    """Return the acquisitions that were asked about."""
    cases = [ref.partition("/")[0]] if ref is not None else list(station.state().state.cases)
    known = (name for case in cases for name in where.recorded(case))
    return [name for name in known if ref is None or f"{name}/".startswith(f"{ref}/")]


def _name_copies(report: Report, read: list[Files], wanted: str | None) -> None:
    """Say which copy was read, where it was not simply the files of the station."""
    told = []
    for files in read:
        several = len([place for place in files.places if place.copy.state != GIVEN]) > 1
        place = files.place
        if place is None or not files.images or not (files.outside or several or wanted):
            continue
        told.append(place.copy.words)
        folder = escape_bytes(place.folder or b"")
        text = f"`{escape(files.ref)}` was read from the {escape(place.copy.words)}, `{folder}`"
        if not place.known:
            text += "; only its path says that it is this copy"
        others = [one.copy.words for one in files.places if one is not place]
        if others:
            text += f"; not read: the {escape(', the '.join(others))}"
        report.remark("copy-read", text)
    if len(told) == 1:
        report.reach.append(f"read from the {escape(told[0])}")
    elif told:
        report.reach.append(f"{len(told)} acquisitions were read from copies that are named below")


def _name_away(report: Report, away: list[Files]) -> None:
    """Say which media are missing: that is a check that was not made, never a failure."""
    for files in away:
        text = f"the image of `{escape(files.ref)}` is {escape(files.away)}"
        report.undecided(CONTENT, "copy-away", text, escape(files.ref))


def _log(
    station: Station,
    report: Report,
    read: list[Files],
    get_signer: Callable[[Station], Signer],
) -> None:
    """Record a `verify` event for each case whose data were compared."""
    from evkit.actions import custody

    if not read:
        raise UsageError(
            "nothing was compared, so there is nothing to log",
            hint="name a case, an exhibit or an acquisition whose data are here",
        )
    signer = get_signer(station)
    cases: dict[str, list[Files]] = {}
    for files in read:
        cases.setdefault(files.ref.partition("/")[0], []).append(files)
    failed = [found.document() for found in report.findings if found.state == "FAIL"]
    for chosen in cases.values():
        rows = [
            {**row_of(files.ref, files.place.copy), "result": _result(report, files)}
            for files in chosen
            if files.place is not None and files.images
        ]
        values: dict[str, object] = {
            "result": RESULTS[report.answer(CONTENT)],
            "checks": {
                question: report.answer(question)
                for question in (CONTENT, AUTHORSHIP, RECORD, HISTORY)
            },
            "where": _where(chosen),
        }
        if rows and any(not row.get("in_station") for row in rows):
            values["read"] = rows
        if failed:
            values["damage"] = failed[:20]
        refs = tuple(files.ref for files in chosen)
        made = custody.run(
            station, signer, custody.Request(kind="verify", refs=refs, values=values)
        )
        report.reach.append(f"logged as entry {made.index}")


def _result(report: Report, files: Files) -> str:
    """Return the answer for one acquisition, as far as its findings name it."""
    start = f"{escape(files.ref)}/"
    states = {
        found.state
        for found in report.findings
        if found.question == CONTENT and f"{found.where}/".startswith(start)
    }
    if files.place is None or files.place.missing:
        states.add("UNDECIDED")
    return next((RESULTS[state] for state in ("FAIL", "UNDECIDED") if state in states), "pass")


def _where(chosen: list[Files]) -> str:
    """Return the words of the event for what was read."""
    words = [
        f"{files.place.copy.words} ({files.ref})" if files.outside and files.place else IN_STATION
        for files in chosen
    ]
    return "; ".join(dict.fromkeys(words))[:500]
