"""`evkit ledger compare A B`: do two states of a ledger belong to one history?

A side is a station, an exported ledger, a checkpoint or a file that holds one, a memo, or a head
written `SIZE:ROOT`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.station import parse_head
from evkit.core import durable
from evkit.core.errors import ExitCode, InputError, UndecidedError, UsageError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes
from evkit.ledger.checkpoint import Checkpoint, SignedCheckpoint, parse_checkpoint_foreign
from evkit.ledger.compare import Comparison, compare_head_with_log, compare_heads, compare_logs
from evkit.manifest import memo as memos
from evkit.merkle import tiles
from evkit.merkle.tree import root
from evkit.station import layout
from evkit.station.export import CHECKPOINT

if TYPE_CHECKING:
    from evkit.identity.ed25519 import Vkey

_MAX_TILE = 1 << 16
_MAX_LEAVES = 1 << 24
_SIDES = (
    "name a station, an exported ledger, a checkpoint or a memo, "
    "or give the text of a memo in quotes, or SIZE:ROOT"
)
_WORDS = {
    "same": "the same history",
    "a-behind": "one history: A is an earlier state of B",
    "b-behind": "one history: B is an earlier state of A",
    "fork": "TWO HISTORIES under one name",
    "unknown": "cannot be told",
}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison.

    Attributes:
        label: as the user named it, escaped.
        size, root: its head.
        origin: name of the ledger; None when the side does not say.
        origin_check: check value of the origin in a typed memo; None otherwise.
        leaves: all leaf hashes, when the side has them.
        signed: the signed checkpoint, when the side has one.
        log: the log key that a station's root certified; None elsewhere.
    """

    label: str
    size: int
    root: bytes
    origin: str | None = None
    origin_check: int | None = None
    leaves: tuple[bytes, ...] | None = None
    signed: SignedCheckpoint | None = None
    log: Vkey | None = None

    def fits(self, other: Side) -> bool:
        """Say whether both can be of one ledger, as far as they tell."""
        if None not in {self.origin, other.origin}:
            return self.origin == other.origin
        for one, two in ((self, other), (other, self)):
            if one.origin_check is not None and two.origin is not None:
                return one.origin_check == memos.origin_check(two.origin)
        return True


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The result; `evidence` is the file with both signed checkpoints of a fork."""

    a: Side
    b: Side
    comparison: Comparison
    proven: bool
    evidence: bytes | None = None

    @property
    def exit_code(self) -> int:
        """0 one history, 4 a fork, 5 cannot be told."""
        if self.comparison.verdict == "fork":
            return int(ExitCode.FAILED_CHECK)
        return int(ExitCode.OK if self.proven else ExitCode.UNDECIDED)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/ledger-comparison/1",
            "verdict": self.comparison.verdict if self._told() else "unknown",
            "detail": self.comparison.detail,
            "first_difference": self.comparison.first_difference,
            "a": _side(self.a),
            "b": _side(self.b),
            "evidence": escape_bytes(self.evidence) if self.evidence else None,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        verdict = self.comparison.verdict if self._told() else "unknown"
        lines = [_WORDS[verdict], f"  {self.comparison.detail}"]
        lines += [
            f"  {name}  {side.size}:{side.root.hex()}  {side.label}"
            for name, side in (("A", self.a), ("B", self.b))
        ]
        if verdict == "fork":
            lines.append(_proof_of_fork(self.a, self.b))
        if self.evidence:
            lines.append(f"  both signed checkpoints: `{escape_bytes(self.evidence)}`")
        return lines

    def _told(self) -> bool:
        return self.proven or self.comparison.verdict == "fork"


def compare(first: str, second: str, evidence: bytes | None) -> Compared:
    """Compare two sides.

    Args:
        first: a path, the text of a memo or a head.
        second: the same.
        evidence: file for both signed checkpoints when they contradict each other.

    Raises:
        InputError: a side cannot be read.
        UndecidedError: a memo was copied wrongly.
        RefusedError: the evidence file exists.
    """
    a, b = read_side(first), read_side(second)
    comparison = _compare(a, b)
    # a head of more entries than the other side holds shows nothing about those that are missing
    whole = a.leaves is not None and b.leaves is not None
    ahead = a if a.size >= b.size else b
    proven = comparison.verdict != "unknown" and (
        whole or a.size == b.size or ahead.leaves is not None
    )
    if evidence is not None and comparison.verdict == "fork" and a.signed and b.signed:
        durable.write_new(evidence, a.signed.encode() + b"\n-----\n\n" + b.signed.encode())
    else:
        evidence = None
    return Compared(a=a, b=b, comparison=comparison, proven=proven, evidence=evidence)


def _compare(a: Side, b: Side) -> Comparison:
    if not a.fits(b):
        return Comparison(verdict="unknown", detail="they are of two ledgers with different names")
    origin = a.origin or b.origin or "?"
    if a.leaves is not None and b.leaves is not None:
        return compare_logs(a.leaves, b.leaves)
    first, second = (Checkpoint(origin, side.size, side.root) for side in (a, b))
    if b.leaves is not None:
        return compare_head_with_log(first, b.leaves, origin)
    if a.leaves is not None:
        return _turned(compare_head_with_log(second, a.leaves, origin))
    return compare_heads(first, second)


def _turned(found: Comparison) -> Comparison:
    """Return a comparison of (B, A) as one of (A, B)."""
    swapped = {"a-behind": "b-behind", "b-behind": "a-behind"}
    verdict: Any = swapped.get(found.verdict, found.verdict)
    return Comparison(
        verdict=verdict,
        detail=found.detail,
        proof=found.proof,
        first_difference=found.first_difference,
    )


def read_side(text: str) -> Side:
    """Read one side of a comparison.

    Raises:
        InputError: the file is none of the kinds that can be compared.
        UndecidedError: a memo was copied wrongly.
    """
    if os.path.isfile(os.path.join(text, os.fsdecode(layout.CONFIG))):
        return _station(text)
    if os.path.isdir(text):
        return _exported(text)
    if os.path.isfile(text):
        return _file(text)
    try:
        size, found = parse_head(text)
    except UsageError:
        if len(text.split()) == 1:
            raise InputError(f"no file or folder `{escape(text)}`", hint=_SIDES) from None
        return _memo(text, "memo")
    return Side(label="head as given", size=size, root=found)


def _station(path: str) -> Side:
    from evkit.station import Station

    with Station.open(path) as station:
        head = station.signed_head()
        return Side(
            label=f"station `{escape(path)}`",
            size=head.size,
            root=head.root,
            origin=station.origin,
            leaves=tuple(station.leaf_hashes(head.size)),
            signed=parse_checkpoint_foreign(head.note or b""),
            log=station.trust.statement().vkey(),
        )


def _exported(path: str) -> Side:
    """Read an exported ledger: its tiles must give the root of its checkpoint."""
    name = os.path.join(path, os.fsdecode(CHECKPOINT))
    if not os.path.lexists(name):
        raise InputError(f"`{escape(path)}` is no station and no exported ledger", hint=_SIDES)
    signed = parse_checkpoint_foreign(read_file(name))
    size = signed.checkpoint.size
    if size > _MAX_LEAVES:
        raise InputError(f"a ledger of {size} entries is over the limit of {_MAX_LEAVES}")
    found = tiles.read_hash_tiles(size, lambda name: read_file(os.path.join(path, name), _MAX_TILE))
    leaves = found.reader.leaves()
    if root(leaves) != signed.checkpoint.root:
        raise InputError(f"the tiles in `{escape(path)}` do not give the root of its checkpoint")
    return Side(
        label=f"export `{escape(path)}`",
        size=size,
        root=signed.checkpoint.root,
        origin=signed.checkpoint.origin,
        leaves=leaves,
        signed=signed,
    )


def _file(path: str) -> Side:
    """Read a checkpoint, a proof with a checkpoint, or the text of a memo."""
    from evkit.ledger.tlog_proof import HEADER, parse_proof_foreign

    data = read_file(path)
    if data.startswith(HEADER.encode()):
        data = parse_proof_foreign(data).note
    try:
        signed = parse_checkpoint_foreign(data)
    except InputError:
        return _memo(data.decode("utf-8", "replace"), f"memo `{escape(path)}`")
    head = signed.checkpoint
    return Side(
        label=f"checkpoint `{escape(path)}`",
        size=head.size,
        root=head.root,
        origin=head.origin,
        signed=signed,
    )


def _memo(text: str, label: str) -> Side:
    reading = memos.parse(text)
    if reading.head is None:
        slips = "; ".join(slip.text for slip in reading.slips)
        if memos.TAG in text.lower() or len(reading.slips) > 0:
            raise UndecidedError(
                f"{label} cannot be read: {slips or 'no groups found'}",
                hint="compare the group with the paper and type it again",
            )
        raise InputError(f"{label} is no ledger, checkpoint, memo or head")
    head = reading.head
    return Side(
        label=label,
        size=head.size,
        root=head.root,
        origin=head.origin,
        origin_check=head.origin_check,
    )


def _proof_of_fork(a: Side, b: Side) -> str:
    """Say whether both sides carry a signature of the certified log key."""
    log = a.log or b.log
    if log is None:
        return "  no station is among them: whose key signed was not checked"
    for side in (a, b):
        if side.signed is None or not side.signed.verify(log):
            return f"  {side.label} is not signed by the log key: copied wrongly, or made up"
    return "  both are signed by the log key: whoever holds it has told two stories"


def _side(side: Side) -> dict[str, Any]:
    return {
        "what": side.label,
        "origin": side.origin,
        "size": side.size,
        "root": side.root.hex(),
        "checkpoint": side.signed.encode().decode("utf-8") if side.signed else None,
    }
