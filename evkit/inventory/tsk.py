"""The only module that imports pytsk3. It runs in the child process and nowhere else.

libtsk is native code on hostile input and reads the time zone of the process when it converts FAT
times, so the child is started with limits and with TZ=UTC (`evkit.inventory.runner`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

from evkit.core.errors import InputError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.source import Source

if os.environ.get("TZ") != "UTC":  # libtsk would shift FAT times by the zone of this machine
    raise ImportError("the inventory engine must be started with TZ=UTC")

import pytsk3

Native: TypeAlias = Any
"""An object of pytsk3, which has no type information."""
META_REGULAR, META_DIRECTORY, META_LINK, META_VIRTUAL, META_VIRTUAL_DIRECTORY = 1, 2, 6, 10, 11
META_ALLOCATED, META_UNALLOCATED, META_COMPRESSED = 1, 2, 16
NAME_ALLOCATED = 1
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
TABLES = ("GPT", "DOS", "BSD", "SUN", "MAC")


def version() -> str:
    """Return the version of libtsk and of its binding."""
    return f"libtsk {pytsk3.TSK_VERSION_STR}, pytsk3 {pytsk3.get_version()}"


class Image(pytsk3.Img_Info):  # type: ignore[misc]  # pytsk3 has no type information
    """Serves a `Source` to libtsk; a read that fails raises, so nothing is invented.

    Args:
        source: the decoded medium.
        sector_size: bytes of a sector, 0 for the default of libtsk (512).

    Attributes:
        failures: reads of the source that failed so far.
    """

    def __init__(self, source: Source, sector_size: int = 0) -> None:
        self._source = source
        self.failures = 0
        extra = {"sector_size": sector_size} if sector_size else {}
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL, **extra)

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium; fewer than asked for only at its end."""
        if offset < 0 or offset >= self._source.size:
            return b""
        size = min(size, self._source.size - offset)
        try:
            data = self._source.read(offset, size)
        except Exception:
            self.failures += 1
            raise
        if len(data) != size:
            self.failures += 1
            raise OSError(f"the image gave {len(data)} of {size} bytes at {offset}")
        return data

    def get_size(self) -> int:
        """Return the size of the medium in bytes."""
        return self._source.size


class Table:
    """A partition table: its kind, sector size and entries."""

    def __init__(self, kind: str, info: Native, sector: int) -> None:
        self.kind = kind
        self.sector = sector
        self._info = info

    def entries(self) -> Iterator[Native]:
        """Yield the entries that libtsk found, metadata and unallocated ones included."""
        yield from self._info


def open_table(image: Image) -> Table | None:
    """Find a partition table; every kind is tried on its own when detection is ambiguous."""
    try:
        info = pytsk3.Volume_Info(image)
        return Table(_kind(info), info, int(info.info.block_size))
    except ERRORS:
        pass
    for name in TABLES:
        try:
            info = pytsk3.Volume_Info(image, getattr(pytsk3, f"TSK_VS_TYPE_{name}"))
            if any(int(entry.flags) & PART_ALLOCATED for entry in info):
                return Table(name.lower(), info, int(info.info.block_size))
        except ERRORS:
            continue
    return None


def open_file_system(image: Image, offset: int) -> Native:
    """Open the file system at a byte offset of the image.

    Raises:
        InputError: libtsk finds none there; the message is its own, escaped.
    """
    try:
        return pytsk3.FS_Info(image, offset=offset)
    except ERRORS as error:
        raise InputError(clean(error)) from error


def type_of(file_system: Native) -> str:
    """Return the name of a file system's type."""
    return FILE_SYSTEMS.get(int(file_system.info.ftype), "other")


def clean(error: BaseException) -> str:
    """Return the message of an engine error as one safe line without source positions."""
    text = " ".join(str(error).split())
    _, mark, rest = text.partition(") ")
    return escape((rest if mark and ".cpp:" in text else text)[:400])


def _kind(info: Native) -> str:
    number = int(info.info.vstype)
    for name in TABLES:
        if int(getattr(pytsk3, f"TSK_VS_TYPE_{name}")) == number:
            return name.lower()
    return "other"
