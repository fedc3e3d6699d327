"""What a partition table says of itself that libtsk does not look at (child only).

libtsk passes over an extended partition whose own table is gone, and it believes a GPT whatever its
checksums say; partitions would be missing without a word.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MARK = b"EFI PART"
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_MOST = 16 << 20  # bytes of entries; an honest table has 16 KiB


def extended(entries: Sequence[tuple[int, bytes]]) -> str:
    """Say which extended partition has no table of its own, empty when all have.

    Args:
        entries: (offset in bytes, description) of what libtsk calls metadata of the table.
    """
    tables = {offset for offset, name in entries if name.startswith(b"Extended Table")}
    bare = [offset for offset, name in entries if b"Extended (0x" in name and offset not in tables]
    if not bare:
        return ""
    return f"the extended partition at byte {bare[0]} has no table: partitions may be missing"


def gpt(read: Callable[[int, int], bytes], sector: int) -> str:
    """Say what is wrong with the checksums of a GPT, empty when they are right.

    Args:
        read: gives (offset, size) of the medium.
        sector: bytes of a sector.
    """
    header = read(sector, sector)
    if header[:8] != _MARK:
        return "the first GPT is gone, its copy was read"
    values = _HEADER.unpack_from(header)
    size, stored, start, count, width, entries = (*values[2:4], *values[10:])
    if not _HEADER.size <= size <= sector:
        return "the GPT has an impossible size"
    plain = header[:16] + bytes(4) + header[20:size]
    if zlib.crc32(plain) != stored:
        return "the checksum of the GPT is wrong: partitions may be missing"
    if count * width > _MOST:
        return "the GPT has impossibly many entries"
    if zlib.crc32(read(start * sector, count * width)) != entries:
        return "the checksum of the entries of the GPT is wrong: partitions may be missing"
    return ""
