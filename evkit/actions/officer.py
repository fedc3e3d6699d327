"""`evkit officer enrol|list|show|revoke`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.station import root_folder
from evkit.core import clock
from evkit.core.errors import UsageError
from evkit.core.text import escape
from evkit.station import officers, rootkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.identity.signer import FileSigner
    from evkit.station import Station
    from evkit.station.append import Recorded
    from evkit.station.officers import OfficerRow


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What `officer enrol` was asked for; `officer` is the short name, made from the name if None.

    Attributes:
        name, rank, badge, unit: as on the identity card.
        roles: at least one.
        days: validity of the certificate.
        root_dir: folder of the agency root; None for the usual place.
        root_passphrase: asks for what opens the root, once nothing else is in the way.
        passphrase: asks for the officer's own, once the root is open.
    """

    name: str
    officer: str | None
    rank: str | None
    badge: str | None
    unit: str | None
    roles: tuple[str, ...]
    days: int
    root_dir: bytes | None
    root_passphrase: Callable[[], bytes]
    passphrase: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Officers of a station; `index`, `event_id` and `notices` of what was just recorded."""

    rows: tuple[OfficerRow, ...]
    did: str | None = None
    index: int | None = None
    event_id: str | None = None
    full: bool = False
    notices: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = {
            "schema": "evkit/officers/1",
            "officers": [_fields(row) for row in self.rows],
        }
        if self.did is not None:
            document |= {"done": self.did, "entry": self.index, "event_id": self.event_id}
            document["notices"] = list(self.notices)
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.rows:
            return ["No officers. Enrol one with `evkit officer enrol NAME --rank … --badge …`."]
        lines = []
        if self.did is not None:
            lines.append(f"{self.did}, entry {self.index}")
        for row in self.rows:
            lines += _full(row) if self.full else [_brief(row)]
        return lines + [f"note: {escape(notice)}" for notice in self.notices]


def enrol(station: Station, request: Enrolment) -> Listing:
    """Enrol an officer: key, certificate by the root, event by the officer's new key.

    Raises:
        UsageError: a detail cannot stand in a certificate, or no short name can be made.
        IdentityError: a passphrase is wrong, or the root is not there.
        RefusedError: the short name is taken.
    """
    from evkit.identity.names import OfficerDetails, suggest_slug

    officer = request.officer or suggest_slug(request.name, request.badge)
    if officer is None:
        raise UsageError(
            f"no short name can be made from `{escape(request.name)}`",
            hint="give one in Latin letters with `--id NAME`",
        )
    details = OfficerDetails(
        officer=officer,
        name=request.name,
        agency=str(station.trust.root().agency),
        roles=request.roles or ("officer",),
        rank=request.rank,
        badge=request.badge,
        unit=request.unit,
    )
    details.check()
    officers.need_free(station, details)
    root = _unlock(station, request)
    done = officers.enrol(station, details, root, request.passphrase(), request.days)
    row = next(row for row in officers.rows(station) if row.certificate.officer == officer)
    return _did(f"enrolled {officer}", (row,), done)


def list_officers(station: Station) -> Listing:
    """Return all officers in the order of their short names."""
    return Listing(rows=tuple(officers.rows(station)))


def show(station: Station, officer: str) -> Listing:
    """Return one officer.

    Raises:
        IdentityError: there is none of that name.
    """
    wanted = station.trust.officer(officer)
    found = [row for row in officers.rows(station) if row.certificate == wanted]
    return Listing(rows=tuple(found), full=True)


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """What `officer revoke` was asked for; `invalid_from` as typed."""

    officer: str
    reason: str
    invalid_from: str | None
    root_dir: bytes | None
    root_passphrase: Callable[[], bytes]


def revoke(station: Station, request: Revocation) -> Listing:
    """Revoke an officer's certificate.

    Raises:
        UsageError: an unknown reason, or a time that does not go with it.
        IdentityError: no such officer, or the root's passphrase is wrong.
        RefusedError: revoked already.
    """
    moment = None if request.invalid_from is None else clock.parse(request.invalid_from)
    station.trust.officer(request.officer)
    root = _unlock(station, request)
    done = officers.revoke(station, request.officer, root, request.reason, moment)
    shown = show(station, request.officer)
    return _did(f"revoked {request.officer}", shown.rows, done)


def _unlock(station: Station, request: Enrolment | Revocation) -> FileSigner:
    """Open the agency root; its medium is looked for before anybody types a passphrase."""
    folder = root_folder(station, request.root_dir)
    rootkey.need(folder)
    return rootkey.unlock(folder, request.root_passphrase())


def _did(what: str, rows: tuple[OfficerRow, ...], done: Recorded) -> Listing:
    return Listing(
        rows=rows,
        did=what,
        index=done.index,
        event_id=done.event_id,
        full=True,
        notices=done.notices,
    )


def _state(row: OfficerRow) -> str:
    if row.revoked is not None:
        return f"revoked {row.revoked:%Y-%m-%d}"
    return "in force" if row.usable else "enrolment not finished"


def _brief(row: OfficerRow) -> str:
    certificate = row.certificate
    title = " ".join(part for part in (certificate.rank, certificate.common_name) if part)
    roles = ", ".join(certificate.roles)
    return f"{certificate.officer:<20}  {_state(row):<18}  {escape(title)} ({roles})"


def _full(row: OfficerRow) -> list[str]:
    certificate = row.certificate
    facts = [
        ("officer", certificate.officer),
        ("name", certificate.common_name),
        ("rank", certificate.rank),
        ("badge", certificate.badge),
        ("unit", certificate.unit),
        ("agency", certificate.agency),
        ("roles", ", ".join(certificate.roles)),
        ("state", _state(row)),
        ("valid", f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"),
        ("certificate", f"sha256:{certificate.fingerprint}"),
    ]
    return [f"{label:<12} {escape(value)}" for label, value in facts if value]


def _fields(row: OfficerRow) -> dict[str, Any]:
    certificate = row.certificate
    return {
        "officer": certificate.officer,
        "name": certificate.common_name,
        "rank": certificate.rank,
        "badge": certificate.badge,
        "unit": certificate.unit,
        "agency": certificate.agency,
        "roles": list(certificate.roles),
        "state": "revoked" if row.revoked else ("in-force" if row.usable else "unfinished"),
        "revoked": clock.format_utc(row.revoked) if row.revoked else None,
        "enrolled_entry": row.enrolled,
        "not_before": clock.format_utc(certificate.not_before),
        "not_after": clock.format_utc(certificate.not_after),
        "certificate": certificate.fingerprint,
        "serial": certificate.serial,
    }
