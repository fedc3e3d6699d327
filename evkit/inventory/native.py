"""What libtsk's numbers mean, and its errors; knows pytsk3 by its objects, without importing it."""

from __future__ import annotations

from typing import Any, TypeAlias

from evkit.core.text import escape

Native: TypeAlias = Any
"""An object of pytsk3, which has no type information."""
META_REGULAR, META_DIRECTORY, META_LINK, META_VIRTUAL, META_VIRTUAL_DIRECTORY = 1, 2, 6, 10, 11
META_ALLOCATED, META_COMPRESSED = 1, 16
NAME_ALLOCATED = 1
NAME_DIRECTORY = 3
ATTR_NONRESIDENT, ATTR_RESIDENT, ATTR_ENCRYPTED, ATTR_COMPRESSED, ATTR_SPARSE = 2, 4, 16, 32, 64
RUN_HOLE = 1 | 2  # filler or sparse
PART_ALLOCATED, PART_META = 1, 4
HAVE_SEQUENCE, HAVE_NANOSECONDS = 1, 2
ATTR_DEFAULT, NTFS_FILE_NAME, NTFS_DATA = 1, 48, 128
HFS_DATA, HFS_RESOURCE, HFS_EXTENDED, HFS_COMPRESSION = 4352, 4353, 4354, 4355

ERRORS = (OSError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError, KeyError)
"""What pytsk3 raises for damaged input, depending on the call."""

FILE_SYSTEMS = {
    1: "ntfs", 2: "fat12", 4: "fat16", 8: "fat32", 10: "exfat", 16: "ufs1", 32: "ufs1b",
    64: "ufs2", 128: "ext2", 256: "ext3", 8192: "ext4", 2048: "iso9660", 4096: "hfs-plus",
    32768: "hfs", 16384: "yaffs2", 512: "swap",
}  # fmt: skip


def clean(error: BaseException) -> str:
    """Return the message of an engine error as one safe line without source positions."""
    text = " ".join(str(error).split())
    _, mark, rest = text.partition(") ")
    return escape((rest if mark and ".cpp:" in text else text)[:400])


def type_of(file_system: Native) -> str:
    """Return the name of a file system's type."""
    return FILE_SYSTEMS.get(int(file_system.info.ftype), "other")
