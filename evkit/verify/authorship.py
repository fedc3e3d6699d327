"""Who signed: every entry's signature, the signer's certificate, its time and revocation.

Times in entries are the station's claim. A certificate is judged at the times of the entries that
it signed; after a revocation without compromise the order of the ledger decides, and a compromised
key counts for nothing without an anchor whose time was signed outside (design section 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core import clock
from evkit.core.text import escape
from evkit.identity.certificate import check_chain
from evkit.ledger import dsse
from evkit.verify.report import AUTHORSHIP, RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.identity.certificate import Certificate, ChainResult
    from evkit.ledger.event import Entry
    from evkit.verify.report import Report
    from evkit.verify.trust import Trust
    from evkit.verify.view import RecordView

COMPROMISE: Final = "compromise"
_MANY: Final = 8


class _Revoked(NamedTuple):
    """A revocation that the ledger records: its entry, and whether the key was compromised."""

    entry: int
    compromise: bool


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
    good = 0
    unchecked = False
    for fingerprint, indices in by_signer.items():
        certificate = trust.certificates[fingerprint]
        if not alone:
            _enrolled(view, entries, certificate, indices, report)
        if trust.roots:
            judged = _Judge(certificate, entries, indices, trust, report)
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
) -> dict[str, _Revoked]:
    """Return the revocations that the ledger records, by fingerprint."""
    found: dict[str, _Revoked] = {}
    for index, entry in entries.items():
        event = entry.event
        if event.kind != "revoke":
            continue
        if trust.found is None or entry.envelope.keyid != trust.found.fingerprint:
            text = f"entry {index} revokes a key and is not signed by the root"
            report.failed(AUTHORSHIP, "revoke-signer", text, view.place(index))
            continue
        fingerprint = str(event.fields.get("certificate"))
        compromise = event.fields.get(COMPROMISE) is True
        found.setdefault(fingerprint, _Revoked(index, compromise))
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


class _Judge:
    """Judges one certificate for the entries that it signed."""

    def __init__(
        self,
        certificate: Certificate,
        entries: Mapping[int, Entry],
        indices: Sequence[int],
        trust: Trust,
        report: Report,
    ) -> None:
        self._certificate = certificate
        self._entries = entries
        self._indices = indices
        self._trust = trust
        self._report = report
        self._name = escape(certificate.officer)
        self.revocation_checked = True

    def run(self, revoked: _Revoked | None) -> int:
        """Return the number of entries whose signature counts."""
        order = sorted(self._indices, key=lambda index: self._entries[index].event.recorded.utc)
        results = [self._chain(order[0]), self._chain(order[-1])]
        if self._compromised(results, revoked):
            return 0
        if all(result.ok for result in results) and revoked is None:
            return len(order)
        good = 0
        for index in self._indices:
            good += self._one(index, revoked)
        return good

    def _chain(self, index: int) -> ChainResult:
        at = clock.parse(self._entries[index].event.recorded.utc)
        result = check_chain(self._certificate, self._trust.roots, at, self._trust.crls)
        self.revocation_checked &= result.revocation_checked
        return result

    def _compromised(self, results: Sequence[ChainResult], revoked: _Revoked | None) -> bool:
        listed = any(
            result.revocation is not None and result.revocation.reason == COMPROMISE
            for result in results
        )
        if not listed and not (revoked and revoked.compromise):
            return False
        text = (
            f"the key of `{self._name}` may have been in other hands: its entries "
            f"{_numbers(self._indices)} count only under an anchor whose time was signed outside "
            "before that, and none was supplied"
        )
        self._report.undecided(AUTHORSHIP, "key-compromised", text)
        return True

    def _one(self, index: int, revoked: _Revoked | None) -> bool:
        result = self._chain(index)
        where = f"entry {index}"
        if revoked is not None and index > revoked.entry:
            text = f"entry {index} is signed by `{self._name}` after the revocation in entry "
            self._report.failed(AUTHORSHIP, "revoked", f"{text}{revoked.entry}", where)
            return False
        if result.state == "revoked" and revoked is None:
            text = f"entry {index}: the certificate of `{self._name}` was {escape(result.detail)}"
            self._report.failed(AUTHORSHIP, "revoked", text, where)
            return False
        if result.ok or result.state == "revoked":
            return True
        text = f"entry {index}: certificate of `{self._name}`: {escape(result.detail)}"
        self._report.failed(AUTHORSHIP, f"certificate-{result.state}", text, where)
        return False


def _numbers(indices: Sequence[int]) -> str:
    shown = ", ".join(str(index) for index in indices[:_MANY])
    return shown if len(indices) <= _MANY else f"{shown} and {len(indices) - _MANY} more"
