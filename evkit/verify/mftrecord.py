"""One attribute out of the bytes of an NTFS record: its resident content, or its valid length.

Hostile input: nothing is believed beyond the bytes given, and whatever is odd is None. The layout
is that of NTFS 3: boot sector, records `FILE`, update sequence at the end of each 512 bytes.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

BOOT: Final = 512
SIZES: Final = (512, 1024, 2048, 4096)
_SECTOR = 512
_END = 0xFFFFFFFF
_HEADER = 0x18  # bytes of the header of a resident attribute
_LONG_HEADER = 0x40
_SEQUENCE, _FIRST, _BASE = 0x10, 0x14, 0x20


class Attribute(NamedTuple):
    """An attribute of a record.

    Attributes:
        resident: whether its content lies in the record.
        content: the content; empty when not resident.
        offset: where the content begins in the record; 0 when not resident.
        size: length of the content.
        valid: bytes of it that were ever written; what follows reads as zeros.
    """

    resident: bool
    content: bytes
    offset: int
    size: int
    valid: int


def record_size(boot: bytes) -> int | None:
    """Return the bytes of a record of an NTFS volume, None when this is no boot sector of one."""
    if len(boot) != BOOT or boot[3:11] != b"NTFS    ":
        return None
    (sector,) = struct.unpack_from("<H", boot, 0x0B)
    clusters = struct.unpack_from("<b", boot, 0x40)[0]
    size = 1 << -clusters if clusters < 0 else sector * boot[0x0D] * clusters
    return size if size in SIZES else None


def find_attribute(record: bytes, seq: int, attr: int, attr_id: int) -> Attribute | None:
    """Return an attribute of a base record.

    Args:
        record: as it lies on the medium.
        seq: sequence number that the record must have.
        attr: type of the attribute.
        attr_id: its number.

    Returns:
        None when this is no such record, or the attribute is not in it exactly once.
    """
    data = _fixed(record)
    if data is None or struct.unpack_from("<H", data, _SEQUENCE)[0] != seq:
        return None
    if struct.unpack_from("<Q", data, _BASE)[0]:  # it continues another record
        return None
    found: list[Attribute | None] = []
    (at,) = struct.unpack_from("<H", data, _FIRST)
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == _END:
            return found[0] if len(found) == 1 else None
        if length < _HEADER or at + length > len(data):
            return None
        (number,) = struct.unpack_from("<H", data, at + 0x0E)
        if (kind, number) == (attr, attr_id):
            found.append(_attribute(data, at, length))
        at += length
    return None


def _attribute(data: bytes, at: int, length: int) -> Attribute | None:
    if data[at + 8] == 0:
        size, offset = struct.unpack_from("<IH", data, at + 0x10)
        if offset < _HEADER or offset + size > length:
            return None
        start = at + offset
        return Attribute(True, data[start : start + size], start, size, size)  # noqa: FBT003
    if data[at + 8] != 1 or length < _LONG_HEADER:
        return None
    first, _ = struct.unpack_from("<QQ", data, at + 0x10)
    size, valid = struct.unpack_from("<QQ", data, at + 0x30)
    if first or valid > size:
        return None
    return Attribute(False, b"", 0, size, valid)  # noqa: FBT003


def _fixed(record: bytes) -> bytes | None:
    """Return a record with the ends of its sectors put back, None when they do not agree."""
    if len(record) not in SIZES or record[:4] != b"FILE":
        return None
    offset, count = struct.unpack_from("<HH", record, 4)
    if count != len(record) // _SECTOR + 1 or offset + 2 * count > _SECTOR - 2:
        return None
    data = bytearray(record)
    mark = record[offset : offset + 2]
    for number in range(1, count):
        end = number * _SECTOR - 2
        if record[end : end + 2] != mark:
            return None
        data[end : end + 2] = record[offset + 2 * number : offset + 2 * number + 2]
    return bytes(data)
