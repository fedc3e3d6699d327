"""Free blocks of ext2, ext3 and ext4, from the bitmaps of their groups (pure)."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.inventory.volumes.freeruns import FreeMap, bitmap_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]

_META_GROUPS, _WIDE, _BACKUPS_IN_TWO = 0x10, 0x80, 0x200
_SPARSE, _CLUSTERS = 1, 0x200
_UNINITIALISED = 2
_MAX_GROUPS = 1 << 22


class _Layout(NamedTuple):
    """What the superblock says.

    Attributes:
        block: bytes.
        first, blocks, per_group: first block, all blocks, blocks of a group.
        table: blocks of the table of inodes of a group.
        width: bytes of a descriptor.
        groups: how many.
        descriptors: blocks of descriptors after a superblock, with those in reserve.
        backups: groups with a copy of the superblock; None for all.
    """

    block: int
    first: int
    blocks: int
    per_group: int
    table: int
    width: int
    groups: int
    descriptors: int
    backups: frozenset[int] | None


def ext_map(read: Read) -> FreeMap | None:
    """Return the free blocks, None for a layout that is not read here (META_BG, BIGALLOC).

    Raises:
        InputError: superblock or descriptors are damaged.
    """
    layout = _layout(read(1024, 1024))
    if layout is None:
        return None
    start = (layout.first + 1) * layout.block
    size = layout.groups * layout.width
    table = read(start, size)
    if len(table) != size:
        raise InputError("the group descriptors reach past the end of the image")
    return FreeMap(layout.first * layout.block, layout.block, _merged(_runs(read, layout, table)))


def _layout(superblock: bytes) -> _Layout | None:
    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(superblock[at : at + size], "little")

    if number(56, 2) != 0xEF53 or number(24) > 6:  # noqa: PLR2004 - limits
        raise InputError("the superblock is damaged")
    compatible, incompatible, read_only = number(92), number(96), number(100)
    if incompatible & _META_GROUPS or read_only & _CLUSTERS:
        return None
    block = 1024 << number(24)
    wide = bool(incompatible & _WIDE)
    blocks = number(4) | (number(0x150) << 32 if wide else 0)
    first, per_group = number(20), number(32)
    if not 0 < per_group <= 8 * block or first >= blocks:
        raise InputError("the superblock is damaged")
    width = max(number(0xFE, 2), 32) if wide else 32
    groups = -(-(blocks - first) // per_group)
    if groups > _MAX_GROUPS:
        raise InputError("the superblock claims more groups than there can be")
    backups = None
    if compatible & _BACKUPS_IN_TWO:
        backups = frozenset({0, number(0x24C), number(0x250)})
    elif read_only & _SPARSE:
        powers = {base**power for base in (3, 5, 7) for power in range(1, 16)}
        backups = frozenset({0, 1} | {power for power in powers if power < groups})
    descriptors = -(-groups * width // block) + number(0xCE, 2)
    table = -(-number(40) * (number(88, 2) or 128) // block)
    return _Layout(
        block, first, blocks, per_group, table, width, groups, descriptors, backups
    )  # fmt: skip


def _runs(read: Read, layout: _Layout, table: bytes) -> Iterator[tuple[int, int]]:
    used = _structures(layout, table)
    total = layout.blocks - layout.first
    for group in range(layout.groups):
        base = group * layout.per_group
        count = min(layout.per_group, total - base)
        flags = int.from_bytes(table[group * layout.width + 18 :][:2], "little")
        if flags & _UNINITIALISED:
            yield from _without(used, layout, base, count)
            continue
        place = _pointer(layout, table, group, 0)
        bitmap = read(place * layout.block, layout.block)
        if len(bitmap) != layout.block:
            raise InputError(f"the map of free blocks of group {group} is not in the image")
        for first, length in bitmap_runs([bitmap], count):
            yield base + first, length


def _pointer(layout: _Layout, table: bytes, group: int, which: int) -> int:
    """Return a block that a descriptor names: 0 block bitmap, 1 inode bitmap, 2 inode table."""
    at = group * layout.width + 4 * which
    value = int.from_bytes(table[at : at + 4], "little")
    if layout.width >= 64:  # noqa: PLR2004 - bytes of a wide descriptor
        value |= int.from_bytes(table[at + 32 : at + 36], "little") << 32
    return value


def _structures(layout: _Layout, table: bytes) -> list[tuple[int, int]]:
    """Return (first block, how many) of what the file system keeps for itself, in order."""
    found = []
    for group in range(layout.groups):
        base = layout.first + group * layout.per_group
        if layout.backups is None or group in layout.backups:
            found.append((base, 1 + layout.descriptors))
        found += [(_pointer(layout, table, group, 0), 1), (_pointer(layout, table, group, 1), 1)]
        found.append((_pointer(layout, table, group, 2), layout.table))
    return sorted(found)


def _without(
    used: list[tuple[int, int]], layout: _Layout, base: int, count: int
) -> Iterator[tuple[int, int]]:
    """Yield the blocks of a group without a bitmap that no structure occupies."""
    at, end = base, base + count
    place = max(0, bisect.bisect_left(used, (layout.first + base, 0)) - 1)
    while place < len(used) and at < end:
        block, length = used[place]
        first, after = block - layout.first, block + length - layout.first
        if first >= end:
            break
        if first > at:
            yield at, first - at
        at = max(at, after)
        place += 1
    if at < end:
        yield at, end - at


def _merged(runs: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join runs that touch, as those at the border of two groups."""
    held: tuple[int, int] | None = None
    for first, length in runs:
        if held is not None and sum(held) == first:
            held = (held[0], held[1] + length)
            continue
        if held is not None:
            yield held
        held = (first, length)
    if held is not None:
        yield held
