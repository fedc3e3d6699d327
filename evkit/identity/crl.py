"""Revocation lists of an agency root (RFC 5280 section 5): made, read, asked."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from evkit.core.errors import IdentityError, InputError, UsageError
from evkit.identity import p256
from evkit.identity.authority import authority_key, signed
from evkit.identity.x509 import warnings_refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.identity.signer import Signer
    from evkit.identity.x509 import Certificate

MAX_CRL = 4 << 20
REASONS = {
    "unspecified": x509.ReasonFlags.unspecified,
    "compromise": x509.ReasonFlags.key_compromise,
    "affiliation": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "ended": x509.ReasonFlags.cessation_of_operation,
}
_WORDS = {flag: word for word, flag in REASONS.items()}


class Revocation(NamedTuple):
    """One revoked certificate.

    Attributes:
        serial: serial number in lower-case hex.
        at: when it was revoked.
        reason: a key of `REASONS`.
        invalid_from: for `compromise`, from when the key may have been in other hands.
    """

    serial: str
    at: dt.datetime
    reason: str = "unspecified"
    invalid_from: dt.datetime | None = None

    @property
    def effective(self) -> dt.datetime:
        """From when signatures do not count by themselves."""
        if self.invalid_from is not None:
            return min(self.at, self.invalid_from)
        return self.at


class Crl:
    """A revocation list; `revocations` by serial number.

    Attributes:
        der: the bytes.
        fingerprint: SHA-256 of `der` in hex.
        this_update, next_update: aware datetimes.
        number: CRL number.
    """

    def __init__(self, der: bytes) -> None:
        if len(der) > MAX_CRL:
            raise InputError(f"a revocation list of {len(der)} bytes is over the limit")
        try:
            with warnings_refuse():
                self._crl = x509.load_der_x509_crl(der)
                self._read()
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"not a readable revocation list: {error}") from error
        self.der = der
        self.fingerprint = hashlib.sha256(der).hexdigest()

    def _read(self) -> None:
        crl = self._crl
        self._issuer, self._signature = crl.issuer, crl.signature  # parsed now, not when asked
        self._body, self._algorithm = crl.tbs_certlist_bytes, crl.signature_algorithm_oid
        next_update = crl.next_update_utc
        if next_update is None:
            raise InputError("the revocation list does not say how long it holds")
        self.this_update: dt.datetime = crl.last_update_utc
        self.next_update: dt.datetime = next_update
        self.number = int(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
        for extension in crl.extensions:
            if extension.critical:
                raise InputError("the revocation list has an unknown critical extension")
        self.revocations: dict[str, Revocation] = {}
        for entry in crl:
            found = _entry(entry)
            if found.serial in self.revocations:
                raise InputError("the revocation list names a certificate twice")
            self.revocations[found.serial] = found

    def signed_by(self, root: Certificate) -> bool:
        """Tell whether the list carries a strict, low-S signature of `root`, in its one spelling.

        The library lets bits of the signature's BIT STRING be called unused, so the outer form is
        made again and compared.
        """
        return (
            self._algorithm == x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256
            and self.der == signed(self._body, self._signature)
            and self._issuer == root.subject
            and root.verify(self._signature, self._body)
        )

    def find(self, serial: str) -> Revocation | None:
        """Return the entry of a certificate, or None."""
        return self.revocations.get(serial)

    @property
    def pem(self) -> bytes:
        """The list in PEM."""
        return self._crl.public_bytes(serialization.Encoding.PEM)


def create_crl(
    root: Signer,
    revoked: Sequence[Revocation],
    *,
    at: dt.datetime,
    number: int = 1,
    days: int = 365,
) -> Crl:
    """Return a revocation list signed by the agency root.

    Args:
        root: signer whose certificate is an agency root.
        revoked: every certificate revoked so far.
        at: time of issue, aware.
        number: one more than that of the list before.
        days: how long until the next one is due.

    Raises:
        IdentityError: the signer is not a root.
        UsageError: an unknown reason.
    """
    issuer = root.certificate
    if not issuer.is_ca:
        raise IdentityError("only an agency root signs revocation lists")
    at = at.astimezone(dt.UTC).replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(at)
        .next_update(at + dt.timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(authority_key(issuer), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(_revoked(entry))
    body = builder.sign(p256.generate(), hashes.SHA256()).tbs_certlist_bytes
    return Crl(signed(body, root.sign(body)))


def load_crl(data: bytes) -> Crl:
    """Read a revocation list in DER or PEM.

    Raises:
        InputError: it is malformed or over 4 MiB.
    """
    if len(data) > 2 * MAX_CRL:
        raise InputError("the file of the revocation list is too large")
    if data[:1] == b"\x30":
        return Crl(data)
    try:
        with warnings_refuse():
            der = x509.load_pem_x509_crl(data).public_bytes(serialization.Encoding.DER)
    except Exception as error:
        raise InputError(f"not a readable revocation list: {error}") from error
    return Crl(der)


def _revoked(entry: Revocation) -> x509.RevokedCertificate:
    if entry.reason not in REASONS:
        raise UsageError(
            f"`{entry.reason}` is not a reason for a revocation",
            hint=f"use one of {', '.join(REASONS)}",
        )
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(int(entry.serial, 16))
        .revocation_date(entry.at.astimezone(dt.UTC).replace(microsecond=0))
    )
    if entry.reason != "unspecified":
        builder = builder.add_extension(x509.CRLReason(REASONS[entry.reason]), critical=False)
    if entry.invalid_from is not None:
        moment = entry.invalid_from.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)
        builder = builder.add_extension(x509.InvalidityDate(moment), critical=False)
    return builder.build()


def _entry(entry: x509.RevokedCertificate) -> Revocation:
    reason, invalid_from = "unspecified", None
    for extension in entry.extensions:
        value = extension.value
        if isinstance(value, x509.CRLReason):
            reason = _WORDS.get(value.reason, value.reason.value)
        elif isinstance(value, x509.InvalidityDate):
            invalid_from = value.invalidity_date_utc
        elif extension.critical:
            raise InputError("an entry of the revocation list has an unknown critical extension")
    return Revocation(f"{entry.serial_number:x}", entry.revocation_date_utc, reason, invalid_from)
