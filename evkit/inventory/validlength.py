"""How much of an NTFS stream was ever written, from its MFT record (child only).

Behind that length libtsk gives zeros, although the extents name clusters that hold something else.
libtsk knows the length and its binding does not tell it, so the record is read once more.
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
_SIZES = (512, 1024, 2048, 4096)
_HEAD = 0x40  # bytes of the header of a non-resident attribute


class ValidLengths:
    """The valid lengths of the streams of one volume.

    Args:
        handle: pytsk3's FS_Info of an NTFS volume.
        boot: its first sector.
    """

    def __init__(self, handle: Native, boot: bytes) -> None:
        self._size = _record_size(boot)
        self._mft: Native = None
        if self._size:
            try:
                self._mft = handle.open_meta(_MFT)
            except native.ERRORS:
                self._mft = None

    def of(self, inode: int, attr: int, attr_id: int) -> int | None:
        """Return the valid length of a stream, None when that cannot be said for sure."""
        if self._mft is None:
            return None
        try:
            at = inode * self._size
            data = bytes(self._mft.read_random(at, self._size, native.NTFS_DATA))
        except native.ERRORS:
            return None
        return read_valid_length(data, attr, attr_id) if len(data) == self._size else None


def read_valid_length(record: bytes, attr: int, attr_id: int) -> int | None:
    """Return the valid length of a non-resident attribute that lies in this record alone.

    None when the record is not one, when it continues in others, or when the attribute is absent,
    resident or there twice.
    """
    data = _fixed(record)
    if data is None:
        return None
    found: list[int] = []
    (at,) = struct.unpack_from("<H", data, 0x14)
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == _END:
            return found[0] if len(found) == 1 else None
        if length < 0x18 or at + length > len(data) or kind == _ATTRIBUTE_LIST:  # noqa: PLR2004
            return None
        (number,) = struct.unpack_from("<H", data, at + 0x0E)
        if (kind, number) == (attr, attr_id):
            if length < _HEAD or data[at + 8] != 1:
                return None
            (first,) = struct.unpack_from("<Q", data, at + 0x10)
            (valid,) = struct.unpack_from("<Q", data, at + 0x38)
            if first:
                return None
            found.append(int(valid))
        at += length
    return None


def _fixed(record: bytes) -> bytes | None:
    """Return a record with the ends of its sectors put back, None when they do not agree."""
    if len(record) < _SECTOR or record[:4] != b"FILE":
        return None
    offset, count = struct.unpack_from("<HH", record, 4)
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
