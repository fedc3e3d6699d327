"""Cosignatures of witnesses (C2SP tlog-cosignature, cosignature/v1 with Ed25519, key type 4).

A witness states: at this time this was the largest consistent head of this log that I have seen.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.identity.ed25519 import (
    COSIGNATURE,
    SIGNATURE_SIZE,
    Vkey,
    cosignature_message,
    make_vkey,
)
from evkit.ledger.note import Note, NoteSignature, check_note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TIME_SIZE = 8
_MAX_SECONDS = 2**63 - 1


class Cosignature(NamedTuple):
    """A valid cosignature: the witness's key name and the time it states, POSIX seconds."""

    witness: str
    seconds: int

    def moment(self) -> dt.datetime | None:
        """Return the time as an aware datetime, None when it is beyond the year 9999."""
        try:
            return dt.datetime.fromtimestamp(self.seconds, dt.UTC)
        except (OverflowError, OSError, ValueError):
            return None


def cosigner_key(vkey: Vkey) -> Vkey:
    """Return the type 4 key of a witness; a type 1 key is taken over under its own key id.

    Raises:
        InputError: the key is of another type.
    """
    if vkey.algorithm == COSIGNATURE:
        return vkey
    return make_vkey(vkey.name, COSIGNATURE, vkey.key)


def split_cosignature(signature: bytes) -> tuple[int, bytes]:
    """Return time and Ed25519 signature of the bytes after the key id.

    Raises:
        InputError: they are not 72 bytes, or the time is not below 2^63.
    """
    if len(signature) != _TIME_SIZE + SIGNATURE_SIZE:
        raise InputError("a cosignature has a time of 8 bytes and a signature of 64")
    seconds = int.from_bytes(signature[:_TIME_SIZE], "big")
    if seconds > _MAX_SECONDS:
        raise InputError("the time of the cosignature is out of range")
    return seconds, signature[_TIME_SIZE:]


def read_cosignatures(note: Note, witnesses: Sequence[Vkey]) -> tuple[Cosignature, ...]:
    """Return the valid cosignatures by the given witnesses; wrong ones are left out.

    One key counts once: the Ed25519 form does not bind the witness's name.
    """
    found: dict[bytes, Cosignature] = {}
    for witness in witnesses:
        key = cosigner_key(witness)
        if key.key in found:
            continue
        result = check_note(note, [key])
        if result.ok:
            seconds, _ = split_cosignature(result.verified[0].signature)
            found[key.key] = Cosignature(key.name, seconds)
    return tuple(found.values())


def cosign(text: bytes, key: Vkey, seconds: int, sign: Callable[[bytes], bytes]) -> NoteSignature:
    """Return a witness's signature line for the text of a checkpoint.

    Args:
        text: the text of the note with its final line feed.
        key: the witness's key.
        seconds: POSIX time.
        sign: Ed25519 signing with the private key.
    """
    key = cosigner_key(key)
    signature = sign(cosignature_message(seconds, text))
    return NoteSignature(key.name, key.key_id, seconds.to_bytes(_TIME_SIZE, "big") + signature)
