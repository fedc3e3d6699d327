"""QEMU images (qcow, versions 1 to 3), decoded here: two levels of tables, deflate, parents.

Not through libqcow: version 20260703 gives zeros, without an error, for compressed clusters at odd
places of a version 3 image, and takes no raw parent. Layout: see `qcowheader`.
"""

from __future__ import annotations

import array
import os
import sys
import zlib
from typing import TYPE_CHECKING

from evkit.core.closing import Closing
from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images import detect
from evkit.images.beside import PARENT
from evkit.images.files import open_quietly, read_at
from evkit.images.model import Segment
from evkit.images.qcowheader import MARK, read_header
from evkit.images.raw import RawImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.images.beside import Files

MAX_DEPTH = 64
_TABLES = 16  # second-level tables kept
_OFFSET = 0x00FFFFFFFFFFFE00
_PACKED, _PACKED_FIRST = 1 << 62, 1 << 63
_DATA, _ZERO, _BELOW, _DEFLATED = range(4)


class QcowImage(Closing):
    """A QEMU image with its parents.

    Args:
        files: its first file, and which files its names stand for.
        depth: how many images lie above this one.

    Raises:
        InputError: the container is damaged, or a parent is missing or of another kind.
    """

    format = "qcow"
    sector_size: int | None = None

    def __init__(self, files: Files, depth: int = 0) -> None:
        self._path = files.taken[-1]
        self._shown = escape_bytes(self._path)
        self._below: QcowImage | RawImage | None = None
        self._tables: dict[int, Sequence[int]] = {}
        self._unpacked: tuple[int, bytes] = (-1, b"")
        self.stored_digests: Mapping[str, str] = {}
        self.declared_gaps: Sequence[tuple[int, int]] = ()
        try:
            self._descriptor = open_quietly(self._path)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            self._open(files, depth)
        except BaseException:
            self.close()
            raise
        self.segments: Sequence[Segment] = tuple(
            Segment(path=path, size=os.path.getsize(path)) for path in files.taken
        )

    def _open(self, files: Files, depth: int) -> None:
        try:
            self._end = os.lseek(self._descriptor, 0, os.SEEK_END)
            self._header = read_header(self._descriptor, self._shown)
            self._first = self._numbers(self._header.l1_offset, self._header.l1_size)
        except OSError as error:
            raise self._unreadable(error) from error
        header = self._header
        self.size = header.size
        self._bits = header.cluster_bits
        self._cluster = 1 << header.cluster_bits
        self.metadata: Mapping[str, str] = {
            "format_version": str(header.version),
            "cluster_size": str(self._cluster),
        }
        remarks = []
        if header.damaged:
            remarks.append("the container is marked as damaged by the program that wrote it")
        if header.snapshots:
            remarks.append(
                f"the container holds {header.snapshots} earlier states (snapshots) besides the "
                "medium; they were not read"
            )
        if header.backing:
            self._below = self._parent(files, depth)
        self.remarks: Sequence[str] = (*remarks, *(files.remarks if depth == 0 else ()))

    def close(self) -> None:
        """Close all files."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._below is not None:
            self._below.close()
            self._below = None

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium, fewer only at its end.

        Raises:
            OSError: a file could not be read.
            InputError: the container is damaged there.
        """
        if self._descriptor < 0:
            raise InputError("the image is closed")
        end = min(offset + size, self.size)
        found: list[bytes] = []
        while offset < end:
            kind, place = self._lookup(offset)
            length = min(end, self._run(offset, kind, place, end)) - offset
            found.append(self._bytes(kind, place, offset, length))
            offset += length
        return found[0] if len(found) == 1 else b"".join(found)

    def _lookup(self, offset: int) -> tuple[int, int]:
        """Return what the cluster at `offset` is, and where it lies (or its entry)."""
        index, rest = divmod(offset >> self._bits, 1 << self._header.l2_bits)
        table = self._second(self._first[index])
        entry = table[rest] if table else 0
        if self._header.version == 1:
            if entry & _PACKED_FIRST:
                return _DEFLATED, entry
            return (_DATA, entry) if entry else (_BELOW, 0)
        if entry & _PACKED:
            return _DEFLATED, entry
        if entry & 1 and self._header.version > 2:  # noqa: PLR2004 - version 2 has no such bit
            return _ZERO, 0
        place = entry & _OFFSET
        return (_DATA, place) if place else (_BELOW, 0)

    def _run(self, offset: int, kind: int, place: int, end: int) -> int:
        """Return where the clusters of one kind end that can be read at once."""
        start = offset >> self._bits
        stop = start + 1
        while kind != _DEFLATED and stop << self._bits < end:
            wanted = place + ((stop - start) << self._bits) if kind == _DATA else 0
            if self._lookup(stop << self._bits) != (kind, wanted):
                break
            stop += 1
        return stop << self._bits

    def _bytes(self, kind: int, place: int, offset: int, length: int) -> bytes:
        inside = offset & (self._cluster - 1)
        if kind == _DATA:
            return self._stored(place + inside, length)
        if kind == _DEFLATED:
            return self._inflated(place)[inside : inside + length]
        if kind == _ZERO or self._below is None:
            return bytes(length)
        return self._below.read(offset, length).ljust(length, b"\0")

    def _stored(self, place: int, length: int) -> bytes:
        found: list[bytes] = []
        while length:
            block = os.pread(self._descriptor, length, place) if place < self._end else b""
            if not block:
                raise InputError(f"`{self._shown}` ends before its data, at byte {place}")
            found.append(block)
            place += len(block)
            length -= len(block)
        return b"".join(found)

    def _inflated(self, entry: int) -> bytes:
        if self._unpacked[0] == entry:
            return self._unpacked[1]
        if self._header.version == 1:
            shift = 63 - self._bits
            place, length = entry & ((1 << shift) - 1), entry >> shift & (self._cluster - 1)
        else:
            shift = 62 - (self._bits - 8)
            place = entry & ((1 << shift) - 1)
            length = ((entry & (_PACKED - 1)) >> shift) * 512 + 512 - place % 512
        packed = read_at(self._descriptor, length, place) if place < self._end else b""
        try:
            data = zlib.decompressobj(-15).decompress(packed, self._cluster)
        except zlib.error:
            data = b""
        if len(data) != self._cluster:
            raise InputError(f"`{self._shown}` is damaged: a packed cluster at byte {place}")
        self._unpacked = (entry, data)
        return data

    def _second(self, entry: int) -> Sequence[int]:
        """Return a second-level table, nothing where there is none."""
        place = entry if self._header.version == 1 else entry & _OFFSET
        if not place:
            return ()
        if place not in self._tables:
            if len(self._tables) >= _TABLES:
                self._tables.pop(next(iter(self._tables)))
            self._tables[place] = self._numbers(place, 1 << self._header.l2_bits)
        return self._tables[place]

    def _numbers(self, place: int, count: int) -> Sequence[int]:
        data = read_at(self._descriptor, count * 8, place) if place < 1 << 62 else b""
        if len(data) < count * 8:
            raise InputError(f"`{self._shown}` ends inside a table, at byte {place}")
        found = array.array("Q", data)
        if sys.byteorder == "little":
            found.byteswap()
        return found

    def _parent(self, files: Files, depth: int) -> QcowImage | RawImage:
        if depth >= MAX_DEPTH:
            raise InputError(f"the image has over {MAX_DEPTH} parents")
        path = files.take([self._header.backing], PARENT)
        kind = self._header.backing_format or detect.detect(path).name
        if kind.startswith("qcow"):
            with RawImage([path]) as raw:
                if raw.read(0, len(MARK)) == MARK:
                    return QcowImage(files, depth + 1)
        elif kind == "raw":
            return RawImage([path])
        raise InputError(
            f"`{escape_bytes(path)}` is not the raw or QEMU image that its child is laid over",
            hint="merge the chain with `qemu-img convert` on a copy, and take both in",
        )

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"cannot read `{self._shown}`: {error.strerror or error}")
