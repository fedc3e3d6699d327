"""Changing APFS containers for tests: fields are overwritten and checksums made again."""

from __future__ import annotations

import struct

from evkit.inventory.foreign.apfsobjects import checksum

BLOCK = 4096


def blocks(data: bytes, mark: bytes) -> list[int]:
    """Return the offsets of the whole objects that have `mark` at byte 32."""
    return [
        at
        for at in range(0, len(data) - BLOCK + 1, BLOCK)
        if data[at + 32 : at + 36] == mark and checksum(data[at : at + BLOCK]) == data[at : at + 8]
    ]


def patch(data: bytearray, at: int, changes: dict[int, bytes]) -> None:
    """Overwrite bytes of the object at `at` and make its checksum again."""
    for place, content in changes.items():
        data[at + place : at + place + len(content)] = content
    data[at : at + 8] = checksum(bytes(data[at : at + BLOCK]))


def with_volumes(data: bytes, count: int) -> bytes:
    """Let the container list its first volume `count` times."""
    new = bytearray(data)
    for at in blocks(data, b"NXSB"):
        first = data[at + 184 : at + 192]
        patch(new, at, {184: first * count + bytes(8)})
    return bytes(new)


def with_volume_fields(data: bytes, changes: dict[int, bytes]) -> bytes:
    """Overwrite fields of every superblock of a volume."""
    new = bytearray(data)
    for at in blocks(data, b"APSB"):
        patch(new, at, changes)
    return bytes(new)


def with_snapshots(data: bytes, names: list[bytes], counted: int | None = None) -> bytes:
    """Give every volume a tree of snapshots with these names."""
    new = bytearray(data)
    count = len(names) if counted is None else counted
    for at in blocks(data, b"APSB"):
        patch(new, at, {216: struct.pack("<Q", count)})
        (tree,) = struct.unpack_from("<Q", data, at + 152)
        keys = values = toc = b""
        for number, name in enumerate(names, 1):
            key = struct.pack("<Q", 1 << 60 | number)
            value = struct.pack("<QQQQQIIH", 0, 0, 1_600_000_000 * 10**9, 0, 0, 0, 0, len(name) + 1)
            value += name + b"\x00"
            values = value + values
            toc += struct.pack("<HHHH", len(keys), len(key), len(values), len(value))
            keys += key
        node = bytearray(data[tree * BLOCK : tree * BLOCK + BLOCK])
        struct.pack_into("<HHIHH", node, 32, 3, 0, len(names), 0, len(toc))  # root and leaf
        node[56 : 56 + len(toc) + len(keys)] = toc + keys
        end = BLOCK - 40
        node[end - len(values) : end] = values
        new[tree * BLOCK : tree * BLOCK + BLOCK] = node
        patch(new, tree * BLOCK, {})
    return bytes(new)
