"""Comparing two heads, or two copies of a ledger: same, one behind the other, or a fork.

A fork is never a matter of opinion: two signed heads that cannot both be true are evidence against
the holder of the log key, and are returned as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evkit.core.text import escape
from evkit.merkle.proof import consistency_proof, verify_consistency
from evkit.merkle.tiles import reader_from_leaves
from evkit.merkle.tree import EMPTY_ROOT, root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.ledger.checkpoint import Checkpoint

Verdict = Literal["same", "a-behind", "b-behind", "fork", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the comparison shows.

    Attributes:
        verdict: `same`; `a-behind` (A is an earlier state of B); `b-behind`; `fork` (both cannot
            be true); `unknown` (it cannot be told from what is there).
        detail: one sentence.
        proof: the consistency proof that shows `a-behind` or `b-behind`, when one was made.
        first_difference: for logs, number of the first entry that differs; None otherwise.
    """

    verdict: Verdict
    detail: str
    proof: tuple[bytes, ...] = ()
    first_difference: int | None = None


def compare_heads(a: Checkpoint, b: Checkpoint, proof: Sequence[bytes] | None = None) -> Comparison:
    """Compare two heads of one log.

    Args:
        a: first head.
        b: second head.
        proof: a consistency proof between their sizes, smaller to larger; None without one. A proof
            that does not verify shows nothing: it may be wrong itself.
    """
    if a.origin != b.origin:
        return Comparison(
            verdict="unknown",
            detail=f"heads of two ledgers, `{escape(a.origin)}` and `{escape(b.origin)}`",
        )
    if a.size == b.size:
        if a.root == b.root:
            return Comparison(verdict="same", detail=f"both have size {a.size} and the same root")
        return Comparison(
            verdict="fork",
            detail=f"two roots for size {a.size}: {a.root.hex()} and {b.root.hex()}",
        )
    old, new = (a, b) if a.size < b.size else (b, a)
    behind: Verdict = "a-behind" if old is a else "b-behind"
    if old.size == 0:
        if old.root != EMPTY_ROOT:
            return Comparison(verdict="fork", detail="a head of size 0 has the root of no tree")
        return Comparison(verdict=behind, detail="one head is that of the empty ledger")
    if proof is None:
        return Comparison(
            verdict="unknown",
            detail=f"sizes {old.size} and {new.size}, and no proof between them",
        )
    if verify_consistency(old.size, new.size, old.root, new.root, proof):
        return Comparison(
            verdict=behind,
            detail=f"the ledger of size {new.size} begins with that of size {old.size}",
            proof=tuple(proof),
        )
    return Comparison(
        verdict="unknown",
        detail=f"the proof from size {old.size} to {new.size} does not verify",
    )


def compare_logs(a: Sequence[bytes], b: Sequence[bytes]) -> Comparison:
    """Compare two copies of a ledger by the leaf hashes of their entries.

    Args:
        a: leaf hashes of the first copy in order, 32 bytes each.
        b: those of the second copy.
    """
    shorter, longer = (a, b) if len(a) <= len(b) else (b, a)
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return Comparison(
                verdict="fork",
                detail=f"entry {index} differs; the {index} entries before it are the same",
                first_difference=index,
            )
    if len(a) == len(b):
        return Comparison(verdict="same", detail=f"all {len(a)} entries are the same")
    behind: Verdict = "a-behind" if shorter is a else "b-behind"
    proof: Sequence[bytes] = ()
    if len(shorter):
        proof = consistency_proof(len(shorter), len(longer), reader_from_leaves(longer))
    return Comparison(
        verdict=behind,
        detail=f"{len(longer) - len(shorter)} entries follow the {len(shorter)} of the shorter one",
        proof=tuple(proof),
    )


def compare_head_with_log(head: Checkpoint, leaves: Sequence[bytes], origin: str) -> Comparison:
    """Compare a head held outside (A) with a whole ledger (B).

    Args:
        head: the head.
        leaves: leaf hashes of the ledger in order.
        origin: origin of the ledger.
    """
    if head.origin != origin:
        return Comparison(
            verdict="unknown",
            detail=f"heads of two ledgers, `{escape(head.origin)}` and `{escape(origin)}`",
        )
    if head.size > len(leaves):
        return Comparison(
            verdict="b-behind",
            detail=f"the head names {head.size} entries, the ledger has {len(leaves)}: entries "
            "are missing, or the head is not of this ledger",
        )
    found = root(leaves[: head.size])
    if found != head.root:
        return Comparison(
            verdict="fork",
            detail=f"at size {head.size} the head has root {head.root.hex()}, "
            f"the ledger {found.hex()}",
        )
    if head.size == len(leaves):
        return Comparison(verdict="same", detail=f"the ledger is exactly at size {head.size}")
    return Comparison(
        verdict="a-behind",
        detail=f"{len(leaves) - head.size} entries follow the {head.size} that the head covers",
    )
