"""What MFT records of NTFS say and libtsk's binding does not tell, or tells slowly (child only).

That is how much of a stream was ever written: behind that length libtsk gives zeros, although the
extents name clusters that hold something else. And the `$FILE_NAME` attributes, for their times.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from evkit.inventory import native

if TYPE_CHECKING:
    from evkit.inventory.native import Native

_MFT = 0
_ATTRIBUTE_LIST, _END = 0x20, 0xFFFFFFFF
_SECTOR = 512
_SHORT, _TWO, _LONG = struct.Struct("<H"), struct.Struct("<II"), struct.Struct("<Q")
_RESIDENT, _FIXUP = struct.Struct("<IH"), struct.Struct("<HH")
_Found = list[tuple[int, int, int]]
_SIZES = (512, 1024, 2048, 4096)
_HEAD = 0x40  # bytes of the header of a non-resident attribute


class Records:
    """The MFT records of one volume; the last one is kept, since it is asked for twice.

    Args:
        handle: pytsk3's FS_Info of an NTFS volume.
        boot: its first sector.
    """

    def __init__(self, handle: Native, boot: bytes) -> None:
        self._size = _record_size(boot)
        self._last: tuple[int, bytes, _Found | None] = (-1, b"", None)
        self._mft: Native = None
        if self._size:
            try:
                self._mft = handle.open_meta(_MFT)
            except native.ERRORS:
                self._mft = None

    def valid_length(self, inode: int, attr: int, attr_id: int) -> int | None:
        """Return the valid length of a stream, None when that cannot be said for sure."""
        return _valid_length(*self._record(inode), attr, attr_id)

    def file_names(self, inode: int) -> list[bytes] | None:
        """Return the contents of the `$FILE_NAME` attributes, None when not all are known."""
        return _file_names(*self._record(inode))

    def _record(self, inode: int) -> tuple[bytes, _Found | None]:
        """Return a record with the ends of its sectors in place, and its attributes."""
        last, record, attributes = self._last
        if last == inode:
            return record, attributes
        found = b""
        if self._mft is not None:
            try:
                at = inode * self._size
                found = bytes(self._mft.read_random(at, self._size, native.NTFS_DATA))
            except native.ERRORS:
                found = b""
        record = (_fixed(found) if len(found) == self._size else None) or b""
        attributes = _attributes(record)
        self._last = (inode, record, attributes)
        return record, attributes


def _attributes(data: bytes) -> _Found | None:
    """Return (type, place, length) of all attributes of a record.

    None when it is none, is damaged, or continues in other records.
    """
    if not data:
        return None
    found: _Found = []
    (at,) = _SHORT.unpack_from(data, 0x14)
    end = len(data)
    two = _TWO.unpack_from
    while at + 8 <= end:
        kind, length = two(data, at)
        if kind == _END:
            return found
        if length < 0x18 or at + length > end or kind == _ATTRIBUTE_LIST:  # noqa: PLR2004
            return None
        found.append((kind, at, length))
        at += length
    return None


def _valid_length(data: bytes, attributes: _Found | None, attr: int, attr_id: int) -> int | None:
    """Return the valid length of a non-resident attribute that lies in this record alone.

    None when the record continues in others, or when the attribute is absent, resident or there
    twice.
    """
    found: list[int] = []
    for kind, at, length in attributes or ():
        if kind == attr and _SHORT.unpack_from(data, at + 0x0E)[0] == attr_id:
            if length < _HEAD or data[at + 8] != 1:
                return None
            if _LONG.unpack_from(data, at + 0x10)[0]:
                return None
            found.append(_LONG.unpack_from(data, at + 0x38)[0])
    return found[0] if len(found) == 1 else None


def _file_names(data: bytes, attributes: _Found | None) -> list[bytes] | None:
    if attributes is None:
        return None
    found: list[bytes] = []
    for kind, at, length in attributes:
        if kind != native.NTFS_FILE_NAME:
            continue
        size, place = _RESIDENT.unpack_from(data, at + 0x10)
        if data[at + 8] or place + size > length:
            return None
        found.append(data[at + place : at + place + size])
    return found


def _fixed(record: bytes) -> bytes | None:
    """Return a record with the ends of its sectors put back, None when they do not agree."""
    if len(record) < _SECTOR or record[:4] != b"FILE":
        return None
    offset, count = _FIXUP.unpack_from(record, 4)
    sectors = len(record) // _SECTOR
    if count != sectors + 1 or offset + 2 * count > _SECTOR - 2:
        return None
    data = bytearray(record)
    mark = record[offset : offset + 2]
    for number in range(sectors):
        end = (number + 1) * _SECTOR - 2
        if record[end : end + 2] != mark:
            return None
        kept = offset + 2 * (number + 1)
        data[end : end + 2] = record[kept : kept + 2]
    return bytes(data)


def _record_size(boot: bytes) -> int:
    """Return the bytes of an MFT record, 0 when the boot sector states none that exists."""
    if len(boot) < 0x41:  # noqa: PLR2004 - up to the field
        return 0
    (sector,) = struct.unpack_from("<H", boot, 0x0B)
    (clusters,) = struct.unpack_from("<b", boot, 0x40)
    size = 1 << -clusters if -16 <= clusters < 0 else sector * boot[0x0D] * clusters  # noqa: PLR2004
    return size if size in _SIZES else 0
