"""Encodings of ECDSA P-256 signatures: strict DER, raw r ‖ s, and the low-S rule.

(r, s) and (r, n - s) are both valid for the same key and message. evkit writes and reads only the
smaller s, in strict DER (RFC 3279 section 2.2.3), so a signature has one spelling. Raw r ‖ s of 64
bytes is what WebCrypto, PKCS#11 and IEEE P1363 use.
"""

from __future__ import annotations

from evkit.core.errors import InputError
from evkit.identity import der as _der

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HALF = ORDER // 2
RAW_SIZE = 64
MAX_DER = 72


def strict_der(der: bytes) -> tuple[int, int]:
    """Return (r, s), both from 1 to n - 1.

    Raises:
        InputError: not the one DER encoding of two such numbers.
    """
    if len(der) > MAX_DER:
        raise InputError("the signature is too long for P-256")
    reader = _der.Reader(der)
    inner = reader.sequence()
    reader.end()
    r, s = inner.integer(), inner.integer()
    inner.end()
    return _in_range(r, s)


def to_der(r: int, s: int) -> bytes:
    """Return the DER encoding of two numbers from 1 to n - 1."""
    _in_range(r, s)
    return _der.sequence(_der.integer(r), _der.integer(s))


def der_to_raw(der: bytes) -> bytes:
    """Return r ‖ s, 64 bytes, of a strict DER signature.

    Raises:
        InputError: as `strict_der`.
    """
    r, s = strict_der(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def raw_to_der(raw: bytes) -> bytes:
    """Return the DER encoding of r ‖ s.

    Raises:
        InputError: not 64 bytes, or a number outside 1 to n - 1.
    """
    if len(raw) != RAW_SIZE:
        raise InputError(f"a raw P-256 signature has 64 bytes, not {len(raw)}")
    return to_der(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def is_low_s(der: bytes) -> bool:
    """Say whether a signature is strict DER and has s ≤ n/2; malformed bytes are `False`."""
    try:
        return strict_der(der)[1] <= HALF
    except InputError:
        return False


def to_low_s(der: bytes) -> bytes:
    """Return the same signature with the smaller s.

    Raises:
        InputError: as `strict_der`.
    """
    r, s = strict_der(der)
    return to_der(r, min(s, ORDER - s))


def _in_range(r: int, s: int) -> tuple[int, int]:
    if not (1 <= r < ORDER and 1 <= s < ORDER):
        raise InputError("a number of the signature is out of range")
    return r, s
