"""The rules of a witness (C2SP tlog-witness, add-checkpoint) as pure functions.

A witness keeps one head for each log and moves it only forwards along a consistency proof. Storing
the new head before answering, atomically, is the business of the caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64
from evkit.ledger.checkpoint import Checkpoint, parse_checkpoint_foreign
from evkit.ledger.note import check_note
from evkit.merkle.proof import verify_consistency
from evkit.merkle.tree import EMPTY_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.identity.ed25519 import Vkey

Outcome = Literal[
    "ok", "malformed", "unknown-log", "bad-signature", "conflict", "fork", "bad-proof"
]
MAX_REQUEST = 1 << 20
MAX_HASHES = 63
_OLD = re.compile("old (0|[1-9][0-9]{0,18})", re.ASCII)
_HASH_SIZE = 32


class Request(NamedTuple):
    """An add-checkpoint request: the size the log believes stored, the proof, the note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a witness decides.

    Attributes:
        outcome: `ok`; `malformed` (not a request); `unknown-log`; `bad-signature`; `conflict` (the
            old size is not the stored one); `fork` (equal sizes, other root: keep the note, it is
            evidence); `bad-proof`.
        detail: one sentence, empty when ok.
        checkpoint: the head to store before a cosignature leaves, only when ok.
        stored_size: what the witness has, for `conflict`.
    """

    outcome: Outcome
    detail: str = ""
    checkpoint: Checkpoint | None = None
    stored_size: int | None = None


def encode_request(request: Request) -> bytes:
    """Return the bytes of a request."""
    hashes = "".join(f"{b64(entry)}\n" for entry in request.proof)
    return f"old {request.old_size}\n{hashes}\n".encode() + request.note


def parse_request(data: bytes) -> Request:
    """Read a request; `encode_request(parse_request(data)) == data`.

    Raises:
        InputError: it is malformed, over 1 MiB, or has over 63 hashes.
    """
    if len(data) > MAX_REQUEST:
        raise InputError("the request is too large")
    top, separator, note = data.partition(b"\n\n")
    try:
        lines = top.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InputError("the request is not ASCII text above its checkpoint") from error
    match = _OLD.fullmatch(lines[0])
    if not separator or not note or match is None:
        raise InputError("the request lacks its `old` line or its checkpoint")
    if len(lines) - 1 > MAX_HASHES:
        raise InputError(f"the request has over {MAX_HASHES} hashes")
    proof = tuple(unb64(line) for line in lines[1:])
    if any(len(entry) != _HASH_SIZE for entry in proof):
        raise InputError("a hash of the request does not have 32 bytes")
    return Request(int(match[1]), proof, note)


def judge_request(
    data: bytes, logs: Mapping[str, Vkey], stored: Mapping[str, Checkpoint]
) -> Answer:
    """Judge the bytes of a request; never raises for a "no".

    Args:
        data: the request.
        logs: for each origin the key of its log.
        stored: for each origin the head that the witness has; an unseen log is absent.
    """
    try:
        request = parse_request(data)
        origin = parse_checkpoint_foreign(request.note).checkpoint.origin
    except InputError as error:
        return Answer(outcome="malformed", detail=error.message)
    log = logs.get(origin)
    if log is None:
        return Answer(outcome="unknown-log", detail="the witness does not know this log")
    return judge(request, log, stored.get(origin))


def judge(request: Request, log: Vkey, stored: Checkpoint | None) -> Answer:
    """Judge a request of a known log; never raises for a "no".

    Args:
        request: as read.
        log: the log's key.
        stored: the head that the witness has, None for none.
    """
    try:
        signed = parse_checkpoint_foreign(request.note)
    except InputError as error:
        return Answer(outcome="malformed", detail=error.message)
    result = check_note(signed.note, [log])
    if not result.ok:
        return Answer(outcome="bad-signature", detail=result.detail)
    new = signed.checkpoint
    if stored is not None and stored.origin != new.origin:
        return Answer(outcome="unknown-log", detail="the stored head is that of another log")
    have = stored.size if stored is not None else 0
    if request.old_size > new.size:
        return Answer(outcome="malformed", detail="the old size is above that of the checkpoint")
    if request.old_size != have:
        return Answer(
            outcome="conflict",
            detail=f"the witness has size {have}, not {request.old_size}",
            stored_size=have,
        )
    old_root = stored.root if stored is not None else EMPTY_ROOT
    return _judge_step(Checkpoint(new.origin, have, old_root), new, request.proof)


def _judge_step(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> Answer:
    if new.size == 0 and new.root != EMPTY_ROOT:
        return Answer(outcome="bad-proof", detail="the root of an empty log is wrong")
    if old.size == new.size and old.root != new.root:
        return Answer(outcome="fork", detail="the log signed two roots for one size")
    if old.size in {0, new.size}:
        if proof:
            return Answer(outcome="bad-proof", detail="a consistency proof from here is empty")
    elif not verify_consistency(old.size, new.size, old.root, new.root, proof):
        return Answer(outcome="bad-proof", detail="the consistency proof does not verify")
    return Answer(outcome="ok", checkpoint=new)
