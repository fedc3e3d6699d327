"""Which streams are exactly the bytes of their extents, so that somebody else can digest them.

What libtsk would give for such a stream must be what its extents hold, byte for byte. Wherever that
is not certain the child reads the stream itself (child only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory import native
from evkit.manifest.rows import HOLE

if TYPE_CHECKING:
    from evkit.inventory.streamrow import StreamRow
    from evkit.inventory.volume import Volume

_KINDS = frozenset(
    {"ntfs", "fat12", "fat16", "fat32", "exfat", "ext2", "ext3", "ext4", "iso9660", "hfs-plus"}
)


class Offerable:
    """Judges the streams of one volume.

    Args:
        volume: the file system.

    Attributes:
        usable: any of them can be plain.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        info = volume.handle.info
        self.usable = volume.kind in _KINDS and volume.plain_blocks
        start = volume.job.offset
        blocks = min(int(info.block_count), int(info.last_block_act) + 1)
        self._end = min(start + blocks * volume.block_size, volume.image_size)
        self._records = volume.records

    def says(self, bits: int, row: StreamRow, *, exact: bool) -> bool:
        """Say whether a stream is exactly what its extents hold, holes being zeros.

        Args:
            bits: flags of the attribute.
            row: what is known of it.
            exact: each run begins where the one before it ends.
        """
        extents, size = row.extents, row.size
        if not (self.usable and exact and size and extents) or row.left_out:
            return False
        if row.flags and row.flags != ["sparse"]:
            return False
        if not bits & native.ATTR_NONRESIDENT:
            return False
        start, end, total, placed = self._volume.job.offset, self._end, 0, False
        for place, length in extents:
            total += length
            if place != HOLE:
                placed = True
                if not start <= place <= end - length:
                    return False
        if total != size or not placed:
            return False
        return self.written(row.inode, row.attr, row.attr_id, size)

    def inside(self, place: int, length: int) -> bool:
        """Say whether an extent lies in the blocks that the image has."""
        return self._volume.job.offset <= place <= self._end - length

    def written(self, inode: int, attr: int, attr_id: int, size: int) -> bool:
        """Say whether a stream was ever written to its end."""
        if self._records is None:
            return True
        valid = self._records.valid_length(inode, attr, attr_id)
        return valid is not None and valid >= size
