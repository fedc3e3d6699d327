"""Issuing: the agency root and officers' certificates (RFC 5280 profile of evkit).

The body of a certificate is made by the library under a throw-away key, then signed by the
caller's signer. So any signer can issue, and every signature is deterministic, strict and low-S.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from evkit.core.errors import IdentityError, UsageError
from evkit.identity import der, p256
from evkit.identity.names import OFFICER_URN, ROLE_URN, check_text
from evkit.identity.x509 import DOCUMENT_SIGNING, Certificate

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

    from evkit.identity.names import OfficerDetails
    from evkit.identity.signer import Signer

_ECDSA_SHA256 = der.sequence(der.wrap(der.OID, bytes.fromhex("2a8648ce3d040302")))


class Validity(NamedTuple):
    """From when to when, aware datetimes; kept to the second."""

    not_before: dt.datetime
    not_after: dt.datetime


def valid_for(start: dt.datetime, days: int) -> Validity:
    """Return a validity of some days from `start`."""
    start = start.astimezone(dt.UTC).replace(microsecond=0)
    return Validity(start, start + dt.timedelta(days=days))


def create_root(
    key: EllipticCurvePrivateKey, *, agency: str, name: str, validity: Validity
) -> Certificate:
    """Return the self-signed certificate of an agency root.

    Args:
        key: the root's private key.
        agency: the agency, subject field O.
        name: name of this root, subject field CN.
        validity: from when to when.

    Raises:
        UsageError: a name cannot stand in a certificate.
    """
    check_text("agency", agency)
    check_text("name", name)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, agency),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = (
        _builder(subject, subject, public, validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(identifier, critical=False)
    )
    body = _body(builder)
    return Certificate(signed(body, p256.sign(key, body)))


def issue_officer(
    root: Signer,
    public_key: EllipticCurvePublicKey,
    details: OfficerDetails,
    validity: Validity,
) -> Certificate:
    """Return a certificate for an officer's key, signed by the agency root.

    Args:
        root: signer whose certificate is an agency root.
        public_key: the officer's P-256 key.
        details: who it is.
        validity: from when to when; must lie within that of the root.

    Raises:
        UsageError: a detail cannot stand in a certificate, or the validity is outside the root's.
        IdentityError: the signer is not a root.
    """
    details.check()
    issuer = root.certificate
    if not issuer.is_ca or issuer.key_identifier is None:
        raise IdentityError("only an agency root issues certificates")
    if validity.not_before < issuer.not_before or validity.not_after > issuer.not_after:
        raise UsageError(
            "the certificate would be valid outside the time of the agency root",
            hint=f"the root is valid from {issuer.not_before:%Y-%m-%d} "
            f"to {issuer.not_after:%Y-%m-%d}",
        )
    public = p256.need_p256(public_key)
    names = [OFFICER_URN + details.officer] + [ROLE_URN + role for role in details.roles]
    builder = (
        _builder(_officer_name(details), issuer.subject, public, validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in names]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(authority_key(issuer), critical=False)
    )
    body = _body(builder)
    return Certificate(signed(body, root.sign(body)))


def authority_key(issuer: Certificate) -> x509.AuthorityKeyIdentifier:
    """Return the extension that names the issuer's key."""
    return x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None)


def signed(body: bytes, signature: bytes) -> bytes:
    """Return a certificate or CRL: body, algorithm, signature."""
    return der.sequence(body, _ECDSA_SHA256, der.bits(signature))


def _builder(
    subject: x509.Name, issuer: x509.Name, public: EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    if validity.not_after <= validity.not_before:
        raise UsageError("the validity of the certificate is empty")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before.replace(microsecond=0))
        .not_valid_after(validity.not_after.replace(microsecond=0))
    )


def _body(builder: x509.CertificateBuilder) -> bytes:
    return builder.sign(p256.generate(), hashes.SHA256()).tbs_certificate_bytes


def _officer_name(details: OfficerDetails) -> x509.Name:
    fields = (
        (NameOID.ORGANIZATION_NAME, details.agency),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, details.unit),
        (NameOID.COMMON_NAME, details.name),
        (NameOID.TITLE, details.rank),
        (NameOID.SERIAL_NUMBER, details.badge),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in fields if value])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
