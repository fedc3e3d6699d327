"""Which certificates count: those that a root supplied by the verifier issued.

The root found with the record is only looked up by the fingerprint that the verifier supplied; it
is never trusted for being there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.identity.certificate import load_certificate
from evkit.identity.crl import load_crl
from evkit.verify.report import AUTHORSHIP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.identity.certificate import Certificate
    from evkit.identity.crl import Crl
    from evkit.verify.report import Report
    from evkit.verify.supplied import Supplied


class Trust:
    """Certificates and lists found with a record, and the roots that the verifier trusts.

    Attributes:
        found: the root found with the record, None when absent or unreadable.
        roots: trusted roots whose certificate is at hand.
        certificates: everything found, by fingerprint, the found root included.
        crls: revocation lists found; those of other roots are ignored by the chain check.
    """

    def __init__(self, supplied: Supplied, report: Report) -> None:
        self._supplied = supplied
        self._report = report
        self.found: Certificate | None = None
        self.roots: list[Certificate] = list(supplied.roots)
        self.certificates: dict[str, Certificate] = {
            root.fingerprint: root for root in supplied.roots
        }
        self.crls: list[Crl] = []

    @property
    def supplied_any(self) -> bool:
        """Whether the verifier supplied a trusted root in any form."""
        return self._supplied.any_root

    def trusts(self, certificate: Certificate | None) -> bool:
        """Say whether this is a root that the verifier supplied."""
        return certificate is not None and certificate in self.roots

    def take_root(self, data: bytes | None, where: str) -> None:
        """Read the root found with the record; show its fingerprint."""
        if data is None:
            return
        certificate = self._load(data, where)
        if certificate is None:
            return
        if not certificate.is_ca:
            text = f"`{where}` is not the certificate of a root"
            self._report.failed(AUTHORSHIP, "root-form", text, where)
            return
        self.found = certificate
        shown = f"sha256:{certificate.fingerprint} ({escape(certificate.common_name)})"
        self._report.shown["root"] = shown
        self._keep(certificate, where)
        if self._supplied.trusts(certificate.fingerprint) and certificate not in self.roots:
            self.roots.append(certificate)

    def take_officers(self, found: Mapping[str, bytes]) -> None:
        """Read the officers' certificates found with the record."""
        for where, data in found.items():
            certificate = self._load(data, where)
            if certificate is not None:
                self._keep(certificate, where)

    def take_crls(self, found: Mapping[str, bytes]) -> None:
        """Read the revocation lists found with the record."""
        for where, data in found.items():
            try:
                crl = load_crl(data)
            except InputError as error:
                text = f"`{escape(where)}`: {escape(error.message)}"
                self._report.failed(AUTHORSHIP, "crl-form", text, where)
                continue
            if data not in (crl.pem, crl.der):
                text = f"`{escape(where)}` is not in the form that evkit writes"
                self._report.failed(AUTHORSHIP, "crl-form", text, where)
            if self.found is not None and not crl.signed_by(self.found):
                text = f"`{escape(where)}` is not signed by the root beside it"
                self._report.failed(AUTHORSHIP, "crl-signature", text, where)
            else:
                self.crls.append(crl)
                made = clock.format_utc(crl.this_update)
                self._report.shown["revocation list"] = f"number {crl.number} of {made}"

    def judge_roots(self) -> None:
        """Say whether the root found is one that the verifier supplied."""
        report, supplied = self._report, self._supplied
        found = self.found.fingerprint if self.found else ""
        for slip in supplied.slips:
            if slip.trust_lost:
                report.undecided(AUTHORSHIP, "memo-slip", f"{slip.label}: {slip.text}")
        if not supplied.any_root:
            text = "no trusted root was supplied (`--trust FILE`, `--trust sha256:…` or `--memo`)"
            report.undecided(AUTHORSHIP, "no-trust", text)
        elif self.found is not None and not supplied.trusts(found):
            known = sorted(supplied.fingerprints | {root.fingerprint for root in supplied.roots})
            text = "the record is signed under another root than the one supplied"
            shown = ", ".join(f"sha256:{entry}" for entry in known)
            report.failed(AUTHORSHIP, "other-root", text, "", shown, f"sha256:{found}")
        elif not self.roots:
            text = "no root certificate is here that has the fingerprint supplied"
            report.undecided(AUTHORSHIP, "no-root", text)

    def _load(self, data: bytes, where: str) -> Certificate | None:
        try:
            certificate = load_certificate(data)
        except InputError as error:
            text = f"`{escape(where)}`: {escape(error.message)}"
            self._report.failed(AUTHORSHIP, "certificate-form", text, where)
            return None
        if data not in (certificate.pem, certificate.der):
            text = f"`{escape(where)}` is not in the form that evkit writes"
            self._report.failed(AUTHORSHIP, "certificate-form", text, where)
        return certificate

    def _keep(self, certificate: Certificate, where: str) -> None:
        name = where.rsplit("/", 1)[-1].removesuffix(".crt")
        if "officers/" in where and name != certificate.fingerprint:
            text = f"`{escape(where)}` does not hold the certificate that its name says"
            report = self._report
            report.failed(
                AUTHORSHIP, "certificate-name", text, where, name, certificate.fingerprint
            )
        self.certificates[certificate.fingerprint] = certificate
