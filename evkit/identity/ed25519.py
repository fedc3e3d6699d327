"""Ed25519 (RFC 8032) for logs and witnesses, and the vkeys of C2SP signed notes.

A vkey is `name+hhhhhhhh+base64(type ‖ key)`; the eight digits are the key id. Types: 1 Ed25519,
2 ECDSA P-256 over SHA-256, 4 Ed25519 cosignature, 5 RFC 6962 tree head, 6 ML-DSA-44 cosignature.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64
from evkit.core.text import escape

ED25519, ECDSA, COSIGNATURE, TREE_HEAD, ML_DSA_COSIGNATURE = 1, 2, 4, 5, 6
KEY_SIZE = 32
SIGNATURE_SIZE = 64
_ML_DSA_44_KEY = 1312
_MAX_VKEY = 4096
_MAX_NAME = 255  # bytes; C2SP tlog-cosignature limits names and origins so
_PRIME = 2**255 - 19
_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER = {0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8}  # y of the eight such points
_HEX8 = re.compile("[0-9a-f]{8}")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # and lone surrogates


class Vkey(NamedTuple):
    """A verification key of a signed note.

    Attributes:
        name: key name; that of a log is its origin.
        key_id: 4 bytes.
        algorithm: type byte.
        key: the bytes after the type byte.
    """

    name: str
    key_id: bytes
    algorithm: int
    key: bytes

    def text(self) -> str:
        """Return the vkey as text."""
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes((self.algorithm,)) + self.key)}"


def is_key_name(name: str) -> bool:
    """Say whether `name` can name a key: 1 to 255 bytes, no white space, control or `+`."""
    if not name or len(name) > _MAX_NAME or "+" in name or _CONTROL.search(name) is not None:
        return False
    return not any(char.isspace() for char in name) and len(name.encode()) <= _MAX_NAME


def key_id(name: str, algorithm: int, key: bytes) -> bytes:
    """Return the 4-byte key id (C2SP signed-note and static-ct-api)."""
    if algorithm == ECDSA:
        return hashlib.sha256(key).digest()[:4]
    if algorithm == TREE_HEAD:
        key = hashlib.sha256(key).digest()
    return hashlib.sha256(name.encode() + b"\n" + bytes((algorithm,)) + key).digest()[:4]


def make_vkey(name: str, algorithm: int, key: bytes) -> Vkey:
    """Return the vkey of a public key.

    Raises:
        InputError: the name or the key cannot be used.
    """
    if not is_key_name(name):
        raise InputError(f"`{escape(name)}` cannot name a key")
    _check_key(algorithm, key)
    return Vkey(name, key_id(name, algorithm, key), algorithm, key)


def parse_vkey(text: str) -> Vkey:
    """Read a vkey of any type that C2SP defines.

    Raises:
        InputError: it is malformed, or its key id does not follow from name and key.
    """
    parts = text.split("+", 2) if len(text) <= _MAX_VKEY else []
    if len(parts) != 3 or _HEX8.fullmatch(parts[1]) is None:  # noqa: PLR2004 - name, id, key
        raise InputError("not a vkey: name, eight hex digits and base64, joined by `+`")
    data = unb64(parts[2])
    if not data:
        raise InputError("the vkey holds no key")
    vkey = make_vkey(parts[0], data[0], data[1:])
    if vkey.key_id.hex() != parts[1]:
        raise InputError(
            f"the key id of `{escape(parts[0])}` is `{parts[1]}`, its key gives "
            f"`{vkey.key_id.hex()}`"
        )
    return vkey


def verify_ed25519(public: bytes, signature: bytes, data: bytes) -> bool:
    """Tell whether a 64-byte Ed25519 signature by a 32-byte public key is valid."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if len(public) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_note_signature(vkey: Vkey, signature: bytes, text: bytes) -> bool | None:
    """Tell whether a signature of a note is valid; None when evkit cannot check this type.

    Args:
        vkey: the key; types 1, 2 and 4 are checked.
        signature: the bytes after the key id.
        text: the text of the note with its final line feed.
    """
    if vkey.algorithm == ED25519:
        return verify_ed25519(vkey.key, signature, text)
    if vkey.algorithm == ECDSA:
        from evkit.identity import p256

        return p256.verify_any(p256.load_public(vkey.key), signature, text)
    if vkey.algorithm == COSIGNATURE:
        if len(signature) != 8 + SIGNATURE_SIZE:
            return False
        message = cosignature_message(int.from_bytes(signature[:8], "big"), text)
        return verify_ed25519(vkey.key, signature[8:], message)
    return None


def cosignature_message(seconds: int, text: bytes) -> bytes:
    """Return the bytes that a witness signs: cosignature/v1 of C2SP tlog-cosignature."""
    return b"cosignature/v1\ntime %d\n%b" % (seconds, text)


def _is_sound(key: bytes) -> bool:
    """Say whether an Ed25519 key has one spelling and a secret behind it (RFC 8032, 5.1.3).

    Under a point of small order anyone can sign, so its owner could deny every signature.
    """
    y = int.from_bytes(key, "little") & ((1 << 255) - 1)
    return len(key) == KEY_SIZE and y < _PRIME and y not in _SMALL_ORDER


def _check_key(algorithm: int, key: bytes) -> None:
    if algorithm in {ED25519, COSIGNATURE}:
        good = _is_sound(key)
    elif algorithm in {ECDSA, TREE_HEAD}:
        from evkit.identity import p256

        good = p256.public_der(p256.load_public(key)) == key
    elif algorithm == ML_DSA_COSIGNATURE:
        good = len(key) == _ML_DSA_44_KEY
    else:
        raise InputError(f"key type `{algorithm}` is not known")
    if not good:
        raise InputError(
            "the key has the wrong length or form, or is one that anyone can sign with"
        )
