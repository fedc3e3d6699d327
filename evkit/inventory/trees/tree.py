"""Rows of files: a folder, or the files that an intake took in (child only, for the file types).

The rows have the shape of those of a file system. `inode` is a number that evkit gives: the row of
the intake's list, or a count over the folder in order of the names' bytes. Nothing is followed,
nothing is changed; where the system allows it not even the access time.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields, unb64
from evkit.core.text import escape
from evkit.hashing.reading import open_evidence
from evkit.inventory.archives.stated import Stated
from evkit.inventory.trees.filestream import Files, Rows
from evkit.inventory.trees.placeholders import is_placeholder

if TYPE_CHECKING:
    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.wire import Sender

MAX_DEPTH = 512
_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISLNK, "symlink"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "character-device"),
    (stat.S_ISBLK, "block-device"),
)


class Folders:
    """Walks a folder without following links; hard links are digested once.

    Args:
        files: digests the content.
        rows: takes the rows.
        stated: collects what exports state of their files.
    """

    def __init__(self, files: Files, rows: Rows, stated: Stated) -> None:
        self._files = files
        self._send = rows
        self._stated = stated
        self._count = 0
        self._linked: dict[tuple[int, int], int] = {}

    def run(self, root: bytes, single: bytes = b"") -> None:
        """Send all rows below `root`, or those of the one entry `single` of it."""
        self._count = 1
        facts = os.lstat(root)
        self._send.row(_name_row(1, 1, b"/", b"", facts))
        self._list(root, b"", 1, 0, facts, [single] if single else None)

    def _list(
        self, real: bytes, shown: bytes, parent: int, depth: int, facts: os.stat_result,
        only: list[bytes] | None = None,
    ) -> None:  # fmt: skip
        row: dict[str, Any] = {
            "row": "directory", "fs": 1, "inode": parent, "seq": 0,
            **to_fields(shown or b"/"), "allocated": True, "entries": 0, "state": "ok",
        }  # fmt: skip
        entries = only or []
        if depth > MAX_DEPTH:
            row |= {"state": "unreadable", "reason": "too-deep"}
        elif is_placeholder(facts):
            row |= {"state": "skipped", "reason": "cloud-placeholder"}
        elif only is None:
            try:
                entries = _names(real)
            except OSError as error:
                row |= {"state": "unreadable", "reason": "directory-not-listed"}
                row["detail"] = escape(error.strerror or type(error).__name__)
        row["entries"] = len(entries)
        self._send.row(row)
        self._stated.folder(real, shown, entries)
        folders = []
        for name in entries:
            number, found = self._entry(real, shown, parent, name)
            self._stated.numbered(shown + b"/" + name, number)
            if found is not None and stat.S_ISDIR(found.st_mode):
                folders.append((name, number, found))
        for name, number, found in folders:
            self._list(os.path.join(real, name), shown + b"/" + name, number, depth + 1, found)

    def _entry(
        self, real: bytes, shown: bytes, parent: int, name: bytes
    ) -> tuple[int, os.stat_result | None]:
        """Send the rows of one entry; returns its number and what the system says of it."""
        path = os.path.join(real, name)
        self._count += 1
        number = self._count
        try:
            facts = os.lstat(path)
        except OSError as error:
            row = _name_row(number, parent, shown + b"/" + name, name, None)
            row |= {"state": "unreadable", "reason": "record-not-readable"}
            self._send.row(row | {"detail": escape(error.strerror or "")})
            return number, None
        first = True
        if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
            known = self._linked.setdefault((facts.st_dev, facts.st_ino), number)
            first, number = known == number, known
        row = _name_row(number, parent, shown + b"/" + name, name, facts)
        if stat.S_ISLNK(facts.st_mode):
            try:
                row |= to_fields(os.readlink(path), "target")
            except OSError:
                row |= {"state": "unreadable", "reason": "link-not-readable"}
        self._send.row(row)
        if stat.S_ISREG(facts.st_mode) and first:
            self._files.stream(path, number, shown + b"/" + name)
        return number, facts


def send_files(request: dict[str, Any], sender: Sender, types: FileTypes | None) -> None:
    """Serve the tasks about files: `tree`, and `inside` for the archives found there."""
    if request["task"] == "inside":
        from evkit.inventory.archives.task import send_inside

        send_inside(request, sender, types)
    else:
        send_tree(request, sender, types)


def send_tree(request: dict[str, Any], sender: Sender, types: FileTypes | None) -> None:
    """Send all rows of a folder, of one file, or of the list of an intake."""
    root = unb64(request["root"])
    rows, stated = Rows(sender), Stated(request["hashes"])
    files = Files(
        rows, request["hashes"], types, archives=request["archives"],
        stored=request.get("stored", 0), stated=stated,
    )  # fmt: skip
    sender.send("fs", {"type": "tree", "size": 0, "zone": "utc", "state": "ok"})
    if "list" in request:
        from evkit.inventory.trees.takenin import send_list

        send_list(unb64(request["list"]), root, files, rows, stated)
    else:
        Folders(files, rows, stated).run(root, unb64(request.get("single", "")))
    for row in stated.finish():
        rows.row(row)


def _name_row(
    number: int, parent: int, path: bytes, name: bytes, facts: os.stat_result | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "row": "name", "fs": 1, "inode": number, **to_fields(path), **to_fields(name, "name"),
        "parent": parent, "type": "unknown", "allocated": True, "state": "ok",
    }  # fmt: skip
    if facts is None:
        return row
    row["type"] = next((kind for test, kind in _KINDS if test(facts.st_mode)), "other")
    found = {"a": facts.st_atime_ns, "c": facts.st_ctime_ns, "m": facts.st_mtime_ns}
    birth = getattr(facts, "st_birthtime_ns", None)
    if birth is not None:
        found["b"] = int(birth)
    return row | {
        "seq": 0,
        "mode": stat.S_IMODE(facts.st_mode),
        "uid": facts.st_uid,
        "gid": facts.st_gid,
        "links": facts.st_nlink,
        "times": {key: str(value) for key, value in found.items()},
        "zone": "utc",
        "resolution": dict.fromkeys(found, 1),
    }


def _names(path: bytes) -> list[bytes]:
    """Return the names in a folder in order of their bytes."""
    if os.listdir not in os.supports_fd:
        return sorted(os.listdir(path))
    descriptor = open_evidence(path)
    try:
        return sorted(os.fsencode(name) for name in os.listdir(descriptor))
    finally:
        os.close(descriptor)
