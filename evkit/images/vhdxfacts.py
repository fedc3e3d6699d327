"""What libvhdi does not tell of a VHDX file: a log that waits, and the bit that it misreads.

Layout: "[MS-VHDX]: Virtual Hard Disk v2 (VHDX) File Format", sections 2.2 to 2.6.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.images.files import open_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = b"vhdxfile"
_HEADERS = (64 << 10, 128 << 10)
_REGIONS = (192 << 10, 256 << 10)
_METADATA = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
_PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
_HEADER = struct.Struct("<4sIQ16s16s16s")  # mark, checksum, sequence, file, data, log
_ENTRIES = 2047
_ALLOCATED, _HAS_PARENT = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VhdxFacts:
    """What the headers and the file parameters say.

    Attributes:
        flags_at: offset of the byte of the file parameters with the flags, or None.
        fixed: all blocks are to stay allocated.
        has_parent: it holds only what differs from a parent.
        log_waits: the newest header names a log that was not written through.
    """

    flags_at: int | None = None
    fixed: bool = False
    has_parent: bool = False
    log_waits: bool = False


def read_facts(path: bytes) -> VhdxFacts:
    """Read what can be read; what is damaged is left for libvhdi to refuse.

    Raises:
        OSError: the file cannot be read.
    """
    descriptor = open_quietly(path)
    try:
        at = _flags(descriptor)
        flags = os.pread(descriptor, 1, at) if at is not None else b""
        value = flags[0] if flags else 0
        return VhdxFacts(
            flags_at=at if flags else None,
            fixed=bool(value & _ALLOCATED),
            has_parent=bool(value & _HAS_PARENT),
            log_waits=_log_waits(descriptor),
        )
    finally:
        os.close(descriptor)


def _log_waits(descriptor: int) -> bool:
    newest, waits = -1, False
    for at in _HEADERS:
        head = os.pread(descriptor, _HEADER.size, at)
        if len(head) == _HEADER.size and head[:4] == b"head":
            _, _, sequence, _, _, log = _HEADER.unpack(head)
            if sequence > newest:
                newest, waits = sequence, any(log)
    return waits


def _flags(descriptor: int) -> int | None:
    """Return where the flags of the file parameters lie."""
    for at in _REGIONS:
        for name, start, _ in _table(descriptor, at, b"regi", 8, 16):
            if name != _METADATA:
                continue
            for item, inside, length in _table(descriptor, start, b"metadata", 10, 32):
                if item == _PARAMETERS and length >= 8:  # noqa: PLR2004 - block size, flags
                    return start + inside + 4
    return None


def _table(
    descriptor: int, at: int, mark: bytes, count_at: int, first: int
) -> Iterator[tuple[bytes, int, int]]:
    """Yield (identifier, offset, length) of a region table or a metadata table."""
    if not 0 < at < 1 << 62:
        return
    data = os.pread(descriptor, 64 << 10, at)
    if not data.startswith(mark):
        return
    (count,) = struct.unpack_from("<H", data.ljust(first, b"\0"), count_at)
    entry = struct.Struct("<16sQII" if mark == b"regi" else "<16sIIII")
    for number in range(min(count, _ENTRIES)):
        place = first + number * entry.size
        if place + entry.size > len(data):
            return
        name, offset, length = entry.unpack_from(data, place)[:3]
        yield name, offset, length
