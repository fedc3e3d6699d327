"""Signing as an interface, so that tokens can stand beside key files later.

A signer has a certificate and turns bytes into a signature: ECDSA P-256 with SHA-256, strict DER,
low S. What is signed, and in which envelope, is the business of `evkit.ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from evkit.core.errors import IdentityError
from evkit.identity import ed25519, keys, p256
from evkit.identity.ed25519 import verify_ed25519

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from evkit.identity.x509 import Certificate


__all__ = [
    "FileSigner",
    "LogSigner",
    "Signer",
    "open_log_signer",
    "open_signer",
    "verify_ed25519",
]


class Signer(Protocol):
    """Whoever can sign for a certificate."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of the key."""

    def sign(self, data: bytes) -> bytes:
        """Return a signature over `data`: DER, low S.

        Raises:
            IdentityError: the key cannot be used now.
        """


class FileSigner:
    """Signs with a private key in memory; deterministic (RFC 6979)."""

    def __init__(self, certificate: Certificate, key: EllipticCurvePrivateKey) -> None:
        if p256.public_der(key.public_key()) != certificate.public_key_der:
            raise IdentityError(
                f"the key is not that of the certificate of `{certificate.officer}`",
                hint="give the key file that belongs to this certificate",
            )
        self._certificate = certificate
        self._key = key

    @property
    def certificate(self) -> Certificate:
        """The certificate of the key."""
        return self._certificate

    def sign(self, data: bytes) -> bytes:
        """Return a signature over `data`: DER, low S, the same for the same data."""
        return p256.sign(self._key, data)


def open_signer(
    key_path: str | bytes, certificate: Certificate, passphrase: str | bytes
) -> FileSigner:
    """Unlock a key file and try it.

    Raises:
        IdentityError: file missing, passphrase wrong, or the key of another certificate.
    """
    return FileSigner(certificate, keys.load_key_file(key_path, passphrase))


class LogSigner:
    """The Ed25519 key of a log; its name is the log's origin."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes_raw()
        self._vkey = ed25519.make_vkey(name, ed25519.ED25519, public)

    @property
    def name(self) -> str:
        """The origin."""
        return self._vkey.name

    @property
    def vkey(self) -> str:
        """The public key as text, C2SP signed-note."""
        return self._vkey.text()

    @property
    def public(self) -> ed25519.Vkey:
        """The public key with its key id."""
        return self._vkey

    def sign(self, text: bytes) -> bytes:
        """Return the 64-byte signature over the text of a note."""
        return self._key.sign(text)


def open_log_signer(path: str | bytes, name: str) -> LogSigner:
    """Read a log key file.

    Raises:
        IdentityError: the file is missing or holds something else.
    """
    return LogSigner(name, keys.load_log_key(path))
