"""Paths as bytes. JSON carries `path` for people and `path_b64` when the bytes are not clean UTF-8.

The pair is read back without loss: `path_b64` wins when it is present, and a record whose two
fields contradict each other is rejected.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_bytes(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    """Return the exact bytes of a path of this machine."""
    return os.fsencode(path)


def to_fields(raw: bytes, name: str = "path") -> dict[str, str]:
    """Return `{name: text}` and, when `raw` is not UTF-8, `{name}_b64` with the exact bytes."""
    try:
        return {name: raw.decode("utf-8", "strict")}
    except UnicodeDecodeError:
        return {name: escape_bytes(raw), f"{name}_b64": base64.b64encode(raw).decode("ascii")}


def from_fields(fields: Mapping[str, object], name: str = "path") -> bytes:
    """Return the bytes that `to_fields` described.

    Raises:
        InputError: a field is missing, not text, not canonical base64, or the two disagree.
    """
    shown = fields.get(name)
    coded = fields.get(f"{name}_b64")
    if not isinstance(shown, str):
        raise InputError(f"`{name}` is missing or not text")
    if coded is None:
        try:
            return shown.encode("utf-8", "strict")
        except UnicodeEncodeError as error:
            raise InputError(f"`{name}` holds a lone surrogate") from error
    if not isinstance(coded, str):
        raise InputError(f"`{name}_b64` is not text")
    raw = unb64(coded)
    if to_fields(raw, name) != {name: shown, f"{name}_b64": coded}:
        raise InputError(f"`{name}` and `{name}_b64` do not describe the same bytes")
    return raw


def unb64(text: str) -> bytes:
    """Decode standard padded base64 of which the one canonical spelling is accepted.

    Raises:
        InputError: any other spelling, also non-zero trailing bits and white space.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, UnicodeEncodeError) as error:
        raise InputError("not valid base64") from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise InputError("base64 is not in its canonical form")
    return raw


def b64(raw: bytes) -> str:
    """Return standard padded base64."""
    return base64.b64encode(raw).decode("ascii")
