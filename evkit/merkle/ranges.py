"""Range proofs: that a run of leaves [start, stop) lies in a tree, with one proof for all of them.

The proof holds the hash of every largest subtree outside the range, from left to right: at most two
for each level of the tree. It is not in RFC 6962; see `docs/spec/merkle.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.merkle.tree import (
    are_hashes,
    is_hash,
    is_size,
    need_size,
    node_hash,
    span_hash,
    split_point,
)
from evkit.merkle.tree import root as root_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.merkle.tree import Reader


def _outside(start: int, stop: int, size: int) -> list[tuple[int, int]]:
    """Return the largest subtrees of a tree of `size` leaves outside [start, stop), in order."""
    found = []
    waiting = [(0, size)]
    while waiting:
        low, high = waiting.pop()
        if start <= low and high <= stop:
            continue
        if high <= start or stop <= low:
            found.append((low, high))
            continue
        middle = low + split_point(high - low)
        waiting.append((middle, high))
        waiting.append((low, middle))
    return found


def range_proof(start: int, stop: int, size: int, reader: Reader) -> list[bytes]:
    """Return the proof for leaves [start, stop) of the first `size` leaves.

    Raises:
        InputError: the range is empty or not in the tree, or the reader lacks a subtree.
    """
    need_size(start, "start")
    need_size(stop, "stop")
    need_size(size, "size")
    if not start < stop <= size:
        raise InputError(f"leaves `{start}` to `{stop}` are not in a tree of `{size}` leaves")
    return [span_hash(low, high, reader) for low, high in _outside(start, stop, size)]


def root_from_range(
    start: int, stop: int, size: int, leaf_hashes: Sequence[bytes], proof: Sequence[bytes]
) -> bytes | None:
    """Return the root that a range proof leads to, or None if anything is malformed."""
    if not (is_size(start) and is_size(stop) and is_size(size) and start < stop <= size):
        return None
    if not (are_hashes(leaf_hashes) and are_hashes(proof) and len(leaf_hashes) == stop - start):
        return None
    spans = _outside(start, stop, size)
    if len(spans) != len(proof):
        return None
    given = dict(zip(spans, proof, strict=True))

    def total(low: int, high: int) -> bytes:
        if (low, high) in given:
            return given[low, high]
        if start <= low and high <= stop:
            return root_of(leaf_hashes[low - start : high - start])
        middle = low + split_point(high - low)
        return node_hash(total(low, middle), total(middle, high))

    return total(0, size)


def verify_range(
    start: int,
    stop: int,
    size: int,
    leaf_hashes: Sequence[bytes],
    proof: Sequence[bytes],
    root: bytes,
) -> bool:
    """Tell whether the leaf hashes are leaves [start, stop) of the tree with this size and root."""
    return is_hash(root) and root_from_range(start, stop, size, leaf_hashes, proof) == root
