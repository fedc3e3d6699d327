"""A disk with a protective MBR, a GUID partition table and its copy (UEFI 2.10, chapter 5)."""

from __future__ import annotations

import struct
import uuid
import zlib

SECTOR = 512
START = 64  # first sector of the only partition
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
DISK = uuid.UUID("e71d0000-0000-4000-8000-000000000001")
PART = uuid.UUID("e71d0000-0000-4000-8000-000000000002")
_TABLE_SECTORS = 32


def _header(own, other, first, last, table_at, table):
    def fields(check):
        return struct.pack(
            "<8sIIIIQQQQ16sQIII",
            b"EFI PART",
            0x10000,
            92,
            check,
            0,
            own,
            other,
            first,
            last,
            DISK.bytes_le,
            table_at,
            128,
            128,
            zlib.crc32(table),
        )

    return fields(zlib.crc32(fields(0))).ljust(SECTOR, b"\0")


def disk(volume, name):
    """Return a disk that holds `volume` (a multiple of 512 bytes) as its only partition."""
    length = len(volume) // SECTOR
    total = START + length + _TABLE_SECTORS + 1
    entry = struct.pack(
        "<16s16sQQQ72s",
        LINUX.bytes_le,
        PART.bytes_le,
        START,
        START + length - 1,
        0,
        name.encode("utf-16-le"),
    )
    table = entry.ljust(128 * 128, b"\0")
    first, last = 2 + _TABLE_SECTORS, total - _TABLE_SECTORS - 2
    mbr = bytes(446) + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, total - 1)
    mbr = mbr.ljust(510, b"\0") + b"\x55\xaa"
    front = mbr + _header(1, total - 1, first, last, 2, table) + table
    back = table + _header(total - 1, 1, first, last, total - 1 - _TABLE_SECTORS, table)
    return front.ljust(START * SECTOR, b"\0") + volume + back
