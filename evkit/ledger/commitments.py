"""Salted commitments: personal values are signed without being shown, and opened one by one.

The commitment is the SHA-256 of the opening's evkit JSON, `{"name":…,"salt":…,"value":…}`, so one
opening is checked with `sha256sum`. The salt has 16 random bytes: without it, the few possible
identity card or phone numbers could be tried out. See `docs/spec/commitments.md`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64

if TYPE_CHECKING:
    from collections.abc import Mapping

SALT_SIZE = 16
MAX_VALUE = 65_536
_MAX_OPENING = 8 * MAX_VALUE
_NAME = re.compile("[a-z][a-z0-9_.-]{0,127}")


class Opening(NamedTuple):
    """What opens a commitment.

    Attributes:
        name: name of the field.
        value: its text.
        salt: 16 bytes in base64.
    """

    name: str
    value: str
    salt: str

    def encode(self) -> bytes:
        """Return the evkit JSON whose SHA-256 is the commitment."""
        return ejson.dumps(self._asdict())

    def commitment(self) -> str:
        """Return the commitment in lower-case hex."""
        return hashlib.sha256(self.encode()).hexdigest()


def commit(name: str, value: str, salt: bytes) -> str:
    """Return the commitment to a value in lower-case hex.

    Raises:
        InputError: the name is malformed, the value too long, or the salt not 16 bytes.
    """
    return _checked(Opening(name, value, b64(salt))).commitment()


def commit_all(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[Opening, ...]]:
    """Return commitments by name and the openings, each with a new salt.

    Raises:
        InputError: as `commit`.
    """
    openings = tuple(
        _checked(Opening(name, value, b64(secrets.token_bytes(SALT_SIZE))))
        for name, value in values.items()
    )
    return {opening.name: opening.commitment() for opening in openings}, openings


def verify_opening(opening: Opening, commitment: str) -> bool:
    """Tell whether an opening belongs to a commitment; a malformed opening does not."""
    try:
        found = _checked(opening).commitment()
    except InputError:
        return False
    return hmac.compare_digest(found.encode(), commitment.encode("utf-8", "replace"))


def parse_opening(data: bytes) -> Opening:
    """Read the evkit JSON of an opening; `parse_opening(data).encode() == data`.

    Raises:
        InputError: anything that evkit would not write.
    """
    document = ejson.as_object(ejson.loads(data, max_bytes=_MAX_OPENING), "the opening")
    if document.keys() != {"name", "salt", "value"}:
        raise InputError("an opening has the fields `name`, `salt` and `value`")
    if not all(isinstance(value, str) for value in document.values()):
        raise InputError("a field of the opening is not text")
    return _checked(Opening(**document))


def _checked(opening: Opening) -> Opening:
    if _NAME.fullmatch(opening.name) is None:
        raise InputError("the name of the opening is malformed")
    if not opening.value or len(opening.value) > MAX_VALUE:
        raise InputError(f"value `{opening.name}` is empty or over {MAX_VALUE} characters")
    if len(unb64(opening.salt)) != SALT_SIZE:
        raise InputError(f"the salt of `{opening.name}` does not have {SALT_SIZE} bytes")
    return opening
