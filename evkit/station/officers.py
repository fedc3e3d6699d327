"""Officers of a station: who may sign, enrolling and revoking. The latter need the agency root.

Enrolling has two signatures: the root signs the certificate, the officer's new key signs the event
that carries it. A stop half-way is finished by running it again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core import clock, durable
from evkit.core.errors import IdentityError, RefusedError, UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    import datetime as _dt

    from evkit.core.ejson import Json
    from evkit.identity.certificate import Certificate, OfficerDetails
    from evkit.identity.signer import FileSigner
    from evkit.ledger.event import Draft
    from evkit.station.append import Recorded
    from evkit.station.station import Station

OFFICER_DAYS = 3 * 365


@dataclass(frozen=True, kw_only=True)
class OfficerRow:
    """An officer and where they stand.

    Attributes:
        certificate: as issued by the root.
        enrolled: index of the enrol event, None when enrolling was stopped before it.
        revoked: time of revocation, None when in force.
    """

    certificate: Certificate
    enrolled: int | None
    revoked: _dt.datetime | None

    @property
    def usable(self) -> bool:
        """Whether this officer can sign here."""
        return self.enrolled is not None and self.revoked is None


def rows(station: Station) -> list[OfficerRow]:
    """Return all officers in the order of their short names.

    The ledger is the record of revocations; the list is asked as well, another station of the
    agency may have written it.
    """
    crl = station.trust.crl()
    recorded = _recorded_revocations(station)
    found = []
    enrolled = {
        entry.signer: entry.index for entry in reversed([*station.store.of_kinds(("enrol",))])
    }
    for certificate in station.trust.officers():
        listed = crl.find(certificate.serial) if crl else None
        times = [recorded.get(certificate.fingerprint), listed.at if listed else None]
        found.append(
            OfficerRow(
                certificate=certificate,
                enrolled=enrolled.get(certificate.fingerprint),
                revoked=next((at for at in times if at is not None), None),
            )
        )
    return found


def choose(station: Station, officer: str | None) -> str:
    """Return the officer to sign as: the one named, or the only one in force.

    Raises:
        IdentityError: none is named and there are none or several.
    """
    if officer:
        return station.trust.officer(officer).officer
    usable = [row.certificate.officer for row in rows(station) if row.usable]
    if len(usable) != 1:
        listed = ", ".join(f"`{name}`" for name in usable)
        raise IdentityError(
            "which officer signs?" if usable else "no officer is enrolled at this station",
            hint=f"name one with `--officer`: {listed}"
            if usable
            else "enrol with `evkit officer enrol NAME --rank … --badge … --role …`",
        )
    return usable[0]


def _recorded_revocations(station: Station) -> dict[str, _dt.datetime]:
    """Return the times of the revocations in the ledger, by fingerprint."""
    from evkit.station.reading import event_of

    found: dict[str, _dt.datetime] = {}
    for entry in station.store.of_kinds(("revoke",)):
        event = event_of(entry)
        found.setdefault(str(event.fields.get("certificate")), event.recorded.moment())
    return found


def enrol(
    station: Station,
    details: OfficerDetails,
    root: FileSigner,
    passphrase: bytes,
    days: int = OFFICER_DAYS,
) -> Recorded:
    """Make an officer's key and certificate and record the enrolment.

    Args:
        station: the station.
        details: who it is; the agency is that of the root.
        root: the unlocked agency root of this station.
        passphrase: the officer's own.
        days: validity of the certificate, at most that of the root.

    Raises:
        RefusedError: the short name is taken by another officer, or fully enrolled.
        IdentityError: `root` is not the root of this station, or a passphrase is wrong.
        UsageError: a detail cannot stand in a certificate.
    """
    from evkit.identity import keys
    from evkit.identity.signer import FileSigner

    details.check()
    need_root(station, root)
    path = station.place.officer_key(details.officer)
    held = os.path.lexists(station.place.officer_certificate(details.officer))
    if held:
        certificate = _unfinished(station, details)
        key = keys.load_key_file(path, passphrase)
    else:
        durable.make_dir(os.path.dirname(path), 0o700)
        started = os.path.lexists(path)
        key = (keys.load_key_file if started else keys.create_key_file)(path, passphrase)
        certificate = _issue(root, key.public_key(), details, days)
        station.trust.add_officer(certificate)
    recorded = station.record(_enrol_draft(certificate), FileSigner(certificate, key))
    _publish(station, root)  # while the root is at hand: the list is due again in a year
    return recorded


def need_free(station: Station, details: OfficerDetails) -> None:
    """Refuse a short name that is taken; an enrolment that was stopped may be gone on with.

    Raises:
        RefusedError: another officer has it, or the officer is fully enrolled.
    """
    if os.path.lexists(station.place.officer_certificate(details.officer)):
        _unfinished(station, details)


def _issue(root: FileSigner, public: object, details: OfficerDetails, days: int) -> Certificate:
    from evkit.identity.certificate import Validity, issue_officer, valid_for
    from evkit.identity.p256 import need_p256

    wanted = valid_for(clock.now().utc, days)
    end = min(wanted.not_after, root.certificate.not_after)
    validity = Validity(max(wanted.not_before, root.certificate.not_before), end)
    return issue_officer(root, need_p256(public), details, validity)


def _unfinished(station: Station, details: OfficerDetails) -> Certificate:
    """Return the certificate of an enrolment that was stopped before its event."""
    certificate = station.trust.officer(details.officer)
    if station.store.last_by(certificate.fingerprint) is not None:
        raise RefusedError(
            f"officer `{details.officer}` is enrolled already",
            hint="choose another short name with `--id NAME`",
        )
    same = (certificate.common_name, certificate.rank, certificate.badge) == (
        details.name, details.rank, details.badge,
    )  # fmt: skip
    if not same or set(certificate.roles) != set(details.roles):
        raise RefusedError(
            f"an enrolment of `{details.officer}` with other details was begun",
            hint="give the same name, rank, badge and roles, or another short name with `--id`",
        )
    return certificate


def _enrol_draft(certificate: Certificate) -> Draft:
    from evkit.ledger.event import Draft

    return Draft(kind="enrol", case=None, fields=key_fields(certificate, pem=True))


def key_fields(certificate: Certificate, *, pem: bool) -> dict[str, Json]:
    """Return what an enrol or revoke event says about a certificate."""
    fields: dict[str, Json] = {
        "officer": certificate.officer,
        "name": certificate.common_name,
        "roles": list(certificate.roles),
        "certificate": certificate.fingerprint,
        "serial": certificate.serial,
        "not_before": clock.format_utc(certificate.not_before),
        "not_after": clock.format_utc(certificate.not_after),
    }
    for name in ("rank", "badge", "agency", "unit"):
        value = getattr(certificate, name)
        if value is not None:
            fields[name] = value
    if pem:
        fields["certificate_pem"] = certificate.pem.decode("ascii")
    return fields


def revoke(
    station: Station,
    officer: str,
    root: FileSigner,
    reason: str,
    invalid_from: _dt.datetime | None = None,
) -> Recorded:
    """Revoke an officer's certificate: an event signed by the root and a new revocation list.

    Args:
        station: the station.
        officer: short name.
        root: the unlocked agency root of this station.
        reason: a word of `identity.crl.REASONS`.
        invalid_from: for `compromise`: from when somebody else may have used the key.

    Raises:
        UsageError: an unknown reason, or `invalid_from` without `compromise` (or the reverse).
        RefusedError: revoked already.
        IdentityError: no such officer, or `root` is not the root of this station.
    """
    from evkit.identity.crl import REASONS
    from evkit.ledger.event import Draft

    need_root(station, root)
    if reason not in REASONS:
        raise UsageError(
            f"`{escape(reason)}` is not a reason for a revocation",
            hint=f"use one of {', '.join(REASONS)}",
        )
    if (reason == "compromise") != (invalid_from is not None):
        raise UsageError(
            "`--invalid-from` belongs to the reason `compromise`",
            hint="give the time from which somebody else may have used the key",
        )
    certificate = station.trust.officer(officer)
    begun = _revocation(station, certificate)
    if begun is not None:  # the list is missing when an earlier run was stopped after its event
        crl = station.trust.crl()
        if crl is not None and crl.find(certificate.serial) is not None:
            raise RefusedError(f"officer `{officer}` is revoked already, entry {begun.index}")
        _publish(station, root)
        return begun
    fields = key_fields(certificate, pem=False)
    fields["reason"] = reason
    fields["compromise"] = reason == "compromise"
    if invalid_from is not None:
        fields["invalid_from"] = clock.format_utc(invalid_from)
    recorded = station.record(Draft(kind="revoke", case=None, fields=fields), root)
    _publish(station, root)
    return recorded


def _revocation(station: Station, certificate: Certificate) -> Recorded | None:
    """Return the revocation of a certificate that is in the ledger, or None."""
    from evkit.station.append import Recorded
    from evkit.station.reading import event_of

    for entry in station.store.of_kinds(("revoke",)):
        event = event_of(entry)
        if event.fields.get("certificate") == certificate.fingerprint:
            return Recorded(
                index=entry.index, event_id=entry.event_id, envelope=entry.envelope, event=event
            )
    return None


def _publish(station: Station, root: FileSigner) -> None:
    """Write the revocation list anew from the ledger, which is the record of revocations."""
    from evkit.identity.crl import Revocation, create_crl
    from evkit.station.reading import event_of

    revocations = []
    for entry in station.store.of_kinds(("revoke",)):
        event = event_of(entry)
        start = event.fields.get("invalid_from")
        revocations.append(
            Revocation(
                serial=str(event.fields["serial"]),
                at=clock.parse(event.recorded.utc),
                reason=str(event.fields["reason"]),
                invalid_from=clock.parse(start) if isinstance(start, str) else None,
            )
        )
    old = station.trust.crl()
    number = 1 if old is None else old.number + 1
    station.trust.replace_crl(create_crl(root, revocations, at=clock.now().utc, number=number))


def need_root(station: Station, root: FileSigner) -> None:
    """Refuse a root that is not the one of this station."""
    if root.certificate != station.trust.root():
        raise IdentityError(
            "that is not the agency root of this station",
            details={
                "given": root.certificate.fingerprint,
                "of the station": station.trust.root().fingerprint,
            },
        )
