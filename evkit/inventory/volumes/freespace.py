"""Free blocks of a file system, read from its own map of them (child only).

libtsk's list of blocks is not reachable from here, so the maps are read themselves: the file
allocation table, the bitmaps of exFAT, NTFS, HFS+ and of the groups of ext2, ext3 and ext4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.inventory import native
from evkit.inventory.volumes.extfree import ext_map
from evkit.inventory.volumes.freeruns import FreeMap, bitmap_runs, table_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.inventory.volume import Volume

    Read = Callable[[int, int], bytes]

_CHUNK = 1 << 20
_NTFS_BITMAP, _HFS_BITMAP = 6, 6
_MAX_BITMAP = 1 << 32
_EXFAT_BITMAP = 0x81


def free_map(volume: Volume) -> FreeMap | None:
    """Return the map of a file system, None where it has none that is read here.

    Raises:
        InputError: the map is damaged.
    """
    job, image, kind = volume.job, volume.image, volume.kind

    def read(offset: int, size: int) -> bytes:
        return bytes(image.read(job.offset + offset, size))

    if kind == "ntfs":
        total = int(volume.handle.info.block_count)
        chunks = _record(volume, _NTFS_BITMAP, {native.NTFS_DATA}, total)
        return FreeMap(0, volume.block_size, bitmap_runs(chunks, total))
    if kind == "hfs-plus":
        total = int(volume.handle.info.block_count)
        chunks = _record(volume, _HFS_BITMAP, {native.HFS_DATA, native.ATTR_DEFAULT}, total)
        return FreeMap(0, volume.block_size, bitmap_runs(chunks, total, high_first=True))
    if kind in {"fat12", "fat16", "fat32"}:
        return _fat(read, kind)
    if kind == "exfat":
        return _exfat(read)
    if kind in {"ext2", "ext3", "ext4"}:
        return ext_map(read)
    return None


def _record(volume: Volume, inode: int, kinds: set[int], bits: int) -> Iterator[bytes]:
    """Yield the content of a file that holds a bitmap, as far as it is needed."""
    wanted = min((bits + 7) // 8, _MAX_BITMAP)
    try:
        file = volume.handle.open_meta(inode)
        attribute = next(item for item in list(file) if int(item.info.type) in kinds)
        kind, number, at = int(attribute.info.type), int(attribute.info.id), 0
        while at < wanted:
            chunk = bytes(file.read_random(at, min(_CHUNK, wanted - at), kind, number))
            if not chunk:
                raise InputError("the map of free blocks ends too early")
            at += len(chunk)
            yield chunk
    except (*native.ERRORS, StopIteration) as error:
        raise InputError(f"the map of free blocks is not readable: {native.clean(error)}") from None


def _fat(read: Read, kind: str) -> FreeMap:
    boot = read(0, 512)
    sector, per = int.from_bytes(boot[11:13], "little"), boot[13]
    reserved, tables = int.from_bytes(boot[14:16], "little"), boot[16]
    roots = int.from_bytes(boot[17:19], "little")
    sectors = int.from_bytes(boot[19:21], "little") or int.from_bytes(boot[32:36], "little")
    length = int.from_bytes(boot[22:24], "little") or int.from_bytes(boot[36:40], "little")
    data = reserved + tables * length + -(-roots * 32 // max(sector, 1))
    if not sector or not per or sectors < data:
        raise InputError("the boot sector does not say where the allocation table lies")
    count = (sectors - data) // per
    width = {"fat12": 12, "fat16": 16, "fat32": 32}[kind]
    count = min(count, length * sector * 8 // width - 2)
    unit = sector * per
    entries = _entries(read, reserved * sector, width, count)
    return FreeMap(data * sector - 2 * unit, unit, table_runs(entries, 2))


def _entries(read: Read, start: int, width: int, count: int) -> Iterator[int]:
    """Yield entries 2 to `count` + 1 of an allocation table."""
    if width == 12:  # noqa: PLR2004 - bits
        table = _all(read, start, (3 * (count + 2) + 1) // 2)
        for number in range(2, count + 2):
            pair = int.from_bytes(table[3 * number // 2 : 3 * number // 2 + 2], "little")
            yield pair >> 4 if number & 1 else pair & 0xFFF
        return
    size = width // 8
    mask = 0x0FFFFFFF if width == 32 else 0xFFFF  # noqa: PLR2004 - the upper 4 bits say nothing
    at, end = start + 2 * size, start + (count + 2) * size
    while at < end:
        chunk = memoryview(_all(read, at, min(_CHUNK, end - at)))
        for place in range(0, len(chunk), size):
            yield int.from_bytes(chunk[place : place + size], "little") & mask
        at += len(chunk)


def _exfat(read: Read) -> FreeMap:
    boot = read(0, 512)
    sector_shift, cluster_shift = boot[108], boot[109]
    if not 9 <= sector_shift <= 12 or cluster_shift > 25 - sector_shift:  # noqa: PLR2004 - as defined
        raise InputError("the boot sector of exFAT is damaged")
    unit = 1 << sector_shift + cluster_shift
    table = int.from_bytes(boot[80:84], "little") << sector_shift
    heap = int.from_bytes(boot[88:92], "little") << sector_shift
    count = int.from_bytes(boot[92:96], "little")
    root = int.from_bytes(boot[96:100], "little")
    start = heap - 2 * unit
    folder = _all(read, start + root * unit, min(unit, 1 << 16))
    place = next(
        (at for at in range(0, len(folder), 32) if folder[at] == _EXFAT_BITMAP), None
    )  # fmt: skip
    if place is None:
        raise InputError("the map of free clusters of exFAT is not found")
    cluster = int.from_bytes(folder[place + 20 : place + 24], "little")
    chunks = _chain(read, table, start, unit, cluster, (count + 7) // 8)
    return FreeMap(heap, unit, bitmap_runs(chunks, count))


def _chain(
    read: Read, table: int, start: int, unit: int, cluster: int, size: int
) -> Iterator[bytes]:  # fmt: skip
    """Yield the content of a chain of clusters; one without entries is contiguous."""
    left = min(size, _MAX_BITMAP)
    while left > 0:
        yield _all(read, start + cluster * unit, min(unit, left))
        left -= unit
        after = int.from_bytes(_all(read, table + 4 * cluster, 4), "little")
        cluster = after if 1 < after < 0xFFFFFFF7 else cluster + 1  # noqa: PLR2004


def _all(read: Read, offset: int, size: int) -> bytes:
    data = read(offset, size)
    if len(data) != size:
        raise InputError("the map of free blocks reaches past the end of the image")
    return data
