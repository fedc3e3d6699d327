"""The only module that imports pytsk3. It runs in the child process and nowhere else.

libtsk is native code on hostile input and reads the time zone of the process when it converts FAT
times, so the child is started with limits and with TZ=UTC (`evkit.inventory.runner`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.inventory import native
from evkit.inventory.native import ERRORS, Native, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.source import Source

if os.environ.get("TZ") != "UTC":  # libtsk would shift FAT times by the zone of this machine
    raise ImportError("the inventory engine must be started with TZ=UTC")

import pytsk3

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
            if any(int(entry.flags) & native.PART_ALLOCATED for entry in info):
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


def _kind(info: Native) -> str:
    number = int(info.info.vstype)
    for name in TABLES:
        if int(getattr(pytsk3, f"TSK_VS_TYPE_{name}")) == number:
            return name.lower()
    return "other"
