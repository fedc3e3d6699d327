"""Proofs that travel: `.tlog-proof` files (C2SP tlog-proof), an inclusion proof and a checkpoint.

Own form: no `extra` line, an own checkpoint. See `docs/spec/tlog-proof.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64
from evkit.ledger.checkpoint import MAX_SIZE, parse_checkpoint_foreign, parse_checkpoint_own
from evkit.merkle.proof import verify_inclusion

if TYPE_CHECKING:
    from evkit.identity.ed25519 import Vkey
    from evkit.ledger.checkpoint import Checkpoint

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 1 << 20
MAX_HASHES = 63
_MAX_LINE = 65_536
_HASH_SIZE = 32
_INDEX = re.compile("index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof file: leaf index, hashes from the leaf up, the checkpoint's note, extra bytes."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class ProofResult:
    """What was found about a proof.

    Attributes:
        ok: the log's key signed the checkpoint and the leaf is in it.
        detail: why not; empty when ok.
        checkpoint: the head in the proof, None when it cannot be read.
    """

    ok: bool
    detail: str
    checkpoint: Checkpoint | None


def encode_proof(proof: TlogProof) -> bytes:
    """Return the bytes of a proof file.

    Raises:
        InputError: a hash is not 32 bytes, or there are too many.
    """
    _check(proof)
    extra = "" if proof.extra is None else f"extra {b64(proof.extra)}\n"
    hashes = "".join(f"{b64(entry)}\n" for entry in proof.hashes)
    return f"{HEADER}\n{extra}index {proof.index}\n{hashes}\n".encode() + proof.note


def parse_proof_own(data: bytes) -> TlogProof:
    """Read a proof file that evkit wrote; `encode_proof(parse_proof_own(data)) == data`.

    Raises:
        InputError: anything that evkit would not write.
    """
    proof = parse_proof_foreign(data)
    if proof.extra is not None:
        raise InputError("the proof has an `extra` line")
    head = parse_checkpoint_own(proof.note, cosigned=True).checkpoint
    if proof.index >= head.size:
        raise InputError(f"index `{proof.index}` is not in a tree of `{head.size}`")
    return proof


def parse_proof_foreign(data: bytes) -> TlogProof:
    """Read a proof file by the rules of C2SP; the checkpoint stays bytes.

    Raises:
        InputError: it is malformed or over its size limits.
    """
    if len(data) > MAX_PROOF:
        raise InputError(f"a proof of {len(data)} bytes is over the limit of {MAX_PROOF}")
    top, separator, note = data.partition(b"\n\n")
    if not separator or not note:
        raise InputError("the proof has no checkpoint")
    try:
        lines = top.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InputError("the proof is not ASCII text above its checkpoint") from error
    if any(len(line) > _MAX_LINE for line in lines):
        raise InputError("a line of the proof is too long")
    if lines.pop(0) != HEADER:
        raise InputError(f"the proof does not begin with `{HEADER}`")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = unb64(lines.pop(0).removeprefix("extra "))
    match = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if match is None:
        raise InputError("the proof has no index line, or its number is not plain decimal")
    proof = TlogProof(int(match[1]), tuple(unb64(line) for line in lines), note, extra)
    _check(proof)
    return proof


def verify_proof(
    proof: TlogProof, leaf_hash: bytes, log: Vkey, *, origin: str | None = None
) -> ProofResult:
    """Check origin, log signature and inclusion; never raises for a "no".

    Args:
        proof: as read.
        leaf_hash: RFC 6962 leaf hash of the entry.
        log: the log's key, from a source that the verifier trusts.
        origin: the origin expected; None for the name of the key.
    """
    try:
        signed = parse_checkpoint_foreign(proof.note)
    except InputError as error:
        return ProofResult(ok=False, detail=error.message, checkpoint=None)
    head = signed.checkpoint
    if not signed.verify(log, origin):
        detail = "the checkpoint is not one of this log, signed by its key"
    elif not verify_inclusion(proof.index, head.size, leaf_hash, proof.hashes, head.root):
        detail = "the entry is not at this index of the tree that the checkpoint names"
    else:
        detail = ""
    return ProofResult(ok=not detail, detail=detail, checkpoint=head)


def _check(proof: TlogProof) -> None:
    if len(proof.hashes) > MAX_HASHES or not 0 <= proof.index <= MAX_SIZE:
        raise InputError("the proof has too many hashes, or an index out of range")
    if any(len(entry) != _HASH_SIZE for entry in proof.hashes):
        raise InputError("a hash of the proof does not have 32 bytes")
