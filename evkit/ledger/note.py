"""Signed notes (C2SP signed-note): text, an empty line, signature lines.

This is the foreign reader: any number of signatures up to 100, unknown keys ignored, a known key
with a wrong signature rejects the note. What evkit itself writes is stricter (`checkpoint`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64
from evkit.identity.ed25519 import Vkey, is_key_name, parse_vkey, verify_note_signature

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Note",
    "NoteResult",
    "NoteSignature",
    "Vkey",
    "check_note",
    "note_bytes",
    "parse_note",
    "parse_vkey",
]

MAX_NOTE = 1 << 20
MAX_SIGNATURES = 100
_DASH = "— "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")


class NoteSignature(NamedTuple):
    """One signature line: key name, 4-byte key id, signature."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line with its line feed."""
        return f"{_DASH}{self.name} {b64(self.key_id + self.signature)}\n"


class Note(NamedTuple):
    """A note: the signed text with its final line feed, and the signatures in order."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, kw_only=True)
class NoteResult:
    """What was found about a note.

    Attributes:
        ok: at least one known key signed it and no known key's signature is wrong.
        detail: why not; empty when ok.
        verified: signatures by known keys, each key once.
        unverified: signatures by unknown keys, or of a type that evkit cannot check; equal lines
            once.
    """

    ok: bool
    detail: str
    verified: tuple[NoteSignature, ...]
    unverified: tuple[NoteSignature, ...]


def parse_note(data: bytes) -> Note:
    """Read a note without checking signatures; `note_bytes(parse_note(data)) == data`.

    Raises:
        InputError: it is not a note, over 1 MiB, or has over 100 signatures.
    """
    if len(data) > MAX_NOTE:
        raise InputError(f"a note of {len(data)} bytes is over the limit of {MAX_NOTE}")
    try:
        whole = data.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise InputError("the note is not valid UTF-8") from error
    if _CONTROL.search(whole) is not None:
        raise InputError("the note holds a control character")
    text, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise InputError("the note has no signature lines, or the last one is cut short")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise InputError(f"the note has over {MAX_SIGNATURES} signatures")
    return Note(f"{text}\n".encode(), tuple(_signature(line) for line in lines))


def note_bytes(note: Note) -> bytes:
    """Return the bytes of a note."""
    lines = "".join(signature.line() for signature in note.signatures)
    return note.text + b"\n" + lines.encode()


def check_note(note: Note, keys: Iterable[Vkey]) -> NoteResult:
    """Check a note against the keys that the verifier knows; never raises for a "no".

    Two different keys with the same name and key id make the note undecidable and it is rejected.
    """
    known: dict[tuple[str, bytes], list[Vkey]] = {}
    for key in keys:
        known.setdefault((key.name, key.key_id), []).append(key)
    verified: dict[tuple[str, bytes], NoteSignature] = {}
    unverified: dict[NoteSignature, None] = {}
    for signature in note.signatures:
        which = (signature.name, signature.key_id)
        found = known.get(which, [])
        if len(found) > 1:
            return _rejected(f"ambiguous key {signature.name}+{signature.key_id.hex()}")
        if which in verified:
            continue
        valid = verify_note_signature(found[0], signature.signature, note.text) if found else None
        if valid is None:
            unverified[signature] = None
        elif valid:
            verified[which] = signature
        else:
            return _rejected(f"invalid signature of key {signature.name}+{signature.key_id.hex()}")
    return NoteResult(
        ok=bool(verified),
        detail="" if verified else "no signature by a known key",
        verified=tuple(verified.values()),
        unverified=tuple(unverified),
    )


def _rejected(detail: str) -> NoteResult:
    return NoteResult(ok=False, detail=detail, verified=(), unverified=())


def _signature(line: str) -> NoteSignature:
    name, space, coded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise InputError("a line after the text of the note is not a signature line")
    raw = unb64(coded)
    if len(raw) < 5:  # noqa: PLR2004 - key id and at least one byte
        raise InputError("a signature line of the note is too short")
    return NoteSignature(name, raw[:4], raw[4:])
