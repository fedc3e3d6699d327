"""The few DER shapes that evkit writes and reads itself: signatures, PBES2 headers, signed bodies.

ITU-T X.690 (02/2021). Lengths are definite and minimal, integers minimal. Everything else about
X.509 is left to the `cryptography` library.
"""

from __future__ import annotations

from evkit.core.errors import InputError

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, SEQUENCE = 0x02, 0x03, 0x04, 0x05, 0x06, 0x30
_LONG = 0x80


def wrap(tag: int, body: bytes) -> bytes:
    """Return tag, minimal length and `body`."""
    size = len(body)
    if size < _LONG:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + body


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of encoded parts."""
    return wrap(SEQUENCE, b"".join(parts))


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return wrap(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(body: bytes) -> bytes:
    """Return an OCTET STRING."""
    return wrap(OCTET_STRING, body)


def bits(body: bytes) -> bytes:
    """Return a BIT STRING of whole bytes."""
    return wrap(BIT_STRING, b"\x00" + body)


class Reader:
    """Reads DER values one after the other; every deviation from DER is an InputError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, tag: int) -> bytes:
        """Return the body of the next value, which must have this tag.

        Raises:
            InputError: another tag, a length that is not minimal, or not enough bytes.
        """
        data, at = self._data, self._at
        if at + 2 > len(data) or data[at] != tag:
            raise InputError(f"DER: no value with tag `{tag:#04x}` at byte {at}")
        size = data[at + 1]
        at += 2
        if size >= _LONG:
            count = size & 0x7F
            raw = data[at : at + count]
            if not 1 <= count <= 4 or len(raw) != count:  # noqa: PLR2004 - caps far above any use
                raise InputError("DER: a length is malformed")
            size = int.from_bytes(raw, "big")
            if size < _LONG or raw[0] == 0:
                raise InputError("DER: a length is not in its shortest form")
            at += count
        if at + size > len(data):
            raise InputError("DER: a value is cut short")
        self._at = at + size
        return data[at : at + size]

    def sequence(self) -> Reader:
        """Return a reader of the next value, a SEQUENCE."""
        return Reader(self.take(SEQUENCE))

    def integer(self) -> int:
        """Return the next value, a non-negative INTEGER in its shortest form."""
        body = self.take(INTEGER)
        if not body or body[0] >= _LONG:
            raise InputError("DER: an integer is empty or negative")
        if len(body) > 1 and body[0] == 0 and body[1] < _LONG:
            raise InputError("DER: an integer is not in its shortest form")
        return int.from_bytes(body, "big")

    def at_end(self) -> bool:
        """Say whether all bytes were read."""
        return self._at == len(self._data)

    def end(self) -> None:
        """Require that all bytes were read."""
        if not self.at_end():
            raise InputError("DER: bytes follow the last value")
