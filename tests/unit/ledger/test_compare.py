"""Comparing heads and logs."""

from __future__ import annotations

from signers import ORIGIN

from evkit.ledger.checkpoint import Checkpoint
from evkit.ledger.compare import compare_head_with_log, compare_heads, compare_logs
from evkit.merkle.proof import consistency_proof, verify_consistency
from evkit.merkle.tiles import reader_from_leaves
from evkit.merkle.tree import EMPTY_ROOT, leaf_hash, root

LEAVES = [leaf_hash(b"%d" % number) for number in range(9)]
FORKED = [*LEAVES[:4], leaf_hash(b"other"), *LEAVES[5:]]


def _head(leaves, size):
    return Checkpoint(ORIGIN, size, root(leaves[:size]))


def test_heads():
    four, nine = _head(LEAVES, 4), _head(LEAVES, 9)
    proof = consistency_proof(4, 9, reader_from_leaves(LEAVES))
    assert compare_heads(nine, nine).verdict == "same"
    assert compare_heads(four, nine, proof).verdict == "a-behind"
    assert compare_heads(nine, four, proof).verdict == "b-behind"
    assert compare_heads(four, nine).verdict == "unknown"
    assert compare_heads(four, nine, []).verdict == "unknown"
    assert compare_heads(four, nine._replace(origin="x"), proof).verdict == "unknown"
    fork = compare_heads(nine, _head(FORKED, 9))
    assert fork.verdict == "fork"
    assert nine.root.hex() in fork.detail
    assert root(FORKED).hex() in fork.detail


def test_empty_heads():
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert compare_heads(empty, _head(LEAVES, 3)).verdict == "a-behind"
    assert compare_heads(_head(LEAVES, 3), empty).verdict == "b-behind"
    assert compare_heads(empty._replace(root=b"\x01" * 32), _head(LEAVES, 3)).verdict == "fork"


def test_logs():
    assert compare_logs(LEAVES, list(LEAVES)).verdict == "same"
    assert compare_logs([], []).verdict == "same"
    short = compare_logs(LEAVES[:5], LEAVES)
    assert short.verdict == "a-behind"
    assert verify_consistency(5, 9, root(LEAVES[:5]), root(LEAVES), short.proof)
    assert compare_logs(LEAVES, LEAVES[:5]).verdict == "b-behind"
    assert compare_logs([], LEAVES).verdict == "a-behind"
    fork = compare_logs(LEAVES, FORKED)
    assert (fork.verdict, fork.first_difference) == ("fork", 4)
    assert compare_logs(FORKED[:6], LEAVES).verdict == "fork"


def test_head_with_log():
    for size in range(10):
        expected = "same" if size == 9 else "a-behind"
        assert compare_head_with_log(_head(LEAVES, size), LEAVES, ORIGIN).verdict == expected
    assert compare_head_with_log(_head(FORKED, 9), LEAVES, ORIGIN).verdict == "fork"
    assert compare_head_with_log(_head(FORKED, 4), LEAVES, ORIGIN).verdict == "a-behind"
    assert compare_head_with_log(_head(LEAVES, 9), LEAVES[:8], ORIGIN).verdict == "b-behind"
    assert compare_head_with_log(_head(LEAVES, 9), LEAVES, "x").verdict == "unknown"
