"""Reading certificates: what evkit needs of X.509 (RFC 5280), with the key object kept ready."""

from __future__ import annotations

import contextlib
import hashlib
import re
import warnings
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from evkit.core.errors import InputError
from evkit.identity import p256
from evkit.identity.names import OFFICER_URN, ROLE_URN, ROOT_OFFICER, is_role, is_slug

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

MAX_CERTIFICATE = 16 << 10
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")  # AlgorithmIdentifier, RFC 5758
_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\r?\n?"
)
_KNOWN_CRITICAL = {
    x509.BasicConstraints.oid,
    x509.KeyUsage.oid,
    x509.ExtendedKeyUsage.oid,
    x509.SubjectAlternativeName.oid,
}


class Certificate:
    """A certificate with a P-256 key, read once; equal when the DER bytes are equal.

    Attributes:
        der: the bytes.
        fingerprint: SHA-256 of `der`, lower-case hex; the key id of envelopes.
        public_key_der: SubjectPublicKeyInfo.
        common_name, agency, unit, rank, badge: subject fields, None where absent.
        officer: short name from the subject alternative names; `root` for an agency root.
        roles: roles from the subject alternative names.
        serial: serial number in lower-case hex.
        not_before, not_after: validity, aware datetimes in UTC.
        is_ca: basic constraints say CA.
        problems: what keeps this from being a certificate as evkit issues them; empty if nothing.
    """

    def __init__(self, der: bytes) -> None:
        if len(der) > MAX_CERTIFICATE:
            raise InputError(f"a certificate of {len(der)} bytes is over the limit")
        try:
            with warnings_refuse():
                self._x509 = x509.load_der_x509_certificate(der)
                self._key = p256.need_p256(self._x509.public_key())
                self._read(der)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"not a readable certificate: {error}") from error
        self.der = der
        self.fingerprint = hashlib.sha256(der).hexdigest()
        self.public_key_der = p256.public_der(self._key)

    def _read(self, der: bytes) -> None:
        cert = self._x509
        self._issuer, self._subject_name = cert.issuer, cert.subject  # parsed now, not when asked
        self._signature, self._body = cert.signature, cert.tbs_certificate_bytes
        self.extensions = {entry.oid: entry for entry in cert.extensions}
        self.common_name = self._subject(NameOID.COMMON_NAME) or ""
        self.agency = self._subject(NameOID.ORGANIZATION_NAME)
        self.unit = self._subject(NameOID.ORGANIZATIONAL_UNIT_NAME)
        self.rank = self._subject(NameOID.TITLE)
        self.badge = self._subject(NameOID.SERIAL_NUMBER)
        self.serial = f"{cert.serial_number:x}"
        self.not_before: dt.datetime = cert.not_valid_before_utc
        self.not_after: dt.datetime = cert.not_valid_after_utc
        basic = self._value(x509.BasicConstraints)
        self.is_ca = bool(basic is not None and basic.ca)
        names = self._value(x509.SubjectAlternativeName)
        uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names else []
        officers = [uri.removeprefix(OFFICER_URN) for uri in uris if uri.startswith(OFFICER_URN)]
        self.roles = tuple(uri.removeprefix(ROLE_URN) for uri in uris if uri.startswith(ROLE_URN))
        self.officer = ROOT_OFFICER if self.is_ca else (officers[0] if officers else "")
        self.problems = tuple(self._problems(officers, der))

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` (strict DER, low S) over `data` is by this certificate's key."""
        return p256.verify(self._key, signature, data)

    def signed_by(self, issuer: Certificate) -> bool:
        """Tell whether this certificate carries a strict, low-S signature of `issuer`."""
        return issuer.verify(self._signature, self._body)

    def issuer_is(self, other: Certificate) -> bool:
        """Tell whether issuer name and authority key identifier name `other`."""
        if self._issuer != other.subject:
            return False
        authority = self._value(x509.AuthorityKeyIdentifier)
        return authority is not None and authority.key_identifier == other.key_identifier

    @property
    def key_identifier(self) -> bytes | None:
        """The subject key identifier."""
        value = self._value(x509.SubjectKeyIdentifier)
        return None if value is None else bytes(value.digest)

    @property
    def subject(self) -> x509.Name:
        """The subject as the library holds it, for issuing."""
        return self._subject_name

    @property
    def public_key(self) -> Any:  # noqa: ANN401 - the library's key object, for issuing
        """The public key object."""
        return self._key

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self._x509.public_bytes(serialization.Encoding.PEM)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"Certificate({self.officer!r}, {self.fingerprint[:16]}…)"

    def _subject(self, oid: ObjectIdentifier) -> str | None:
        found = self._subject_name.get_attributes_for_oid(oid)
        return str(found[0].value) if found else None

    def _value(self, kind: Any) -> Any:  # noqa: ANN401 - the library's extension types
        entry = self.extensions.get(kind.oid)
        return None if entry is None else entry.value

    def _problems(self, officers: list[str], der: bytes) -> list[str]:
        problems = []
        cert = self._x509
        if cert.version is not x509.Version.v3:
            problems.append("it is not version 3")
        algorithm = cert.signature_algorithm_oid
        if algorithm != x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256:
            problems.append("it is not signed with ECDSA and SHA-256")
        elif der != _signed(self._body, self._signature):
            problems.append("bytes around its signature are not as signing writes them")
        for oid, entry in self.extensions.items():
            if entry.critical and oid not in _KNOWN_CRITICAL:
                problems.append(f"it has the unknown critical extension {oid.dotted_string}")
        repeated = {entry.oid for entry in cert.subject}
        if len(repeated) != len(list(cert.subject)):
            problems.append("a field of its subject is given twice")
        return problems + (self._root_problems() if self.is_ca else self._own_problems(officers))

    def _root_problems(self) -> list[str]:
        usage = self._value(x509.KeyUsage)
        if usage is None or not (
            usage.key_cert_sign and usage.crl_sign and usage.digital_signature
        ):
            return ["its key usage is not that of an agency root"]
        return []

    def _own_problems(self, officers: list[str]) -> list[str]:
        problems = []
        usage = self._value(x509.KeyUsage)
        if usage is None or not (usage.digital_signature and usage.content_commitment):
            problems.append("its key usage lacks digital signature or content commitment")
        if usage is not None and (usage.key_cert_sign or usage.crl_sign):
            problems.append("its key usage is that of an authority")
        extended = self._value(x509.ExtendedKeyUsage)
        if extended is None or DOCUMENT_SIGNING not in list(extended):
            problems.append("its extended key usage lacks document signing")
        elif ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in list(extended):
            problems.append("its extended key usage is anything")
        if len(officers) != 1 or not is_slug(officers[0]):
            problems.append("it does not name one officer")
        if not self.roles or not all(is_role(role) for role in self.roles):
            problems.append("it names no role")
        return problems


def _signed(body: bytes, signature: bytes) -> bytes:
    """Return the one DER form of a certificate signed with ECDSA and SHA-256 (RFC 5280, 4.1).

    Libraries take a BIT STRING that says some bits are unused where these happen to be zero: the
    same signature, another fingerprint.
    """
    return _tagged(0x30, body + _ECDSA_WITH_SHA256 + _tagged(0x03, b"\x00" + signature))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - the short form of a length
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def load_certificate(data: bytes) -> Certificate:
    """Read one certificate in DER or PEM; text around a PEM block is ignored.

    Raises:
        InputError: it is malformed, over 16 KiB, or its key is not P-256.
    """
    if len(data) > 4 * MAX_CERTIFICATE:
        raise InputError("the certificate file is too large")
    if data[:1] == b"\x30":
        return Certificate(data)
    blocks = _PEM.findall(data)
    if len(blocks) != 1:
        raise InputError(
            f"the file holds {len(blocks)} certificates, not one",
            hint="give a certificate in PEM (`-----BEGIN CERTIFICATE-----`) or DER",
        )
    try:
        with warnings_refuse():
            loaded = x509.load_pem_x509_certificate(blocks[0])
            der = loaded.public_bytes(serialization.Encoding.DER)
    except Exception as error:
        raise InputError(f"not a readable certificate: {error}") from error
    return Certificate(der)


@contextlib.contextmanager
def warnings_refuse() -> Iterator[None]:
    """Make the library's warnings about forbidden values (a negative serial number) errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
