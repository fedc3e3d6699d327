"""Checkpoints (C2SP tlog-checkpoint): the head of a ledger signed by its log key.

Own form: three lines of text and first the line of the log's Ed25519 key; after it only
cosignature lines of witnesses, and only where the reader allows them. The foreign reader also takes
extension lines and signatures in any order. See `docs/spec/checkpoint.md`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64
from evkit.identity.ed25519 import ED25519, SIGNATURE_SIZE, is_key_name
from evkit.ledger.note import Note, NoteSignature, check_note, note_bytes, parse_note
from evkit.ledger.parts import Head

if TYPE_CHECKING:
    from evkit.identity.ed25519 import Vkey
    from evkit.identity.signer import LogSigner

MAX_SIZE = 2**63 - 1
MAX_OWN = 16_384
_HASH_SIZE = 32
_COSIGNATURE_SIZE = 8 + SIGNATURE_SIZE
_DECIMAL = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)


class Checkpoint(NamedTuple):
    """The head of a log: origin line, number of entries, root hash of 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n".encode()

    def head(self) -> Head:
        """Return the head as an event pins it."""
        return Head(self.origin, self.size, self.root.hex())


class SignedCheckpoint(NamedTuple):
    """A checkpoint as read, with its note; `extensions` are further text lines (foreign only)."""

    checkpoint: Checkpoint
    note: Note
    extensions: tuple[str, ...] = ()

    def verify(self, vkey: Vkey, origin: str | None = None) -> bool:
        """Tell whether the log's key signed this checkpoint of this log.

        Args:
            vkey: the log's key.
            origin: the origin expected; None for the name of the key, as evkit's logs have it.
        """
        expected = vkey.name if origin is None else origin
        return self.checkpoint.origin == expected and check_note(self.note, [vkey]).ok

    def encode(self) -> bytes:
        """Return the bytes of the note."""
        return note_bytes(self.note)


def sign_checkpoint(checkpoint: Checkpoint, signer: LogSigner) -> bytes:
    """Return the note of a checkpoint with the log's signature line.

    Raises:
        InputError: the signer's name is not the origin, or a field is out of range.
    """
    if signer.name != checkpoint.origin:
        raise InputError("a log signs only checkpoints of its own origin")
    _check(checkpoint)
    text = checkpoint.text()
    line = NoteSignature(signer.name, signer.public.key_id, signer.sign(text))
    return note_bytes(Note(text, (line,)))


def parse_checkpoint_own(data: bytes, *, cosigned: bool = False) -> SignedCheckpoint:
    """Read a checkpoint in the form that evkit writes; the signature is not checked here.

    Args:
        data: the note.
        cosigned: allow cosignature lines of witnesses after the log's line.

    Raises:
        InputError: anything that evkit would not write.
    """
    if len(data) > MAX_OWN:
        raise InputError(f"a checkpoint of {len(data)} bytes is over the limit of {MAX_OWN}")
    signed = parse_checkpoint_foreign(data)
    checkpoint, note = signed.checkpoint, signed.note
    if signed.extensions:
        raise InputError("the checkpoint has more than three lines of text")
    _check(checkpoint)
    log, others = note.signatures[0], note.signatures[1:]
    if log.name != checkpoint.origin or len(log.signature) != SIGNATURE_SIZE:
        raise InputError("the first signature of the checkpoint is not that of its log")
    if others and not cosigned:
        raise InputError("the checkpoint has more than one signature")
    seen = {(log.name, log.key_id)}
    for other in others:
        if len(other.signature) != _COSIGNATURE_SIZE or (other.name, other.key_id) in seen:
            raise InputError("a further signature of the checkpoint is not one new cosignature")
        seen.add((other.name, other.key_id))
    return signed


def parse_checkpoint_foreign(data: bytes) -> SignedCheckpoint:
    """Read a checkpoint by the rules of C2SP; the signature is not checked here.

    Raises:
        InputError: it is not a checkpoint with a SHA-256 root.
    """
    note = parse_note(data)
    checkpoint, extensions = parse_checkpoint_text(note.text)
    return SignedCheckpoint(checkpoint, note, extensions)


def parse_checkpoint_text(text: bytes) -> tuple[Checkpoint, tuple[str, ...]]:
    """Read the text of a checkpoint: head and extension lines.

    Raises:
        InputError: an empty origin, a size that is not plain decimal below 2^63, a root that is
            not canonical base64 of 32 bytes, or an empty extension line.
    """
    try:
        lines = text.decode("utf-8", "strict").split("\n")
    except UnicodeDecodeError as error:
        raise InputError("the checkpoint is not valid UTF-8") from error
    if len(lines) < 4 or lines[-1]:  # noqa: PLR2004 - three lines and what follows the last
        raise InputError("the checkpoint lacks a line or its final line feed")
    origin, size, root = lines[:3]
    extensions = tuple(lines[3:-1])
    if not origin or not all(extensions):
        raise InputError("the checkpoint has an empty line")
    if _DECIMAL.fullmatch(size) is None or int(size) > MAX_SIZE:
        raise InputError("the size in the checkpoint is not a decimal number below 2^63")
    raw = unb64(root)
    if len(raw) != _HASH_SIZE:
        raise InputError(f"the root in the checkpoint has {len(raw)} bytes, not {_HASH_SIZE}")
    return Checkpoint(origin, int(size), raw), extensions


def is_log_key(vkey: Vkey, origin: str) -> bool:
    """Say whether a key is an Ed25519 log key named as the origin."""
    return vkey.algorithm == ED25519 and vkey.name == origin


def _check(checkpoint: Checkpoint) -> None:
    if not is_key_name(checkpoint.origin):
        raise InputError("the origin of the checkpoint cannot name a key")
    if not 0 <= checkpoint.size <= MAX_SIZE or len(checkpoint.root) != _HASH_SIZE:
        raise InputError("the size or the root of the checkpoint is out of range")
