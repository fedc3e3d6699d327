"""Walking a file system that a library has opened, by the same rules as libtsk's (child only)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.inventory import native
from evkit.inventory.names import Folder
from evkit.inventory.space import Run, Spaces
from evkit.inventory.volume import MAX_INODE, Seen
from evkit.inventory.walk import MAX_DEPTH, MAX_PATH, WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.inventory.foreign.content import Contents
    from evkit.inventory.foreign.model import Entry, Files
    from evkit.inventory.tsk import Image
    from evkit.inventory.volume import Job
    from evkit.inventory.wire import Sender

_NO_ENTRIES = "orphans-not-asked-for"


class ForeignWalk:
    """One pass over a file system.

    Args:
        job: the request.
        files: the file system.
        out: takes the rows.
        contents: makes the stream rows.
    """

    def __init__(self, job: Job, files: Files, out: Sender, contents: Contents) -> None:
        self._job, self._files, self._out, self._contents = job, files, out, contents
        self._folders: deque[Folder] = deque()
        self._deleted: deque[Folder] = deque()
        self._listed, self._taken = Seen(), Seen()
        self._waiting: list[tuple[int, int]] = []

    def run(self) -> None:
        """List everything from the root, then digest what still waits."""
        root = self._files.root()
        self._out.row(self._name_row(root, root.inode, 0, b"/"))
        self._listed.add(root.inode)
        self._collect(root)
        self._folders.append(Folder(root.inode, root.seq or 0, b"/", allocated=True, depth=0))
        while self._folders or self._deleted:
            self._list((self._folders or self._deleted).popleft())
            if len(self._waiting) >= WINDOW:
                self._digest()
        self._digest()

    def _list(self, folder: Folder) -> None:
        count, state, reason, detail = 0, "ok", "", ""
        if folder.depth > MAX_DEPTH or len(folder.path) > MAX_PATH:
            state, reason = "unreadable", "too-deep"
        else:
            try:
                for entry in self._files.entries(folder.inode, folder.most + 1):
                    if folder.most and count >= folder.most:
                        state, reason = "skipped", "orphans-over-limit"
                        break
                    count += 1
                    self._entry(folder, entry)
                    self._out.beat(self._contents.done)
            except native.ERRORS as error:
                state, reason, detail = "unreadable", "directory-not-listed", native.clean(error)
                if not folder.allocated:
                    state, reason = "skipped", "deleted-content-lost"
        self._folder_row(folder, count, (state, reason), detail)

    def _folder_row(
        self, folder: Folder, count: int, outcome: tuple[str, str], detail: str = ""
    ) -> None:
        state, reason = outcome
        row: dict[str, Any] = {
            "row": "directory",
            "fs": self._job.fs,
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
        self._out.row(row)

    def _entry(self, folder: Folder, entry: Entry) -> None:
        if entry.problem or not 0 <= entry.inode <= MAX_INODE:
            reason = "record-not-readable" if entry.problem else "address-out-of-range"
            detail = entry.problem or str(entry.inode)[:40]
            self._error(folder.inode, "walk", reason, detail, folder)
            return
        path = folder.child(entry.name)
        self._out.row(self._name_row(entry, folder.inode, folder.seq, path))
        most = self._job.orphans if entry.virtual else 0
        child = Folder(
            entry.inode, entry.seq or 0, path, entry.allocated and not entry.virtual,
            folder.depth + 1, most,
        )  # fmt: skip
        if entry.virtual and not most:
            self._folder_row(child, 0, ("skipped", _NO_ENTRIES))
            return
        if not entry.virtual:
            self._collect(entry)
        if entry.type == "directory" and self._listed.add(entry.inode):
            (self._folders if child.allocated else self._deleted).append(child)

    def _name_row(self, entry: Entry, parent: int, parent_seq: int, path: bytes) -> dict[str, Any]:
        row: dict[str, Any] = {
            "row": "name",
            "fs": self._job.fs,
            "inode": entry.inode,
            **to_fields(path),
            **to_fields(entry.name, "name"),
            "parent": parent,
            "type": entry.type,
            "allocated": entry.allocated,
            "state": "ok",
            **entry.fields,
        }
        if entry.seq is not None:
            row["seq"] = entry.seq
        if self._files.kind == "ntfs" and entry.name:
            row["parent_seq"] = parent_seq
        if not entry.allocated:
            row["reallocated"] = entry.reallocated
        if entry.virtual:
            row["flags"] = ["virtual"]
        return row

    def _collect(self, entry: Entry) -> None:
        if entry.has_contents and self._taken.add(entry.inode):
            self._waiting.append((entry.place, entry.inode))

    def _digest(self) -> None:
        self._waiting.sort()
        for _, inode in self._waiting:
            self.streams(inode)
        self._waiting = []

    def streams(self, inode: int) -> None:
        """Send the rows of the contents of a record."""
        try:
            seq = self._files.seq(inode)
            for content in self._files.contents(inode):
                self._contents.send(inode, seq, content, self._out)
        except native.ERRORS as error:
            self._error(inode, "streams", "record-not-readable", native.clean(error))

    def spaces(self, request: Mapping[str, Any], image: Image) -> None:
        """Send the space rows that the request asks for."""
        spaces = Spaces(self._job, image, self._out, request.get("most_space", 0))
        if request.get("slack"):
            spaces.slack(item for inode in self._taken for item in self._slack(inode))
        if request.get("unallocated"):
            free = self._files.free()
            if free is None:
                spaces.nothing("unallocated")
            else:
                spaces.unallocated(free, "bitmap")
            spaces.behind(int(self._files.facts()["size"]))

    def _slack(self, inode: int) -> list[tuple[Run, dict[str, Any]]]:
        try:
            seq = self._files.seq(inode)
            return [
                (
                    Run(*run),
                    {"inode": inode, "seq": seq, "attr": item.attr, "attr_id": item.attr_id},
                )
                for item in self._files.contents(inode)
                for run in (item.behind if item.basis == "allocated" else ())
            ]
        except native.ERRORS:
            return []  # its stream rows say so

    def _error(
        self, inode: int, stage: str, reason: str, detail: str, folder: Folder | None = None
    ) -> None:
        row: dict[str, Any] = {
            "row": "error", "fs": self._job.fs, "inode": inode, "stage": stage, "reason": reason,
            "detail": detail,
        }  # fmt: skip
        if folder is not None:
            row |= to_fields(folder.path)
        self._out.row(row)
