"""Who signed: every entry's signature, the signer's certificate, its time and revocation.

Times in entries are the station's claim, bounded by the order of the ledger (`times`). A
certificate is judged at the times of the entries that it signed; after a revocation without
compromise the order of the ledger decides, and a compromised key counts for nothing without an
anchor whose time was signed outside (design section 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.text import escape
from evkit.ledger import dsse
from evkit.verify.report import AUTHORSHIP, RECORD
from evkit.verify.times import Times
from evkit.verify.validity import COMPROMISE, Judge, Revoked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.identity.certificate import Certificate
    from evkit.ledger.event import Entry
    from evkit.verify.report import Report
    from evkit.verify.trust import Trust
    from evkit.verify.view import RecordView


def check_authorship(
    view: RecordView,
    entries: Mapping[int, Entry],
    trust: Trust,
    report: Report,
    *,
    alone: bool = False,
) -> None:
    """Check all signatures and certificates.

    Args:
        view: names the places of entries.
        entries: as read, in order.
        trust: certificates and trusted roots.
        report: takes the findings.
        alone: a single entry, whose signer's enrolment cannot be here.
    """
    by_signer: dict[str, list[int]] = {}
    for index, entry in entries.items():
        if _signed(view, index, entry, trust, report, alone=alone):
            by_signer.setdefault(entry.envelope.keyid, []).append(index)
    revoked = _revocations(view, entries, trust, report)
    times = Times(entries)
    good = 0
    unchecked = False
    for fingerprint, indices in by_signer.items():
        certificate = trust.certificates[fingerprint]
        if not alone:
            _enrolled(view, entries, certificate, indices, report)
        if trust.roots:
            judged = Judge(certificate, times, indices, trust, report)
            good += judged.run(revoked.get(fingerprint))
            unchecked |= not judged.revocation_checked
    if unchecked:
        report.remark(
            "revocation-unchecked",
            "revocation was not checked for every signature: no revocation list that holds at "
            "the time is here",
        )
    if good and good == len(entries):
        names = ", ".join(sorted(escape(trust.certificates[f].officer) for f in by_signer))
        roots = ", ".join(f"sha256:{root.fingerprint}" for root in trust.roots)
        text = f"{good} signatures by {names}, certified by {roots}"
        report.passed(AUTHORSHIP, "signatures", text)


def _signed(
    view: RecordView, index: int, entry: Entry, trust: Trust, report: Report, *, alone: bool
) -> bool:
    """Check one signature under the certificate that the entry names."""
    where = view.place(index)
    fingerprint = entry.envelope.keyid
    certificate = trust.certificates.get(fingerprint)
    if certificate is None:
        text = f"the certificate of the signer of entry {index} is not here: sha256:{fingerprint}"
        (report.undecided if alone else report.failed)(AUTHORSHIP, "no-certificate", text, where)
        return False
    if not dsse.verify(entry.envelope, certificate):
        name = escape(certificate.officer)
        text = f"the signature of entry {index} is not one of `{name}` over these bytes"
        report.failed(AUTHORSHIP, "entry-signature", text, where)
        return False
    actor = entry.event.actor
    stated = (actor.officer, actor.name, actor.rank, actor.badge)
    known = (
        certificate.officer, certificate.common_name, certificate.rank, certificate.badge,
    )  # fmt: skip
    if stated != known:
        text = f"entry {index} names another person than the certificate that signed it"
        report.failed(AUTHORSHIP, "actor", text, where, escape(str(known)), escape(str(stated)))
        return False
    if actor.role not in (certificate.roles or (certificate.officer,)):
        text = f"entry {index}: `{actor.officer}` acted as {actor.role}, a role not certified"
        report.remark("role-not-certified", text, index)
    return True


def _revocations(
    view: RecordView, entries: Mapping[int, Entry], trust: Trust, report: Report
) -> dict[str, Revoked]:
    """Return the revocations that the ledger records, by fingerprint."""
    found: dict[str, Revoked] = {}
    for index, entry in entries.items():
        event = entry.event
        if event.kind != "revoke":
            continue
        if trust.found is None or entry.envelope.keyid != trust.found.fingerprint:
            text = f"entry {index} revokes a key and is not signed by the root"
            report.failed(AUTHORSHIP, "revoke-signer", text, view.place(index))
            continue
        fingerprint = str(event.fields.get("certificate"))
        compromise = (
            event.fields.get(COMPROMISE) is True or event.fields.get("reason") == COMPROMISE
        )
        before = found.get(fingerprint, Revoked(index, compromise))
        found[fingerprint] = before._replace(compromise=before.compromise or compromise)
    return found


def _enrolled(
    view: RecordView,
    entries: Mapping[int, Entry],
    certificate: Certificate,
    indices: Sequence[int],
    report: Report,
) -> None:
    """Check that the signer's first entry is the own enrolment (the root needs none)."""
    if certificate.is_ca:
        return
    first = entries[indices[0]].event
    stated = first.fields.get("certificate")
    if first.kind != "enrol" or stated != certificate.fingerprint:
        text = (
            f"`{escape(certificate.officer)}` signed entry {indices[0]} without an enrolment "
            "before it"
        )
        report.failed(RECORD, "not-enrolled", text, view.place(indices[0]))
