"""Streams of metadata records: which there are, what their rows say, reading them (child only).

While a directory is listed the rows of most records are made at once (`kept`): what is small or not
to be read is finished, what is plainly the bytes of its extents is an offer. Everything else is
read through libtsk when its turn comes (`record`).
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.inventory import native
from evkit.inventory.digesting import Digester
from evkit.inventory.streamrow import MAX_SIZE, StreamRow
from evkit.inventory.types.filetype import HEAD
from evkit.inventory.wire import OFFER, encode
from evkit.manifest.rows import HOLE, MAX_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.driver import Answer, Numbers
    from evkit.inventory.native import Native
    from evkit.inventory.offerable import Offerable
    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.volume import Volume

READ = 1 << 20  # larger than libtsk's cache block, so a read is one call for each run
SMALL = 4096  # bytes of a resident stream that is read while its directory is listed
_DATA = {
    native.ATTR_DEFAULT,
    native.NTFS_DATA,
    native.HFS_DATA,
    native.HFS_RESOURCE,
    native.HFS_EXTENDED,
}
_DATA |= {192, 208, 224, 256}  # NTFS reparse point, EA_INFORMATION, EA, LOGGED_UTILITY_STREAM
_DECMPFS = b"com.apple.decmpfs"
_UNUSUAL = (
    native.ATTR_RESIDENT | native.ATTR_ENCRYPTED | native.ATTR_COMPRESSED | native.ATTR_SPARSE
)
_BAD_CLUSTERS = 8  # record of `$BadClus`


def wanted(kind: int, meta_type: int) -> bool:
    """Say whether an attribute is a stream of its own: data, not a file system's bookkeeping."""
    if kind == native.ATTR_DEFAULT or (kind == native.HFS_DATA and meta_type == native.META_LINK):
        return meta_type == native.META_REGULAR
    return kind in _DATA


class _Stream:
    """An attribute with its row and what decides how it is read."""

    __slots__ = ("attribute", "bits", "exact", "hidden", "row")

    def __init__(
        self, attribute: Native, bits: int, row: StreamRow, *, exact: bool, hidden: bool
    ) -> None:
        self.attribute = attribute
        self.bits = bits
        self.row = row
        self.exact = exact
        self.hidden = hidden


class Streams:
    """Makes the stream rows of one volume.

    Args:
        volume: the file system.
        types: tells file types, None when they are not wanted.
        offerable: judges which streams are exactly their extents; None to have all read here.
    """

    def __init__(
        self, volume: Volume, types: FileTypes | None, offerable: Offerable | None = None
    ) -> None:
        self._volume = volume
        self._types = types
        self._offerable = offerable
        self._digester = Digester(volume.job.hashes)
        self._guessed = volume.kind.startswith("fat") or volume.kind == "exfat"
        self._certain = volume.kind == "ntfs" or self._guessed
        self._hfs = volume.kind.startswith("hfs")
        simply = offerable is not None and offerable.usable and not self._hfs
        self._simply = None if volume.job.unread or not simply else offerable

    def simple(self, file: Native, meta: Native, inode: int) -> Numbers | None:
        """Return the numbers of a record with one plain stream in one extent, else None.

        Most records are like that, so this is short; `kept` says the same of all others.

        Raises:
            Exception: one of `native.ERRORS`.
        """
        offerable = self._simply
        if offerable is None or not meta.flags & native.META_ALLOCATED:
            return None
        found = list(file)
        if len(found) > 1:
            meta_type = meta.type
            found = [one for one in found if wanted(one.info.type, meta_type)]
        if len(found) != 1:
            return None
        info = found[0].info
        size, attr, number = info.size, info.type, info.id
        if info.name or info.flags & _UNUSUAL or not wanted(attr, meta.type):
            return None
        runs = list(found[0])
        if not runs or not 0 < size <= MAX_SIZE:
            return None
        run, block = runs[0], self._volume.block_size
        if run.offset or run.len * block < size or run.flags:
            return None
        place = self._volume.job.offset + run.addr * block
        if not offerable.inside(place, size) or not offerable.written(inode, attr, number, size):
            return None
        return place, inode, size, attr, number, meta.seq if self._volume.has_sequence else 0, 0

    def kept(self, file: Native, meta: Native, inode: int) -> tuple[int, int, list[bytes]]:
        """Return (first place, bytes to be read, lines); no lines when libtsk must read the record.

        Raises:
            Exception: one of `native.ERRORS`.
        """
        lines: list[bytes] = []
        place, size, whole = 0, 0, True
        for stream in self._streams(file, meta, inode):
            row = stream.row
            if not place:
                place = next((at for at, _ in row.extents if at != HOLE), 0)
            size += row.size or 0
            if whole:
                whole = self._finish(file, stream, lines)
        return place, min(size, MAX_SIZE), lines if whole else []

    def _finish(self, file: Native, stream: _Stream, lines: list[bytes]) -> bool:
        """Make the lines of a stream without reading the medium; False when that cannot be."""
        row = stream.row
        reason = self._refusal(stream)
        if reason is not None:
            lines.append(row.failed(*reason))
        elif not row.size:
            lines.append(row.read(self._digester.of(b"")))
            self._type(lines, b"", 0)
        elif self._offerable is not None and self._offerable.says(
            stream.bits, row, exact=stream.exact
        ):
            lines.append(OFFER + row.offer())
        elif stream.bits & native.ATTR_RESIDENT and row.size <= SMALL:
            data = file.read_random(0, row.size, row.attr, row.attr_id)
            if len(data) != row.size:
                return False
            lines.append(row.read(self._digester.of(data)))
            self._type(lines, data, row.size)
        else:
            return False
        return True

    def _plain(self, stream: _Stream) -> bool:
        offerable = self._offerable
        return offerable is not None and offerable.says(stream.bits, stream.row, exact=stream.exact)

    def _type(self, lines: list[bytes], data: bytes, size: int) -> None:
        if self._types is None:
            return
        mime = self._types.of(data, self._digester.last("sha256") if size <= HEAD else None)
        if mime is not None:
            lines.append(encode(("type", mime)))

    def record(self, inode: int, out: Answer, only: tuple[int, int] | None = None) -> None:
        """Give a row for each stream of a metadata record, or for one: (type, number)."""
        try:
            file = self._volume.handle.open_meta(inode)
            found = list(self._streams(file, file.info.meta, inode))
        except native.ERRORS as error:
            out.row(self._problem(inode, "record-not-readable", error))
            return
        for stream in found:
            if only is None or only == (stream.row.attr, stream.row.attr_id):
                self._digest(file, stream, out)

    def _streams(self, file: Native, meta: Native, inode: int) -> Iterator[_Stream]:
        attributes = list(file)  # an iteration that stops half-way would go on there next time
        kind = int(meta.type)
        flags = int(meta.flags)
        compressed = self._hfs and (
            flags & native.META_COMPRESSED
            or any(
                int(item.info.type) == native.HFS_COMPRESSION or item.info.name == _DECMPFS
                for item in attributes
            )
        )
        allocated = bool(flags & native.META_ALLOCATED)
        seq = int(meta.seq) if self._volume.has_sequence else 0
        for attribute in attributes:
            attr = int(attribute.info.type)
            if wanted(attr, kind):
                row = StreamRow(self._volume.job.fs, inode, seq, attr, int(attribute.info.id))
                hidden = bool(compressed) and attr == native.HFS_DATA
                yield self._stream(attribute, row, allocated=allocated, hidden=hidden)

    def _stream(
        self, attribute: Native, row: StreamRow, *, allocated: bool, hidden: bool
    ) -> _Stream:
        info = attribute.info
        size, bits, name = int(info.size), int(info.flags), info.name
        if 0 <= size <= MAX_SIZE:
            row.size = size
        if name:
            row.name = bytes(name)
        exact = False
        resident = bits & native.ATTR_RESIDENT
        if not resident and self._volume.plain_blocks:
            stored = bits & native.ATTR_COMPRESSED
            exact = self._extents(attribute, MAX_SIZE if stored else size, row)
        if bits & native.ATTR_COMPRESSED:
            row.flags.append("compressed")
        if bits & native.ATTR_ENCRYPTED:
            row.flags.append("encrypted")
        if resident:
            row.flags.append("resident")
        places = [place for place, _ in row.extents]
        if bits & native.ATTR_SPARSE or HOLE in places:
            row.flags.append("sparse")
        placed = bool(resident) or any(place != HOLE for place in places)
        recorded = placed or (size == 0 and self._certain)
        row.basis = self._volume.basis(allocated=allocated, recorded=recorded)
        return _Stream(attribute, bits, row, exact=exact, hidden=hidden)

    def _extents(self, attribute: Native, size: int, row: StreamRow) -> bool:
        """Set [image offset or -1, length] in file order, and how many were left out.

        Returns:
            Each run begins where the one before it ends.
        """
        block, start, at = self._volume.block_size, self._volume.job.offset, 0
        exact = True
        for run in list(attribute):
            if at >= size:  # ext ends its runs with filler beyond the end
                break
            length, where = int(run.len) * block, int(run.offset) * block
            exact = exact and where == at and length > 0
            if where > at:
                _add(row, HOLE, min(where, size) - at)
                at = min(where, size)
            length = min(length, size - at)
            if length <= 0 or at + length > MAX_SIZE:
                return False
            hole = int(run.flags) & native.RUN_HOLE
            _add(row, HOLE if hole else start + int(run.addr) * block, length)
            at += length
        return exact

    def _refusal(self, stream: _Stream) -> tuple[str, str] | None:
        """Say why a stream is not even read: (state, reason), or None."""
        row = stream.row
        if stream.hidden:  # libtsk shows a size of zero and would give the digest of nothing
            return "unsupported", "hfs-compression"
        if row.size is None:
            return "damaged", "size-out-of-range"
        if row.basis == "none":
            return "skipped", "deleted-content-lost"
        if row.inode == _BAD_CLUSTERS and row.name == b"$Bad":
            return "skipped", "bad-cluster-list"
        if self._volume.job.unread and self._touches_unread(row):
            return "damaged", "unread-sectors"
        return None

    def _digest(self, file: Native, stream: _Stream, out: Answer) -> None:
        row = stream.row
        reason = self._refusal(stream)
        if reason is None and (row.size or 0) > out.budget:
            reason = ("unreadable", "read-budget")
        if reason is not None:
            out.line(row.failed(*reason))
            return
        if out.offering and self._plain(stream):
            out.line(OFFER + row.offer())
            out.done += row.size or 0
            out.budget -= row.size or 0
            out.beat()
            return
        self._read(file, row, out)

    def _read(self, file: Native, row: StreamRow, out: Answer) -> None:
        """Read a stream to its end and give its row, with its type or why there is none."""
        size, at, head, detail = row.size or 0, 0, b"", ""
        running = self._digester.begin()
        image = self._volume.image
        failures = image.failures
        try:
            while at < size:
                block = file.read_random(at, min(READ, size - at), row.attr, row.attr_id)
                if not block:
                    break
                if at < HEAD:
                    head += block[: HEAD - at]
                running.update(block)
                at += len(block)
                out.beat(at)
        except (*native.ERRORS, InputError) as error:
            detail = native.clean(error)
        out.done += at
        out.budget -= at
        if at == size and not detail:
            digests = running.digests()
            out.line(row.read(digests))
            if self._types is not None:
                small = digests.get("sha256") if size <= HEAD else None
                out.type(self._types.of(head, small))
            return
        if row.basis != "allocated" and failures == image.failures and not image.fails(row.extents):
            out.line(row.failed("skipped", "deleted-content-lost", at, detail))
        elif detail:
            out.line(row.failed("unreadable", "read-error", at, detail))
        else:
            out.line(row.failed("damaged", "short-read", at))

    def _touches_unread(self, row: StreamRow) -> bool:
        unread = self._volume.job.unread
        for place, span in row.extents:
            if place == HOLE:
                continue
            after = bisect.bisect_left(unread, (place + span, 0))
            if after and sum(unread[after - 1]) > place:
                return True
        return False

    def _problem(self, inode: int, reason: str, error: BaseException) -> dict[str, object]:
        return {
            "row": "error",
            "fs": self._volume.job.fs,
            "inode": inode,
            "stage": "streams",
            "reason": reason,
            "detail": native.clean(error),
        }


def _add(row: StreamRow, place: int, length: int) -> None:
    last = row.extents[-1] if row.extents else None
    if last is not None and (
        last[0] == place == HOLE or (HOLE not in {last[0], place} and sum(last) == place)
    ):
        last[1] += length
    elif len(row.extents) < MAX_EXTENTS:
        row.extents.append([place, length])
    else:
        row.left_out += 1
