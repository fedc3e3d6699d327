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
    from collections.abc import Iterator, Sequence

    from evkit.inventory.source import Source

if os.environ.get("TZ") != "UTC":  # libtsk would shift FAT times by the zone of this machine
    raise ImportError("the inventory engine must be started with TZ=UTC")

import pytsk3

_DESCRIPTORS = "/proc/self/fd"
_PROBE = 1 << 20
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

    def fails(self, _extents: Sequence[Sequence[int]]) -> bool:
        """Say whether a read failed that `failures` does not count: there is none."""
        return False


class NativeImage(pytsk3.Img_Info):  # type: ignore[misc]  # pytsk3 has no type information
    """A raw image in one file that libtsk reads itself, which takes a tenth of the time.

    libtsk is given an open descriptor, not the name: by a name it would look for further parts.

    Args:
        source: the same medium, for what libtsk does not tell.
        path: the file.
        sector_size: bytes of a sector, 0 for the default of libtsk (512).

    Raises:
        InputError: libtsk does not see the same medium.
    """

    failures = 0

    def __init__(self, source: Source, path: bytes, sector_size: int = 0) -> None:
        self._source = source
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        extra = {"sector_size": sector_size} if sector_size else {}
        try:
            super().__init__(
                url=f"{_DESCRIPTORS}/{self._descriptor}", type=pytsk3.TSK_IMG_TYPE_RAW, **extra
            )
            seen = int(self.get_size())
        except ERRORS as error:
            raise InputError(clean(error)) from error
        if seen != source.size:
            raise InputError(f"libtsk sees {seen} of {source.size} bytes")

    def fails(self, extents: Sequence[Sequence[int]]) -> bool:
        """Say whether the medium cannot be read at these (place or -1, length)."""
        try:
            for place, length in extents:
                for at in range(place, place + length if place >= 0 else place, _PROBE):
                    self._source.read(at, min(_PROBE, place + length - at))
        except (OSError, InputError):
            return True
        return False


def open_medium(source: Source, paths: Sequence[bytes], sector_size: int = 0) -> Image:
    """Give a medium to libtsk, natively where it is one raw file."""
    if getattr(source, "format", "") == "raw" and len(paths) == 1 and os.path.isdir(_DESCRIPTORS):
        try:
            return NativeImage(source, paths[0], sector_size)
        except (InputError, OSError):
            pass
    return Image(source, sector_size)


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
