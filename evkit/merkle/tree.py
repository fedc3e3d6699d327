"""The Merkle tree hash of RFC 6962 section 2.1 with SHA-256: leaves, nodes, roots, subtrees.

A hash is always `bytes` of length 32. A *complete subtree* `(level, index)` covers the leaves
`index * 2**level` up to `(index + 1) * 2**level`, all of which exist.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, TypeGuard

from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_SIZE = 32
MAX_SIZE = 2**63 - 1  # the largest tree size of C2SP tlog-tiles
EMPTY_ROOT = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256


class Reader(Protocol):
    """Gives the hash of the complete subtree `(level, index)`; level 0 is the leaf hashes."""

    def __call__(self, level: int, index: int, /) -> bytes:
        """Return 32 bytes, or raise `InputError` when that subtree is not complete."""
        ...


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ data), the hash of one entry."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), the hash of two 32-byte child hashes."""
    return _sha256(b"\x01" + left + right).digest()


def is_size(value: object) -> TypeGuard[int]:
    """Tell whether the value is an `int` (not a `bool`) from 0 to 2**63 - 1."""
    return type(value) is int and 0 <= value <= MAX_SIZE


def is_hash(value: object) -> TypeGuard[bytes]:
    """Tell whether the value is `bytes` of length 32."""
    return type(value) is bytes and len(value) == HASH_SIZE


def are_hashes(values: object) -> TypeGuard[Sequence[bytes]]:
    """Tell whether the value is a list or tuple of 32-byte hashes."""
    return isinstance(values, list | tuple) and all(map(is_hash, values))


def need_size(value: object, name: str) -> int:
    """Return the value if `is_size`, else raise `InputError` that names it."""
    if not is_size(value):
        raise InputError(f"{name} `{value!r}` is not an integer from 0 to 2**63 - 1")
    return value


def need_hash(value: object, name: str = "hash") -> bytes:
    """Return the value if `is_hash`, else raise `InputError` that names it."""
    if not is_hash(value):
        raise InputError(f"{name} is not {HASH_SIZE} bytes")
    return value


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the parents of neighbouring pairs; an odd last hash has no parent here."""
    pairs = iter(hashes)
    return [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes (RFC 6962 MTH); `EMPTY_ROOT` when there are none.

    Raises:
        InputError: an item is not 32 bytes.
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    for item in leaf_hashes:
        need_hash(item, "leaf hash")
    level = list(leaf_hashes)
    while len(level) > 1:
        parents = pair_up(level)
        if len(level) % 2:
            parents.append(level[-1])
        level = parents
    return level[0]


class Frontier:
    """The right edge of a growing tree: O(log n) memory, a root at any moment."""

    def __init__(self) -> None:
        self._size = 0
        self._hashes: list[bytes] = []

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The complete subtrees of the edge from left to right, one for each set bit of `size`."""
        return tuple(self._hashes)

    @classmethod
    def restore(cls, size: int, hashes: Sequence[bytes]) -> Frontier:
        """Make the frontier of `size` leaves from what `hashes` gave.

        Raises:
            InputError: the number of hashes is not that of the set bits of `size`.
        """
        need_size(size, "size")
        if len(hashes) != size.bit_count():
            raise InputError(
                f"a tree of `{size}` leaves has {size.bit_count()} edge hashes, not {len(hashes)}"
            )
        made = cls()
        made._size = size
        made._hashes = [need_hash(item, "edge hash") for item in hashes]
        return made

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.append_subtree(0, leaf)

    def append_subtree(self, level: int, subtree: bytes) -> None:
        """Add a complete subtree of 2**level leaves.

        Raises:
            InputError: the present size is not a multiple of 2**level, the hash is not 32 bytes,
                or the tree would grow over 2**63 - 1 leaves.
        """
        need_hash(subtree, "subtree hash")
        if type(level) is not int or not 0 <= level < MAX_SIZE.bit_length():
            raise InputError(f"level `{level!r}` is not an integer from 0 to 62")
        count = 1 << level
        if self._size & (count - 1):
            raise InputError(f"size `{self._size}` is not a multiple of `{count}`")
        need_size(self._size + count, "size")
        position = self._size >> level
        while position & 1:
            subtree = node_hash(self._hashes.pop(), subtree)
            position >>= 1
        self._hashes.append(subtree)
        self._size += count

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add many leaf hashes; the same as `append` for each, in less than half the time.

        Raises:
            InputError: an item is not 32 bytes, or the tree would grow over 2**63 - 1 leaves.
        """
        if not are_hashes(leaves):
            raise InputError(f"a leaf hash is not {HASH_SIZE} bytes")
        need_size(self._size + len(leaves), "size")
        level, place, edge = list(leaves), self._size, self._hashes
        kept: list[bytes] = []
        while level:
            if place & 1:
                level.insert(0, edge.pop())
            if len(level) & 1:
                kept.append(level.pop())
            level = pair_up(level)
            place >>= 1
        edge.extend(reversed(kept))
        self._size += len(leaves)

    def root(self) -> bytes:
        """Return the root of all leaves added so far."""
        if not self._hashes:
            return EMPTY_ROOT
        total = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            total = node_hash(left, total)
        return total


class Subtrees:
    """All complete subtrees of a list of leaf hashes, in memory; usable as a `Reader`.

    Takes about 2 n hashes. Building costs n node hashes, each lookup nothing.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        """Build all levels; raises `InputError` for a hash that is not 32 bytes."""
        level = [need_hash(item, "leaf hash") for item in leaf_hashes]
        self._levels = [level]
        while len(level) > 1:
            level = pair_up(level)
            self._levels.append(level)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0])

    def leaves(self) -> tuple[bytes, ...]:
        """Return all leaf hashes."""
        return tuple(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash and the subtrees that it completes."""
        self._levels[0].append(need_hash(leaf, "leaf hash"))
        above = 1
        while len(self._levels[above - 1]) % 2 == 0:
            if above == len(self._levels):
                self._levels.append([])
            self._levels[above].append(node_hash(*self._levels[above - 1][-2:]))
            above += 1

    def __call__(self, level: int, index: int, /) -> bytes:
        """Return the hash of a complete subtree; `InputError` when the leaves do not reach it."""
        if (
            level < 0
            or index < 0
            or level >= len(self._levels)
            or index >= len(self._levels[level])
        ):
            raise InputError(f"no complete subtree `{level}`, `{index}` in {self.size} leaves")
        return self._levels[level][index]


def span_hash(start: int, stop: int, reader: Reader) -> bytes:
    """Return the hash of leaves [start, stop), a subtree as RFC 6962 cuts trees.

    `start` must be a multiple of the smallest power of two not below `stop - start`; this holds
    for every subtree that a proof meets. Reads at most one hash per level.

    Raises:
        InputError: the range is empty or `start` is not aligned.
    """
    need_size(start, "start")
    need_size(stop, "stop")
    count = stop - start
    if count <= 0 or start & ((1 << (count - 1).bit_length()) - 1):
        raise InputError(f"leaves `{start}` to `{stop}` are not a subtree")
    edge = []
    for level in range(count.bit_length() - 1, -1, -1):
        if count >> level & 1:
            edge.append(need_hash(reader(level, start >> level), "stored subtree hash"))
            start += 1 << level
    total = edge.pop()
    while edge:
        total = node_hash(edge.pop(), total)
    return total


def root_from_reader(size: int, reader: Reader) -> bytes:
    """Return the root of the first `size` leaves with at most 63 reads."""
    if need_size(size, "size") == 0:
        return EMPTY_ROOT
    return span_hash(0, size, reader)


def split_point(count: int) -> int:
    """Return the largest power of two below `count` (`count` ≥ 2): where RFC 6962 cuts a tree."""
    return 1 << ((count - 1).bit_length() - 1)
