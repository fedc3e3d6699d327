"""Listing a file system that a library has opened, by the same rules as libtsk's (child only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.inventory import native
from evkit.inventory.driver import NO_ORPHANS, Folder, folder_row
from evkit.inventory.space import Run, Spaces
from evkit.inventory.volume import MAX_INODE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.driver import Answer
    from evkit.inventory.foreign.content import Contents
    from evkit.inventory.foreign.model import Entry, Files
    from evkit.inventory.tsk import Image
    from evkit.inventory.volume import Job


class ForeignDriver:
    """A file system that a library reads.

    Args:
        job: the request.
        image: the medium.
        files: the file system.
        contents: makes the stream rows.
        library: versions of the libraries, for the record.

    Attributes:
        library: as given.
    """

    def __init__(
        self, job: Job, image: Image, files: Files, contents: Contents, library: str
    ) -> None:
        self.library = library
        self._job, self._image = job, image
        self._files, self._contents = files, contents

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message."""
        return self._files.facts()

    def list(self, folder: Folder, out: Answer) -> None:
        """List one directory: rows for its entries, then its own row with the outcome."""
        count, left_out, state, reason, detail = 0, 0, "ok", "", ""
        try:
            if not folder.depth:
                folder = self._root(folder, out)
            for entry in self._files.entries(folder.inode):
                if folder.most and count >= folder.most:
                    left_out += 1
                    continue
                count += 1
                self._entry(folder, entry, out)
                out.beat()
        except native.ERRORS as error:
            state, reason, detail = "unreadable", "directory-not-listed", native.clean(error)
            if not folder.allocated:
                state, reason = "skipped", "deleted-content-lost"
        if left_out and state == "ok":
            state, reason = "skipped", "orphans-over-limit"
        row = folder_row(self._job.fs, folder, count, state, reason, detail)
        out.row(row | ({"left_out": left_out} if left_out else {}))

    def streams(self, inode: int, out: Answer, only: tuple[int, int] | None = None) -> None:
        """Read the contents of a record."""
        try:
            seq = self._files.seq(inode)
            for content in self._files.contents(inode):
                if only is None or only == (content.attr, content.attr_id):
                    self._contents.send(inode, seq, content, out)
        except native.ERRORS as error:
            text = native.clean(error)
            self._error(inode, "record-not-readable", text, out, stage="streams")

    def spaces(self, what: str, inode: int, out: Answer) -> None:
        """Give the rows of slack of a record, or of all free space."""
        spaces = Spaces(self._job, self._image, out)
        if what == "slack":
            spaces.slack(self._slack(inode))
            return
        free = self._files.free()
        if free is None:
            spaces.nothing("unallocated")
        else:
            spaces.unallocated(free, "bitmap")
        spaces.behind(int(self._files.facts()["size"]))

    def _root(self, folder: Folder, out: Answer) -> Folder:
        """Give what the library misses and the root's name row; returns it with its sequence."""
        for row in self._files.missed():
            out.row(row)
        root = self._files.root()
        out.row(self._name_row(root, root.inode, 0, b"/"))
        self._collect(root, out)
        return Folder(root.inode, root.seq or 0, folder.path, allocated=True, depth=0)

    def _entry(self, folder: Folder, entry: Entry, out: Answer) -> None:
        if entry.problem or not 0 <= entry.inode <= MAX_INODE:
            reason = "record-not-readable" if entry.problem else "address-out-of-range"
            detail = entry.problem or str(entry.inode)[:40]
            more = to_fields(folder.path)
            self._error(folder.inode, reason, detail, out, stage="walk", **more)
            return
        path = folder.child(entry.name)
        out.row(self._name_row(entry, folder.inode, folder.seq, path))
        if not entry.virtual:
            self._collect(entry, out)
            if entry.type == "directory":
                out.folder(entry.inode, entry.seq or 0, entry.name, allocated=entry.allocated)
        elif self._job.orphans:
            most = self._job.orphans
            out.folder(entry.inode, 0, entry.name, allocated=False, most=most)
        else:
            child = Folder(entry.inode, 0, path, entry.allocated, folder.depth + 1)
            out.row(folder_row(self._job.fs, child, 0, "skipped", NO_ORPHANS))

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

    def _collect(self, entry: Entry, out: Answer) -> None:
        if entry.has_contents:
            out.record(entry.inode, entry.place, min(max(entry.size, 0), MAX_INODE))

    def _slack(self, inode: int) -> Sequence[tuple[Run, dict[str, Any]]]:
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
        except (*native.ERRORS, InputError):
            return []  # its stream rows say so

    def _error(self, inode: int, reason: str, detail: str, out: Answer, **more: str) -> None:
        row = {"row": "error", "fs": self._job.fs, "inode": inode, "reason": reason}
        out.row(row | {"detail": detail, **more})
