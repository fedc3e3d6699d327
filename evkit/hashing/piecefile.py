"""The pieces file: magic, version, size, root, nodes, own checksum (`docs/spec/pieces.md`)."""

from __future__ import annotations

import hashlib
import os
import struct
from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.core.ejson import MAX_INT
from evkit.core.errors import InputError
from evkit.core.limits import read_file
from evkit.core.text import escape_bytes
from evkit.hashing import pieces

if TYPE_CHECKING:
    from evkit.hashing.pieces import PieceTree

MAGIC = b"EVKPIECE"
VERSION = 1
# magic, version, node level, flags, block size, content size, node count, root; big-endian
_HEADER = struct.Struct(">8sHBBIQQ32s")
_WITH_BLOCKS = 1
MAX_BYTES = 1 << 30  # 1 MiB nodes of 32 TiB


def encode(tree: PieceTree) -> bytes:
    """Return the bytes of a pieces file."""
    flags = 0 if tree.block_nodes is None else _WITH_BLOCKS
    head = _HEADER.pack(
        MAGIC,
        VERSION,
        pieces.LEVEL,
        flags,
        pieces.BLOCK,
        tree.size,
        pieces.node_count(tree.size),
        tree.root,
    )
    body = head + tree.nodes + (tree.block_nodes or b"")
    return body + hashlib.sha256(body).digest()


def decode(data: bytes) -> PieceTree:
    """Read a pieces file strictly; every hash in it is checked against the root.

    Raises:
        InputError: anything that `encode` would not write.
    """
    if len(data) < _HEADER.size + pieces.HASH or data[:8] != MAGIC:
        raise InputError("not a pieces file")
    _, version, level, flags, block, size, count, root = _HEADER.unpack_from(data)
    if version != VERSION:
        raise InputError(f"pieces file of version {version}; this evkit reads {VERSION}")
    if level != pieces.LEVEL or block != pieces.BLOCK or flags & ~_WITH_BLOCKS:
        raise InputError("a pieces file with another block size, node level or flag")
    if size > MAX_INT or count != pieces.node_count(size):
        raise InputError("the number of nodes does not belong to the size")
    blocks = pieces.block_count(size) if flags else 0
    if len(data) != _HEADER.size + (count + blocks + 1) * pieces.HASH:
        raise InputError("the pieces file is cut short or has bytes after its end")
    if hashlib.sha256(data[: -pieces.HASH]).digest() != data[-pieces.HASH :]:
        raise InputError("the pieces file is damaged: its own checksum does not match")
    middle = _HEADER.size + count * pieces.HASH
    leaves = data[middle : -pieces.HASH] if flags else None
    tree = pieces.tree_from_nodes(size, data[_HEADER.size : middle], leaves)
    if tree.root != root:
        raise InputError("the nodes of the pieces file do not give its root")
    return tree


def write_pieces(path: str | bytes, tree: PieceTree, *, mode: int = 0o444) -> bytes:
    """Create the pieces file durably and return its bytes.

    Raises:
        RefusedError: the file exists.
        StorageError: the destination is full or fails.
    """
    data = encode(tree)
    durable.write_new(path, data, mode=mode)
    return data


def read_pieces(path: str | bytes, *, max_bytes: int = MAX_BYTES) -> PieceTree:
    """Read a pieces file of at most `max_bytes`.

    Raises:
        InputError: it cannot be read, is over the cap, or is not exactly what evkit writes.
    """
    try:
        return decode(read_file(path, max_bytes))
    except InputError as error:
        shown = escape_bytes(os.fsencode(path))
        because = error.__cause__ or error  # an OSError where the file cannot be read
        raise InputError(error.message, hint=error.hint, details={"file": shown}) from because
