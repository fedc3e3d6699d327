"""`evkit ledger memo`: the head of the ledger on paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evkit.bundle import memo as rendering
from evkit.bundle.memo import MemoExhibit, MemoPage
from evkit.core import clock, durable
from evkit.core.errors import CaseError
from evkit.core.paths import to_fields
from evkit.core.refs import need_case
from evkit.core.text import escape, escape_bytes
from evkit.manifest.memo import Memo, group_lines, qr_text

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.custody.state import Exhibit
    from evkit.identity.signer import Signer
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class MemoMade:
    """A memo; `path` when it was written to a file, `entry` and `notices` when it is recorded."""

    page: MemoPage
    path: bytes | None = None
    entry: int | None = None
    notices: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        memo = self.page.memo
        document: dict[str, Any] = {
            "schema": "evkit/memo/1",
            "origin": memo.origin,
            "size": memo.size,
            "root": memo.root.hex(),
            "agency_root": f"sha256:{memo.trust.hex()}",
            "case": self.page.case,
            "exhibits": [
                {"ref": entry.ref, "what": entry.what, "digests": dict(entry.digests)}
                for entry in self.page.exhibits
            ],
            "qr": qr_text(memo),
            "groups": group_lines(memo),
        }
        if self.entry is not None:
            document["entry"] = self.entry
            document["notices"] = list(self.notices)
        return document if self.path is None else document | to_fields(self.path)

    def lines(self) -> list[str]:
        """Return the memo itself, or where it was written."""
        if self.path is None:
            return rendering.text(self.page).removesuffix("\n").split("\n")
        recorded = "" if self.entry is None else f", recorded as entry {self.entry}"
        return [
            f"memo of {self.page.memo.size} entries in `{escape_bytes(self.path)}`{recorded}",
            "print it, have it signed, and file it outside the station",
            *(f"note: {escape(notice)}" for notice in self.notices),
        ]


def memo(station: Station, case: str | None, by: str | None, target: bytes | None) -> MemoMade:
    """Make a memo of the present head.

    Args:
        station: the station.
        case: also list the exhibits of this case with their digests.
        by: who makes it, as printed; the station's name when None.
        target: a new file; ending in `.html` for the page with the QR code.

    Raises:
        CaseError: no such case.
        RefusedError: the file exists, or the ledger lies below or beside the high-water mark.
    """
    head = station.leaving_head()
    page = MemoPage(
        memo=Memo(
            station.origin, head.size, head.root, bytes.fromhex(station.trust.root().fingerprint)
        ),
        agency=station.config.agency,
        station=station.config.name,
        made=clock.now().local(),
        by=by or station.config.name,
        case=case,
        exhibits=() if case is None else _exhibits(station, case),
    )
    if target is not None:
        page_bytes = (
            rendering.html(page)
            if target.lower().endswith((b".html", b".htm"))
            else rendering.text(page).encode("utf-8")
        )
        durable.write_new(target, page_bytes)
    return MemoMade(page=page, path=target)


def record(station: Station, made: MemoMade, signer: Signer, given_to: str | None) -> MemoMade:
    """Record that a memo was made; the head on it is that before this entry."""
    from evkit.ledger.event import Draft

    fields: dict[str, Json] = {"size": made.page.memo.size, "root": made.page.memo.root.hex()}
    if made.page.case is not None:
        fields["case"] = made.page.case
    if given_to:
        fields["given_to"] = given_to
    done = station.record(Draft(kind="memo", case=None, fields=fields), signer)
    return replace(made, entry=done.index, notices=done.notices)


def _exhibits(station: Station, case: str) -> tuple[MemoExhibit, ...]:
    need_case(case)
    found = station.state(case).state.cases
    if not found:
        raise CaseError(f"no case `{escape(case)}`", hint="see `evkit case list`")
    return tuple(
        line
        for known in found.values()
        for exhibit in known.exhibits.values()
        for line in _exhibit(exhibit)
    )


def _exhibit(exhibit: Exhibit) -> list[MemoExhibit]:
    lines = [MemoExhibit(ref=exhibit.ref, what=exhibit.what)]
    for acquisition in exhibit.acquisitions.values():
        what = f"{acquisition.what}, {acquisition.result or 'begun, no end recorded'}"
        lines.append(MemoExhibit(ref=acquisition.ref, what=what, digests=acquisition.digests))
    return lines
