"""Inclusion and consistency proofs of RFC 6962 section 2.1 (checked as in RFC 9162 section 2.1).

A proof is a list of 32-byte hashes, the sibling nearest to the leaf first. Making a proof asks the
reader for O(log n) hashes. Checking never raises: anything malformed is `False`.
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.merkle.tree import Reader


def inclusion_proof(index: int, size: int, reader: Reader) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of the first `size` leaves.

    Raises:
        InputError: `index` is not below `size`, or the reader lacks a subtree.
    """
    need_size(index, "index")
    need_size(size, "size")
    if index >= size:
        raise InputError(f"leaf `{index}` is not in a tree of `{size}` leaves")
    start, stop = 0, size
    path = []
    while stop - start > 1:
        middle = start + split_point(stop - start)
        if index < middle:
            path.append(span_hash(middle, stop, reader))
            stop = middle
        else:
            path.append(span_hash(start, middle, reader))
            start = middle
    path.reverse()
    return path


def root_from_inclusion(
    index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes]
) -> bytes | None:
    """Return the root that an inclusion proof leads to, or None if the proof is malformed."""
    if not (is_size(index) and is_size(size) and index < size):
        return None
    if not (is_hash(leaf_hash) and are_hashes(proof)):
        return None
    node, last, total = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            total = node_hash(sibling, total)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            total = node_hash(total, sibling)
        node >>= 1
        last >>= 1
    return total if last == 0 else None


def verify_inclusion(
    index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether the leaf hash is leaf `index` of the tree with this size and root."""
    return is_hash(root) and root_from_inclusion(index, size, leaf_hash, proof) == root


def consistency_proof(old: int, new: int, reader: Reader) -> list[bytes]:
    """Return the proof that the first `old` of `new` leaves are unchanged (1 ≤ old ≤ new).

    Raises:
        InputError: the sizes are out of that order, or the reader lacks a subtree.
    """
    need_size(old, "old size")
    need_size(new, "new size")
    if not 1 <= old <= new:
        raise InputError(f"no consistency proof leads from size `{old}` to size `{new}`")
    start, stop = 0, new
    path = []
    while stop != old:
        middle = start + split_point(stop - start)
        if old <= middle:
            path.append(span_hash(middle, stop, reader))
            stop = middle
        else:
            path.append(span_hash(start, middle, reader))
            start = middle
    if start:
        path.append(span_hash(start, stop, reader))
    path.reverse()
    return path


def _roots_from_consistency(
    old: int, new: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Return both roots that a proof leads to (0 < old < new), or None if its length is wrong."""
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    path = [old_root, *proof] if node == 0 else list(proof)
    if not path:
        return None
    old_total = new_total = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old_total = node_hash(sibling, old_total)
            new_total = node_hash(sibling, new_total)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new_total = node_hash(new_total, sibling)
        node >>= 1
        last >>= 1
    return (old_total, new_total) if last == 0 else None


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the tree (new, new_root) extends the tree (old, old_root).

    A proof from size 0 says nothing and is `False`; equal sizes need equal roots and no proof.
    """
    if not (is_size(old) and is_size(new) and 1 <= old <= new):
        return False
    if old == new:  # nothing is hashed: the published vectors compare roots of any length here
        return are_hashes(proof) and not proof and type(old_root) is bytes and old_root == new_root
    if not (is_hash(old_root) and is_hash(new_root) and are_hashes(proof)):
        return False
    return _roots_from_consistency(old, new, old_root, proof) == (old_root, new_root)
