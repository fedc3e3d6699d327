"""Verification against a station: its record and the data that it keeps."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from evkit.core.errors import CaseError, UsageError
from evkit.core.refs import parse_ref
from evkit.core.text import escape
from evkit.manifest.tree import Unreadable, blocks, reading
from evkit.verify.report import AUTHORSHIP, CONTENT, HISTORY, RECORD, Report
from evkit.verify.stationcheck import verify_station
from evkit.verify.view import RecordView

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.actions.verify import Request
    from evkit.identity.signer import Signer
    from evkit.station import Station
    from evkit.verify.files import Consumer
    from evkit.verify.supplied import Supplied

RESULTS = {"PASS": "pass", "FAIL": "fail", "UNDECIDED": "undecided"}


class StationSource:
    """The files of acquisitions where the station keeps them."""

    def __init__(self, station: Station, report_unreadable: Callable[[str, str], None]) -> None:
        self._station = station
        self._unreadable = report_unreadable

    def place(self, acquisition: str, name: str) -> str | None:
        """Return the path below the station, None when there is no regular file."""
        path = self._path(acquisition, name)
        try:
            state = os.lstat(path)
        except (OSError, ValueError):
            return None
        return f"{acquisition}/{name}" if stat.S_ISREG(state.st_mode) else None

    def size(self, acquisition: str, name: str) -> int:
        """Return the size in bytes."""
        return os.lstat(self._path(acquisition, name)).st_size

    def digest(self, acquisition: str, name: str, *consumers: Consumer) -> str | None:
        """Read the file once."""
        import hashlib

        total = hashlib.sha256()
        shown = f"{acquisition}/{name}"
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with reading(shown):
                descriptor = os.open(self._path(acquisition, name), flags)
            with os.fdopen(descriptor, "rb") as handle:
                for block in blocks(handle, shown):
                    total.update(block)
                    for consumer in consumers:
                        consumer.update(block)
        except Unreadable as error:
            self._unreadable(shown, error.message)
            return None
        return total.hexdigest()

    def path(self, acquisition: str, name: str) -> bytes | None:
        """Return its path in the station."""
        return self._path(acquisition, name) if self.place(acquisition, name) else None

    def _path(self, acquisition: str, name: str) -> bytes:
        parts = name.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            return b"\x00"
        folder = self._station.folder(parse_ref(acquisition))
        return os.path.join(folder, *(os.fsencode(part) for part in parts))


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
        if ref is not None and not any(True for _ in station.case_entries(ref.partition("/")[0])):
            raise CaseError(
                f"no case `{escape(ref.partition('/')[0])}` in this station",
                hint="see `evkit case list`; a path of that shape is written ./…",
            )
        lost: list[tuple[str, str]] = []
        source = StationSource(station, lambda name, why: lost.append((name, why)))
        report, compared = verify_station(view_of(station), label, ref, source, brought)
        for name, why in lost:
            report.unreadable += 1
            report.undecided(CONTENT, "file-unreadable", why, escape(name))
        if request.record and request.get_signer is not None:
            _log(station, report, compared, request.get_signer)
        return report


def _log(
    station: Station,
    report: Report,
    compared: list[str],
    get_signer: Callable[[Station], Signer],
) -> None:
    """Record a `verify` event for each case whose data were compared."""
    from evkit.actions import custody

    if not compared:
        raise UsageError(
            "nothing was compared, so there is nothing to log",
            hint="name a case, an exhibit or an acquisition whose data are at this station",
        )
    signer = get_signer(station)
    cases: dict[str, list[str]] = {}
    for ref in compared:
        cases.setdefault(ref.partition("/")[0], []).append(ref)
    failed = [found.document() for found in report.findings if found.state == "FAIL"]
    for refs in cases.values():
        values: dict[str, object] = {
            "result": RESULTS[report.answer(CONTENT)],
            "checks": {
                question: report.answer(question)
                for question in (CONTENT, AUTHORSHIP, RECORD, HISTORY)
            },
            "where": "the station's own folder",
        }
        if failed:
            values["damage"] = failed[:20]
        made = custody.run(
            station, signer, custody.Request(kind="verify", refs=tuple(refs), values=values)
        )
        report.reach.append(f"logged as entry {made.index}")
