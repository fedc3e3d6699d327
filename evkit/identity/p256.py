"""ECDSA over P-256 with SHA-256: sign, check, and the encodings of keys. Bytes in, bytes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from evkit.core.errors import InputError
from evkit.identity.ecdsa import is_low_s, to_low_s

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

_VERIFY = ec.ECDSA(hashes.SHA256())


def generate() -> EllipticCurvePrivateKey:
    """Return a new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def sign(key: EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return a signature over `data`: strict DER, low S, deterministic (RFC 6979).

    A `cryptography` linked to an OpenSSL below 3.2 cannot sign deterministically and uses a random
    number instead.
    """
    try:
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        return to_low_s(key.sign(data, algorithm))
    except UnsupportedAlgorithm:
        return to_low_s(key.sign(data, _VERIFY))


def verify(key: EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Tell whether the signature is valid, strict DER and low S (the own reader's rule)."""
    return is_low_s(signature) and verify_any(key, signature, data)


def verify_any(key: EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Tell whether a DER signature made by other software is valid; high S is accepted."""
    try:
        key.verify(signature, data, _VERIFY)
    except InvalidSignature:
        return False
    return True


def public_der(key: EllipticCurvePublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key, 91 bytes."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_public(spki: bytes) -> EllipticCurvePublicKey:
    """Read a SubjectPublicKeyInfo.

    Raises:
        InputError: it is malformed or not a P-256 key.
    """
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("not a public key in DER") from error
    return need_p256(key)


def need_p256(key: object) -> EllipticCurvePublicKey:
    """Return a public key object if it is a P-256 key.

    Raises:
        InputError: it is another kind of key.
    """
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise InputError("the key is not an ECDSA P-256 key")
