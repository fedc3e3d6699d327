"""Writing a zip that the strict reader accepts: see `evkit.manifest.zipread`.

Entries follow each other without gaps, local headers equal central ones, sizes are in the header
before the data (so there are no data descriptors), zip64 only where a value needs it.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.bundle.part import FLUSH, MODE, exactly, part_of
from evkit.core import clock, durable
from evkit.manifest.zipread import (
    CENTRAL,
    END,
    END64,
    EXTRA_64,
    FULL16,
    FULL32,
    LOCAL,
    LOCATOR64,
    UNIX,
    UTF8,
    VERSION_64,
)
from evkit.manifest.zipstream import DEFLATED, STORED

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

PACK_LIMIT: Final = 64 << 20  # larger files are stored: their place in the zip is then plain
_LEVEL: Final = 6
_VERSION: Final = 20
_CRC_AT: Final = 14  # offset of the CRC in a local header
_REGULAR: Final = 0o100000


class _Entry(NamedTuple):
    raw: bytes
    method: int
    crc: int
    packed: int
    size: int
    start: int


class ZipSink:
    """A zip `<name>.part` that is renamed when it is complete."""

    def __init__(self, path: bytes) -> None:
        self._path = os.path.abspath(path)
        self._part = part_of(self._path)
        self._entries: list[_Entry] = []
        self._at = 0
        self._moment = _dos(clock.now().utc)
        with durable.storage_errors(self._part):
            durable.step("create", self._part)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            self._fd = os.open(self._part, flags | getattr(os, "O_BINARY", 0), 0o600)

    def add(self, name: str, blocks: Iterable[bytes], size: int, *, pack: bool = True) -> None:
        """Write one entry, packed when it is small and gets smaller."""
        raw = name.encode("utf-8")
        with durable.storage_errors(self._part):
            durable.step("write", self._part)
            if pack and 0 < size <= PACK_LIMIT:
                self._packed(raw, b"".join(exactly(name, blocks, size)))
            else:
                self._stored(raw, exactly(name, blocks, size), size)

    def commit(self) -> None:
        """Write the directory, sync, rename."""
        with durable.storage_errors(self._path):
            start = self._at
            durable.step("write", self._part)
            for entry in self._entries:
                self._write(self._central(entry))
            self._write(_end(len(self._entries), start, self._at - start))
            os.fchmod(self._fd, MODE)
            durable.step("fsync", self._part)
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1
            durable.rename_new(self._part, self._path)

    def abandon(self) -> None:
        """Remove the unfinished zip."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if os.path.lexists(self._part):
            os.unlink(self._part)

    def _packed(self, raw: bytes, data: bytes) -> None:
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(data) + packer.flush()
        method, body = (DEFLATED, packed) if len(packed) < len(data) else (STORED, data)
        entry = _Entry(raw, method, zlib.crc32(data), len(body), len(data), self._at)
        self._entries.append(entry)
        self._write(self._local(entry))
        self._write(body)

    def _stored(self, raw: bytes, blocks: Iterable[bytes], size: int) -> None:
        entry = _Entry(raw, STORED, 0, size, size, self._at)
        self._write(self._local(entry))
        crc = done = 0
        for block in blocks:
            if done and done % FLUSH == 0:
                durable.step("write", self._part)
            crc = zlib.crc32(block, crc)
            self._write(block)
            done += len(block)
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        os.lseek(self._fd, entry.start + _CRC_AT, os.SEEK_SET)
        os.write(self._fd, struct.pack("<I", crc))
        os.lseek(self._fd, end, os.SEEK_SET)
        self._entries.append(entry._replace(crc=crc))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        self._at += len(view)
        while view:
            view = view[os.write(self._fd, view) :]

    def _common(self, entry: _Entry, extra: bytes) -> tuple[bytes, int]:
        """Return the fields that both headers share, and the version needed."""
        needed = VERSION_64 if extra else _VERSION
        flags = 0 if entry.raw.isascii() else UTF8
        wide = max(entry.size, entry.packed) >= FULL32
        packed, size = (FULL32, FULL32) if wide else (entry.packed, entry.size)
        time, date = self._moment
        body = struct.pack(
            "<HHHHHIIIHH", needed, flags, entry.method, time, date, entry.crc, packed, size,
            len(entry.raw), len(extra),
        )  # fmt: skip
        return body, needed

    def _local(self, entry: _Entry) -> bytes:
        # The version must equal that of the central header, which also knows the offset.
        extra = _extra(entry, offset=False)
        body, _ = self._common(entry, extra)
        if _extra(entry, offset=True):
            body = struct.pack("<H", VERSION_64) + body[2:]
        return LOCAL + body + entry.raw + extra

    def _central(self, entry: _Entry) -> bytes:
        extra = _extra(entry, offset=True)
        body, needed = self._common(entry, extra)
        made = UNIX << 8 | needed
        start = min(FULL32, entry.start)
        tail = struct.pack("<HHHII", 0, 0, 0, (_REGULAR | MODE) << 16, start)
        return CENTRAL + struct.pack("<H", made) + body + tail + entry.raw + extra


def _extra(entry: _Entry, *, offset: bool) -> bytes:
    """Return the zip64 field: size, packed size, and in the directory the offset, when needed."""
    values = []
    if max(entry.size, entry.packed) >= FULL32:
        values += [entry.size, entry.packed]
    if offset and entry.start >= FULL32:
        values.append(entry.start)
    if not values:
        return b""
    return struct.pack(f"<HH{len(values)}Q", EXTRA_64, 8 * len(values), *values)


def _end(count: int, start: int, length: int) -> bytes:
    short = struct.pack(
        "<4sHHHHIIH", END, 0, 0, min(count, FULL16), min(count, FULL16), min(length, FULL32),
        min(start, FULL32), 0,
    )  # fmt: skip
    if count < FULL16 and max(start, length) < FULL32:
        return short
    record = struct.pack(
        "<4sQHHIIQQQQ", END64, 44, UNIX << 8 | VERSION_64, VERSION_64, 0, 0, count, count, length,
        start,
    )  # fmt: skip
    return record + struct.pack("<4sIQI", LOCATOR64, 0, start + length, 1) + short


def _dos(moment: datetime.datetime) -> tuple[int, int]:
    """Return MS-DOS time and date (UTC, two-second steps, from 1980)."""
    year = max(moment.year, 1980) - 1980
    date = year << 9 | moment.month << 5 | moment.day
    return moment.hour << 11 | moment.minute << 5 | moment.second // 2, date
