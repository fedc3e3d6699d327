"""Range proofs: that runs of leaves [start, stop) lie in a tree, with one proof for all of them.

The proof holds the hash of every largest subtree outside the ranges, from left to right: at most
two for each level of the tree and each range. It is not in RFC 6962; see `docs/spec/merkle.md`.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.merkle.tree import (
    Frontier,
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

Range = tuple[int, int]
_LEVEL = 10
_FOLDED = 1 << _LEVEL  # leaf hashes that are folded at once


def are_ranges(ranges: Sequence[Range], size: int) -> bool:
    """Tell whether these are ranges (start, stop) of `size` leaves: at least one, none empty.

    They stand in order with a leaf between neighbours, so that one set of leaves has one spelling.
    """
    if not is_size(size) or not ranges:
        return False
    before = -1
    for start, stop in ranges:
        if not (is_size(start) and is_size(stop) and before < start < stop <= size):
            return False
        before = stop
    return True


def outside(ranges: Sequence[Range], size: int) -> list[Range]:
    """Return the largest subtrees of a tree of `size` leaves outside the ranges, in order."""
    stops = [stop for _, stop in ranges]
    found = []
    waiting = [(0, size)]
    while waiting:
        low, high = waiting.pop()
        at = bisect.bisect_right(stops, low)
        if at == len(ranges) or high <= ranges[at][0]:
            found.append((low, high))
        elif not (ranges[at][0] <= low and high <= ranges[at][1]):
            middle = low + split_point(high - low)
            waiting.append((middle, high))
            waiting.append((low, middle))
    return found


def ranges_proof(ranges: Sequence[Range], size: int, reader: Reader) -> list[bytes]:
    """Return the proof for the leaves of all ranges among the first `size` leaves.

    Raises:
        InputError: they are not ranges of the tree in order, or the reader lacks a subtree.
    """
    _need_ranges(ranges, size)
    return [span_hash(low, high, reader) for low, high in outside(ranges, size)]


def root_from_ranges(
    ranges: Sequence[Range], size: int, leaf_hashes: Sequence[bytes], proof: Sequence[bytes]
) -> bytes | None:
    """Return the root that a proof for several ranges leads to, or None if anything is malformed.

    Args:
        ranges: as `are_ranges` accepts them.
        size: number of leaves of the tree.
        leaf_hashes: of all ranges, one after the other.
        proof: as from `ranges_proof`.
    """
    if not are_ranges(ranges, size) or not (are_hashes(leaf_hashes) and are_hashes(proof)):
        return None
    if len(leaf_hashes) != sum(stop - start for start, stop in ranges):
        return None
    spans = outside(ranges, size)
    if len(spans) != len(proof):
        return None
    return _Walk(ranges, leaf_hashes, proof).total(0, size)


def range_proof(start: int, stop: int, size: int, reader: Reader) -> list[bytes]:
    """Return the proof for leaves [start, stop) of the first `size` leaves.

    Raises:
        InputError: the range is empty or not in the tree, or the reader lacks a subtree.
    """
    return ranges_proof([(start, stop)], size, reader)


def root_from_range(
    start: int, stop: int, size: int, leaf_hashes: Sequence[bytes], proof: Sequence[bytes]
) -> bytes | None:
    """Return the root that a range proof leads to, or None if anything is malformed."""
    return root_from_ranges([(start, stop)], size, leaf_hashes, proof)


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


class SpanHashes:
    """Makes the proof while the leaf hashes of a tree pass in order; keeps O(log n) of them.

    Args:
        ranges: as `are_ranges` accepts them.
        size: number of leaves that will pass.

    Raises:
        InputError: the ranges are not in the tree in order.
    """

    def __init__(self, ranges: Sequence[Range], size: int) -> None:
        _need_ranges(ranges, size)
        self._spans = outside(ranges, size)
        self._size = size
        self._at = 0
        self._frontier = Frontier()
        self._pending: list[bytes] = []
        self._done: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Take the next leaf hash."""
        if len(self._done) < len(self._spans):
            low, high = self._spans[len(self._done)]
            if self._at >= low:
                self._pending.append(leaf)
                if len(self._pending) == _FOLDED:
                    self._frontier.append_subtree(_LEVEL, root_of(self._pending))
                    self._pending = []
                if self._at + 1 == high:
                    self._finish()
        self._at += 1

    def _finish(self) -> None:
        for leaf in self._pending:
            self._frontier.append(leaf)
        self._done.append(self._frontier.root())
        self._frontier, self._pending = Frontier(), []

    def proof(self) -> list[bytes]:
        """Return the proof.

        Raises:
            InputError: fewer or more leaves passed than the tree has.
        """
        if self._at != self._size:
            raise InputError(f"{self._at} leaves passed, the tree has {self._size}")
        return self._done


def _need_ranges(ranges: Sequence[Range], size: int) -> None:
    need_size(size, "size")
    if not are_ranges(ranges, size):
        shown = ", ".join(f"`{start}` to `{stop}`" for start, stop in list(ranges)[:3])
        raise InputError(f"leaves {shown or 'of no range'} are not in a tree of `{size}` leaves")


class _Walk:
    """Adds up a tree from the leaves of its ranges and the proof for the rest."""

    def __init__(
        self, ranges: Sequence[Range], leaf_hashes: Sequence[bytes], proof: Sequence[bytes]
    ) -> None:
        self._ranges = ranges
        self._stops = [stop for _, stop in ranges]
        self._firsts = [0]
        for start, stop in ranges:
            self._firsts.append(self._firsts[-1] + stop - start)
        self._leaf_hashes = leaf_hashes
        self._proof = iter(proof)

    def total(self, low: int, high: int) -> bytes:
        """Return the hash of leaves [low, high)."""
        at = bisect.bisect_right(self._stops, low)
        if at == len(self._ranges) or high <= self._ranges[at][0]:
            return next(self._proof)
        start, stop = self._ranges[at]
        if start <= low and high <= stop:
            first = self._firsts[at] + low - start
            return root_of(self._leaf_hashes[first : first + high - low])
        middle = low + split_point(high - low)
        return node_hash(self.total(low, middle), self.total(middle, high))
