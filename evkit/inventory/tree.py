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
from evkit.inventory.filestream import Files

if TYPE_CHECKING:
    from evkit.inventory.filetype import FileTypes
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
    """Walks a folder without following links; hard links are digested once."""

    def __init__(self, files: Files, sender: Sender) -> None:
        self._files = files
        self._send = sender
        self._count = 0
        self._linked: dict[tuple[int, int], int] = {}

    def run(self, root: bytes) -> None:
        """Send all rows below `root`."""
        self._count = 1
        facts = os.lstat(root)
        self._send.row(_name_row(1, 1, b"/", b"", facts))
        self._list(root, b"", 1, 0)

    def _list(self, real: bytes, shown: bytes, parent: int, depth: int) -> None:
        row: dict[str, Any] = {
            "row": "directory", "fs": 1, "inode": parent, "seq": 0,
            **to_fields(shown or b"/"), "allocated": True, "entries": 0, "state": "ok",
        }  # fmt: skip
        entries: list[bytes] = []
        if depth > MAX_DEPTH:
            row |= {"state": "unreadable", "reason": "too-deep"}
        else:
            try:
                entries = _names(real)
            except OSError as error:
                row |= {"state": "unreadable", "reason": "directory-not-listed"}
                row["detail"] = escape(error.strerror or type(error).__name__)
        row["entries"] = len(entries)
        self._send.row(row)
        folders = []
        for name in entries:
            number = self._entry(real, shown, parent, name)
            if number:
                folders.append((name, number))
        for name, number in folders:
            self._list(os.path.join(real, name), shown + b"/" + name, number, depth + 1)

    def _entry(self, real: bytes, shown: bytes, parent: int, name: bytes) -> int:
        """Send the rows of one entry; returns its number when it is a folder, else 0."""
        path = os.path.join(real, name)
        self._count += 1
        number = self._count
        try:
            facts = os.lstat(path)
        except OSError as error:
            row = _name_row(number, parent, shown + b"/" + name, name, None)
            row |= {"state": "unreadable", "reason": "record-not-readable"}
            self._send.row(row | {"detail": escape(error.strerror or "")})
            return 0
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
            self._files.stream(path, number)
        return number if stat.S_ISDIR(facts.st_mode) else 0


def send_tree(request: dict[str, Any], sender: Sender, types: FileTypes | None) -> None:
    """Send all rows of a folder, or of the list of an intake."""
    root = unb64(request["root"])
    files = Files(sender, request["hashes"], types)
    sender.send("fs", {"type": "tree", "size": 0, "zone": "utc", "state": "ok"})
    if "list" in request:
        from evkit.inventory.takenin import send_list

        send_list(unb64(request["list"]), root, files, sender)
    else:
        Folders(files, sender).run(root)


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
