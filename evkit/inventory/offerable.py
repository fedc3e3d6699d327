"""Which streams are exactly the bytes of their extents, so that somebody else can digest them.

What libtsk would give for such a stream must be what its extents hold, byte for byte. Wherever that
is not certain the child reads the stream itself (child only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.inventory import native
from evkit.inventory.validlength import ValidLengths
from evkit.manifest.rows import HOLE

if TYPE_CHECKING:
    from evkit.inventory.native import Native
    from evkit.inventory.volume import Volume

_KINDS = frozenset(
    {"ntfs", "fat12", "fat16", "fat32", "exfat", "ext2", "ext3", "ext4", "iso9660", "hfs-plus"}
)
_BOOT = 512


class Offerable:
    """Judges the streams of one volume.

    Args:
        volume: the file system.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        info = volume.handle.info
        self._usable = volume.kind in _KINDS and volume.plain_blocks
        start = volume.job.offset
        blocks = min(int(info.block_count), int(info.last_block_act) + 1)
        self._end = min(start + blocks * volume.block_size, volume.image_size)
        self._valid: ValidLengths | None = None
        if self._usable and volume.kind == "ntfs":
            self._valid = ValidLengths(volume.handle, _boot(volume))

    def says(self, attribute: Native, row: dict[str, Any]) -> bool:
        """Say whether a stream is exactly what its extents hold, holes being zeros."""
        extents, size = row.get("extents"), row.get("size", 0)
        if not self._usable or not size or not extents or "extents_left_out" in row:
            return False
        if set(row.get("flags", ())) - {"sparse"}:
            return False
        if not int(attribute.info.flags) & native.ATTR_NONRESIDENT:
            return False
        start = self._volume.job.offset
        inside = all(
            place == HOLE or start <= place <= self._end - length for place, length in extents
        )
        if not inside or sum(length for _, length in extents) != size:
            return False
        if all(place == HOLE for place, _ in extents) or not self._without_gaps(attribute, size):
            return False
        if self._valid is None:
            return True
        valid = self._valid.of(row["inode"], row["attr"], row["attr_id"])
        return valid is not None and valid >= size

    def _without_gaps(self, attribute: Native, size: int) -> bool:
        """Say whether each run begins where the one before it ends."""
        at = 0
        for run in list(attribute):
            if at * self._volume.block_size >= size:
                break
            if int(run.offset) != at or int(run.len) <= 0:
                return False
            at += int(run.len)
        return True


def _boot(volume: Volume) -> bytes:
    try:
        return bytes(volume.image.read(volume.job.offset, _BOOT))
    except (*native.ERRORS, InputError):
        return b""
