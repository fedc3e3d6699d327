"""Listing directories with libtsk by metadata address, never by path (child only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.inventory import dircheck, native, space
from evkit.inventory.driver import NO_ORPHANS, Folder, folder_row
from evkit.inventory.names import Names
from evkit.inventory.usual import Usual
from evkit.inventory.volume import MAX_INODE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.inventory.driver import Answer
    from evkit.inventory.native import Native
    from evkit.inventory.streams import Streams
    from evkit.inventory.volume import Volume

_LARGE = 1 << 20  # bytes of a directory that takes libtsk long: its time grows with their square
_RECORDED = frozenset({*dircheck.DOTTED, "ntfs"})  # a name and its record are two things
_STREAMED = frozenset({"ntfs", "hfs-plus"})  # directories and links have streams too


class TskDriver:
    """A file system that libtsk reads.

    Args:
        volume: the file system.
        streams: makes the stream rows.
        missed: rows for what else is on the volume and is not read.
    """

    def __init__(
        self, volume: Volume, streams: Streams, missed: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._volume = volume
        self._streams = streams
        self._missed = missed
        self._names = Names(volume)
        self._all_streamed = volume.kind in _STREAMED
        self._usual = Usual(volume, self._names, self._streamed, all_streamed=self._all_streamed)

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message."""
        return self._volume.facts()

    def streams(self, inode: int, out: Answer, only: tuple[int, int] | None = None) -> None:
        """Read the streams of a record."""
        self._streams.record(inode, out, only)

    def spaces(self, what: str, inode: int, out: Answer) -> None:
        """Give the rows of slack of a record, or of all free space."""
        space.give(self._volume, what, inode, out)

    def list(self, folder: Folder, out: Answer) -> None:
        """List one directory: rows for its entries, then its own row with the outcome."""
        if not folder.depth:
            folder = self._root(folder, out)
        count, left_out, state, reason, detail = 0, 0, "ok", "", ""
        check = dircheck.Check(self._volume, folder)
        usual = self._usual if self._usual.begin(folder) and not folder.most else None
        try:
            for file in self._open(folder, out):
                if usual is not None and usual.take(file, out):
                    count += 1
                elif folder.most and count >= folder.most:
                    left_out += 1
                    continue
                else:
                    self._usual.flush(out)
                    if check.needed:
                        check.saw(file.info.name)
                    count += self._entry(folder, file, out)
                if not count & 0xFF:
                    out.beat()
        except native.ERRORS as error:
            state, reason, detail = "unreadable", "directory-not-listed", native.clean(error)
            if not folder.allocated:
                state, reason = "skipped", "deleted-content-lost"
        self._usual.flush(out)
        if check.needed and state == "ok" and (detail := check.wrong()):
            state, reason = "damaged", "directory-not-whole"
        if left_out and state == "ok":
            state, reason = "skipped", "orphans-over-limit"
        row = folder_row(self._volume.job.fs, folder, count, state, reason, detail)
        out.row(row | ({"left_out": left_out} if left_out else {}))

    def _open(self, folder: Folder, out: Answer) -> Native:
        handle = self._volume.handle
        try:
            meta = handle.open_meta(folder.inode).info.meta
            large, kind = int(meta.size) >= _LARGE, int(meta.type)
        except native.ERRORS:
            large, kind = True, native.META_DIRECTORY
        if kind not in {native.META_DIRECTORY, native.META_VIRTUAL_DIRECTORY}:
            raise ValueError("its record is not that of a directory")
        if large:
            out.flush()  # so that it is known where a child was that is ended here
        return handle.open_dir(inode=folder.inode)

    def _root(self, folder: Folder, out: Answer) -> Folder:
        """Give the root's name row and streams; returns it with its sequence number."""
        root = folder.inode
        for row in self._missed:
            out.row(row)
        try:
            file = self._volume.handle.open_meta(root)
            meta = file.info.meta
            out.line(self._names.root(meta))
            self._collect(file, meta, out)
            seq = int(meta.seq) if self._volume.has_sequence else 0
        except native.ERRORS as error:
            out.line(self._names.root(None))
            self._error(root, "record-not-readable", error, out)
            return folder
        return Folder(root, seq, folder.path, allocated=True, depth=0)

    def _entry(self, folder: Folder, file: Native, out: Answer) -> int:
        """Give the row of one entry; returns 1, or 0 for `.` and `..`."""
        entry = file.info.name
        raw = entry.name
        if raw in {b".", b".."}:
            return 0
        inode = int(entry.meta_addr)
        if not 0 <= inode <= MAX_INODE:
            self._error(0, "address-out-of-range", ValueError(str(inode)), out, folder)
            return 1
        file, meta, reallocated = self._record(file)
        why = "" if reallocated is not None else self._contradiction(entry, meta)
        row, virtual = self._names.row(folder, file, meta, reallocated, why)
        out.line(row)
        if meta is None:
            return 1
        if not virtual:
            self._collect(file, meta, out)
        kind = int(meta.type)
        if kind in {native.META_DIRECTORY, native.META_VIRTUAL_DIRECTORY}:
            self._folder(folder, file, (inode, reallocated is None), out)
        return 1

    def _folder(self, folder: Folder, file: Native, found: tuple[int, bool], out: Answer) -> None:
        meta, name = file.info.meta, bytes(file.info.name.name)
        inode, used = found
        seq = int(meta.seq) if self._volume.has_sequence else 0
        if int(meta.type) == native.META_DIRECTORY:
            out.folder(inode, seq, name, allocated=used)
            return
        most = self._volume.job.orphans
        if most:
            out.folder(inode, seq, name, allocated=used, most=most)
            return
        child = Folder(inode, seq, folder.child(name), used, folder.depth + 1)
        out.row(folder_row(self._volume.job.fs, child, 0, "skipped", NO_ORPHANS))

    def _record(self, file: Native) -> tuple[Native, Native, str | None]:
        """Return (file with the record or the name only, its metadata or None, `reallocated`)."""
        info = file.info
        entry, meta = info.name, info.meta
        found = file
        if meta is None:
            try:
                found = self._volume.handle.open_meta(int(entry.meta_addr))
                meta = found.info.meta
            except native.ERRORS:
                in_use = bool(int(entry.flags) & native.NAME_ALLOCATED)
                return file, None, None if in_use else "unknown"
        belongs, reallocated = self._volume.tie(entry, meta)
        if not belongs:
            return file, None, reallocated
        return _Named(file, found) if found is not file else file, meta, reallocated

    def _contradiction(self, entry: Native, meta: Native) -> str:
        """Say why a name in use cannot be right beside its record; empty when it can."""
        if meta is None:
            return "record-not-readable"
        if self._volume.kind not in _RECORDED:
            return ""
        named, kind = int(entry.type), int(meta.type)
        if not int(meta.flags) & native.META_ALLOCATED or not kind:
            return "record-not-in-use"
        directory = named == native.NAME_DIRECTORY
        if named and directory != (kind == native.META_DIRECTORY):
            return "record-of-another-kind"
        return ""

    def _collect(self, file: Native, meta: Native, out: Answer) -> None:
        """Give a record whose streams are wanted."""
        if self._all_streamed or int(meta.type) == native.META_REGULAR:
            self._streamed(file, meta, int(meta.addr), out)

    def _streamed(self, file: Native, meta: Native, inode: int, out: Answer) -> None:
        try:
            simple = self._streams.simple(file, meta, inode)
            if simple is not None:
                out.simple(simple)
            else:
                out.record(inode, *self._streams.kept(file, meta, inode))
        except native.ERRORS:
            out.record(inode, 0)

    def _error(
        self,
        inode: int,
        reason: str,
        error: BaseException,
        out: Answer,
        folder: Folder | None = None,
    ) -> None:
        row: dict[str, Any] = {
            "row": "error",
            "fs": self._volume.job.fs,
            "inode": inode,
            "stage": "walk",
            "reason": reason,
            "detail": native.clean(error),
        }
        if folder is not None:
            row |= to_fields(folder.path)
        out.row(row)


class _Named:
    """A record opened by its address together with the name that led to it."""

    def __init__(self, named: Native, record: Native) -> None:
        self.info = _Info(named.info.name, record.info.meta)
        self._record = record

    def __iter__(self) -> Native:
        return iter(self._record)

    def read_random(self, *arguments: int) -> bytes:
        """Read from the record."""
        return bytes(self._record.read_random(*arguments))


class _Info:
    def __init__(self, name: Native, meta: Native) -> None:
        self.name = name
        self.meta = meta
