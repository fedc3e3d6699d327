"""The piece tree: RFC 6962 over blocks of 16,384 bytes, with the size bound to the root.

A leaf is SHA-256(0x00 ‖ block), a node SHA-256(0x01 ‖ left ‖ right); the last block may be
shorter. Nodes of level 6 (64 blocks, 1 MiB) are kept, so that damage is located to the MiB; with
the leaves kept too, to the block. A root is never recorded without its size: two contents of
different length cannot then share one record. See `docs/spec/pieces.md`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.ejson import MAX_INT
from evkit.core.errors import InputError

if TYPE_CHECKING:
    import mmap
    from collections.abc import Mapping

    Buffer = bytes | bytearray | memoryview | mmap.mmap

ALGORITHM = "rfc6962-sha256-16384"
BLOCK = 16384
GROUP = 64
GROUP_BYTES = BLOCK * GROUP
LEVEL = 6
HASH = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256
_LEAF = _sha256(b"\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceTree:
    """A finished tree; `tree_from_nodes` makes one and computes the root.

    Attributes:
        size: length of the content in bytes.
        root: 32 bytes.
        nodes: 32 bytes for each MiB in order; the last may cover less.
        block_nodes: 32 bytes for each block, or None when not kept.
    """

    size: int
    root: bytes
    nodes: bytes
    block_nodes: bytes | None = None

    def fields(self) -> dict[str, str | int]:
        """Return what events and manifests record: algorithm, size and root together."""
        return {"algorithm": ALGORITHM, "size": self.size, "root": self.root.hex()}


class PieceHasher:
    """Builds the tree from a stream in order; parts of any length.

    Args:
        block_nodes: keep the hash of each block as well (0.2 % of the content).
    """

    def __init__(self, *, block_nodes: bool = False) -> None:
        self._size = 0
        self._nodes = bytearray()
        self._leaves: bytearray | None = bytearray() if block_nodes else None
        self._pending = bytearray()

    def update(self, data: Buffer) -> None:
        """Take the next bytes; whole MiBs are hashed where they lie."""
        view = memoryview(data).cast("B")
        self._size += len(view)
        if self._pending:
            take = min(GROUP_BYTES - len(self._pending), len(view))
            self._pending += view[:take]
            view = view[take:]
            if len(self._pending) < GROUP_BYTES:
                return
            self._nodes += hash_groups(self._pending, self._leaves)
            self._pending = bytearray()
        whole = len(view) - len(view) % GROUP_BYTES
        if whole:
            self._nodes += hash_groups(view[:whole], self._leaves)
        self._pending += view[whole:]

    def finish(self) -> PieceTree:
        """Return the tree of everything taken so far."""
        if self._pending:
            self._nodes += hash_groups(self._pending, self._leaves)
            self._pending = bytearray()
        leaves = None if self._leaves is None else bytes(self._leaves)
        return tree_from_nodes(self._size, bytes(self._nodes), leaves)


def group_node(data: Buffer, leaves: bytearray | None = None) -> bytes:
    """Return the node over at most 1 MiB that starts on a MiB; for use by several threads.

    Args:
        data: 1 to 1,048,576 bytes.
        leaves: the hash of each block is appended to it.
    """
    view = memoryview(data)
    hashes = []
    for start in range(0, len(view), BLOCK):
        leaf = _LEAF.copy()  # 8 % faster than putting the zero byte in front of each block
        leaf.update(view[start : start + BLOCK])
        hashes.append(leaf.digest())
    if leaves is not None:
        leaves += b"".join(hashes)
    return _fold(hashes)


def hash_groups(data: Buffer, leaves: bytearray | None = None) -> bytes:
    """Return the concatenated 1 MiB nodes of `data`, which starts on a MiB; the last may be short.

    Threads may call this for different parts of one content and join the results in order.
    """
    view = memoryview(data)
    return b"".join(
        group_node(view[start : start + GROUP_BYTES], leaves)
        for start in range(0, len(view), GROUP_BYTES)
    )


def tree_from_nodes(size: int, nodes: bytes, block_nodes: bytes | None = None) -> PieceTree:
    """Return the tree of `size` bytes with these 1 MiB nodes.

    Raises:
        InputError: the number of nodes does not belong to the size, or the block hashes do not
            give the nodes.
    """
    if not 0 <= size <= MAX_INT or len(nodes) != node_count(size) * HASH:
        raise InputError(f"{len(nodes)} bytes of nodes do not belong to {size} bytes of content")
    if block_nodes is not None:
        if len(block_nodes) != block_count(size) * HASH:
            raise InputError("the block hashes do not belong to the size")
        split = _split(block_nodes)
        folded = (_fold(split[start : start + GROUP]) for start in range(0, len(split), GROUP))
        if b"".join(folded) != nodes:
            raise InputError("the block hashes do not give the nodes")
    return PieceTree(size=size, root=_fold(_split(nodes)), nodes=nodes, block_nodes=block_nodes)


def node_count(size: int) -> int:
    """Return the number of 1 MiB nodes of `size` bytes."""
    return -(-size // GROUP_BYTES)


def block_count(size: int) -> int:
    """Return the number of blocks of `size` bytes."""
    return -(-size // BLOCK)


def read_fields(fields: Mapping[str, object]) -> tuple[int, bytes]:
    """Return (size, root) from recorded fields.

    Raises:
        InputError: another algorithm, or a field missing or malformed.
    """
    size, root = fields.get("size"), fields.get("root")
    if set(fields) != {"algorithm", "size", "root"} or fields["algorithm"] != ALGORITHM:
        raise InputError(f"a piece tree has exactly algorithm `{ALGORITHM}`, size and root")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MAX_INT:
        raise InputError("the size of a piece tree is not a length in bytes")
    if not isinstance(root, str) or len(root) != 2 * HASH or root.strip("0123456789abcdef"):
        raise InputError("the root of a piece tree is not 64 lower-case hex digits")
    return size, bytes.fromhex(root)


def locate(tree: PieceTree, other: PieceTree) -> list[tuple[int, int]]:
    """Return the ranges (offset, length) in which two contents differ, to the MiB.

    With block hashes on both sides the ranges are exact to the block of 16,384 bytes. A longer
    content differs from the end of the shorter one on. Neighbouring ranges are joined.
    """
    if tree.block_nodes is not None and other.block_nodes is not None:
        unit, left, right = BLOCK, tree.block_nodes, other.block_nodes
    else:
        unit, left, right = GROUP_BYTES, tree.nodes, other.nodes
    end = max(tree.size, other.size)
    ranges: list[tuple[int, int]] = []
    for number in range(-(-end // unit)):
        part = slice(number * HASH, (number + 1) * HASH)
        if left[part] == right[part]:
            continue
        start = number * unit
        length = min(unit, end - start)
        if ranges and sum(ranges[-1]) == start:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + length)
        else:
            ranges.append((start, length))
    return ranges


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[start : start + HASH] for start in range(0, len(hashes), HASH)]


def _fold(level: list[bytes]) -> bytes:
    """Return the RFC 6962 root over hashes of complete subtrees of one level (the last may not be).

    An odd last hash moves up unchanged, which gives the tree of RFC 6962 section 2.1.
    """
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = iter(level)
        level = [
            _sha256(b"\1" + left + right).digest()
            for left, right in zip(pairs, pairs, strict=False)
        ]
        level += odd
    return level[0]
