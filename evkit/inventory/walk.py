"""Walking a file system by metadata address, never by path (child only).

Directories in use come first, then deleted ones, so that a record that is reached both ways is
listed under the name it has now. Streams are digested in windows, sorted by their place on disk.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.inventory import native
from evkit.inventory.names import Folder, name_row, root_row
from evkit.inventory.streams import first_block
from evkit.inventory.volume import MAX_INODE, Seen

if TYPE_CHECKING:
    from evkit.inventory.native import Native
    from evkit.inventory.streams import Streams
    from evkit.inventory.volume import Volume
    from evkit.inventory.wire import Sender

MAX_DEPTH = 512
MAX_PATH = 1 << 15
WINDOW = 100_000  # records whose streams wait to be digested in disk order
_NO_ENTRIES = "orphans-not-asked-for"


class Walk:
    """One pass over a file system.

    Args:
        volume: the file system.
        sender: takes the rows.
        streams: makes the stream rows.
    """

    def __init__(self, volume: Volume, sender: Sender, streams: Streams) -> None:
        self._volume = volume
        self._send = sender
        self._streams = streams
        self._folders: deque[Folder] = deque()
        self._deleted: deque[Folder] = deque()
        self._listed = Seen()
        self._taken = Seen()
        self._waiting: list[tuple[int, int]] = []

    def run(self) -> None:
        """List everything from the root, then digest what still waits."""
        volume = self._volume
        root = Folder(volume.root, self._root_sequence(), b"/", allocated=True, depth=0)
        self._listed.add(volume.root)
        self._folders.append(root)
        while self._folders or self._deleted:
            folder = (self._folders or self._deleted).popleft()
            self._list(folder)
            if len(self._waiting) >= WINDOW:
                self._digest()
        self._digest()

    @property
    def records(self) -> Seen:
        """All records that were taken and all directories that were listed."""
        for inode in self._listed:
            self._taken.add(inode)
        return self._taken

    def _root_sequence(self) -> int:
        try:
            file = self._volume.handle.open_meta(self._volume.root)
            meta = file.info.meta
            self._send.row(root_row(self._volume, meta))
            self._collect(file, meta)
            return int(meta.seq) if self._volume.has_sequence else 0
        except native.ERRORS as error:
            self._send.row(root_row(self._volume, None))
            self._error(self._volume.root, "record-not-readable", error)
            return 0

    def _digest(self) -> None:
        self._waiting.sort()
        for _, inode in self._waiting:
            self._streams.record(inode)
        self._waiting = []

    def _list(self, folder: Folder) -> None:
        """List one directory: rows for its entries, then its own row with the outcome."""
        count, state, reason, detail = 0, "ok", "", ""
        if folder.depth > MAX_DEPTH or len(folder.path) > MAX_PATH:
            state, reason = "unreadable", "too-deep"
        else:
            try:
                for file in self._volume.handle.open_dir(inode=folder.inode):
                    if folder.most and count >= folder.most:
                        state, reason = "skipped", "orphans-over-limit"
                        break
                    count += self._entry(folder, file)
                    self._send.beat(self._streams.done)
            except native.ERRORS as error:
                state, reason, detail = "unreadable", "directory-not-listed", native.clean(error)
                if not folder.allocated:
                    state, reason = "skipped", "deleted-content-lost"
        self._folder_row(folder, count, state, reason, detail)

    def _folder_row(
        self, folder: Folder, count: int, state: str, reason: str, detail: str = ""
    ) -> None:
        row: dict[str, Any] = {
            "row": "directory",
            "fs": self._volume.job.fs,
            "inode": folder.inode,
            "seq": folder.seq,
            **to_fields(folder.path),
            "allocated": folder.allocated,
            "entries": count,
            "state": state,
        }
        if reason:
            row["reason"] = reason
        if detail:
            row["detail"] = detail
        if reason == _NO_ENTRIES or folder.most:
            row["flags"] = ["virtual"]
        self._send.row(row)

    def _entry(self, folder: Folder, file: Native) -> int:
        """Send the row of one entry; returns 1, or 0 for `.` and `..`."""
        entry = file.info.name
        if entry.name in {b".", b".."}:
            return 0
        inode = int(entry.meta_addr)
        if not 0 <= inode <= MAX_INODE:
            self._error(0, "address-out-of-range", ValueError(str(inode)), folder)
            return 1
        file, meta, reallocated = self._record(file)
        row = name_row(self._volume, folder, file, meta, reallocated)
        if meta is None and reallocated is None:
            row["state"], row["reason"] = "unreadable", "record-not-readable"
        self._send.row(row)
        if meta is not None and "virtual" not in row.get("flags", ()):
            self._collect(file, meta)
        kind = int(meta.type) if meta is not None else 0
        orphans = kind == native.META_VIRTUAL_DIRECTORY
        child = Folder(
            inode,
            row.get("seq", 0),
            folder.child(bytes(entry.name)),
            reallocated is None,
            folder.depth + 1,
            self._volume.job.orphans if orphans else 0,
        )
        if orphans and not child.most:
            self._folder_row(child, 0, "skipped", _NO_ENTRIES)
        elif orphans and self._listed.add(inode):
            self._deleted.append(child)
        elif kind == native.META_DIRECTORY and self._listed.add(inode):
            (self._folders if child.allocated else self._deleted).append(child)
        return 1

    def _record(self, file: Native) -> tuple[Native, Native, str | None]:
        """Return (file with the record or the name only, its metadata or None, `reallocated`)."""
        entry, meta = file.info.name, file.info.meta
        in_use = bool(int(entry.flags) & native.NAME_ALLOCATED)
        found = file
        if meta is None:
            try:
                found = self._volume.handle.open_meta(int(entry.meta_addr))
                meta = found.info.meta
            except native.ERRORS:
                return file, None, None if in_use else "unknown"
        belongs, reallocated = self._volume.tie(entry, meta)
        if not belongs:
            return file, None, reallocated
        return _Named(file, found) if found is not file else file, meta, reallocated

    def _collect(self, file: Native, meta: Native) -> None:
        """Keep a record for digesting, once, however many names it has."""
        kind, inode = int(meta.type), int(meta.addr)
        regular = kind == native.META_REGULAR
        if not regular and self._volume.kind not in {"ntfs", "hfs-plus"}:
            return
        if self._taken.add(inode):
            try:
                place = first_block(file)
            except native.ERRORS:
                place = 0
            self._waiting.append((place, inode))

    def _error(
        self, inode: int, reason: str, error: BaseException, folder: Folder | None = None
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
        self._send.row(row)


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
