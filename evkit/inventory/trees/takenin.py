"""Rows of an acquisition of files: from the list of an intake, `files.jsonl` (child only).

Content that was copied in is read again and compared with the list; content that was digested in
place is not here, so its rows repeat the digests that the intake recorded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.limits import read_lines
from evkit.core.paths import to_fields
from evkit.core.text import escape
from evkit.inventory.archives.packages import Names
from evkit.manifest import filelist
from evkit.manifest.rows import DIGESTS

if TYPE_CHECKING:
    from evkit.inventory.archives.stated import Stated
    from evkit.inventory.trees.filestream import Files, Rows

_TYPES = {"file": "file", "symlink": "symlink", "dir": "directory", "special": "other"}
_CHANGED = "it changed while it was taken in"


def send_list(path: bytes, folder: bytes, files: Files, rows: Rows, stated: Stated) -> None:
    """Send the rows of all files of an intake.

    Args:
        path: the list.
        folder: the acquisition's folder, where the neutral names of the list lie.
        files: digests and types the content.
        rows: takes the rows.
        stated: collects what exports among the files state of them.

    Raises:
        InputError: the list is damaged; the message names the row.
    """
    entries = 0
    _statements(path, folder, stated)
    with open(path, "rb") as handle:
        lines = (line for _, line in read_lines(handle, filelist.MAX_ROW))
        for row in filelist.iter_rows(lines):
            entries += 1
            rows.row(_name(row))
            stated.numbered(row.path, row.n)
            if row.type == "file":
                _content(row, folder, files, rows)
    top: dict[str, Any] = {
        "row": "directory", "fs": 1, "inode": 0, "seq": 0, "path": "/", "allocated": True,
        "entries": entries, "state": "ok",
    }  # fmt: skip
    rows.row(top)


def _statements(path: bytes, folder: bytes, stated: Stated) -> None:
    """Look for files that state digests of others, before those are read."""
    names = Names()
    with open(path, "rb") as handle:
        lines = (line for _, line in read_lines(handle, filelist.MAX_ROW))
        try:
            for row in filelist.iter_rows(lines):
                names.add(row.path)
                if row.type == "file" and row.name is not None:
                    stored = os.path.join(folder, *row.name.encode("ascii").split(b"/"))
                    stated.file(stored, row.path)
        except InputError:
            pass  # said when the list is read for its rows
    for package in names.found():
        stated.package(package)


def _name(taken: filelist.Row) -> dict[str, Any]:
    row: dict[str, Any] = {
        "row": "name", "fs": 1, "inode": taken.n, "seq": 0, **to_fields(taken.path),
        **to_fields(taken.path.rpartition(b"/")[2], "name"), "parent": 0,
        "type": _TYPES[taken.type], "allocated": True, "state": "ok",
    }  # fmt: skip
    for key in ("mode", "uid", "gid"):
        if getattr(taken, key) is not None:
            row[key] = getattr(taken, key)
    stamps = {"a": taken.atime_ns, "c": taken.ctime_ns, "m": taken.mtime_ns}
    found = {letter: str(value) for letter, value in stamps.items() if value is not None}
    if found:
        row |= {"times": found, "zone": "utc", "resolution": dict.fromkeys(found, 1)}
    if taken.target is not None:
        row |= to_fields(taken.target, "target")
    if taken.name is not None:
        row["stored"] = taken.name
    if taken.state == "unreadable" and taken.type != "file":
        row |= {"state": "unreadable", "reason": "unreadable-at-intake"}
    if taken.reason:
        row["detail"] = escape(taken.reason)
    return row


def _content(taken: filelist.Row, folder: bytes, files: Files, rows: Rows) -> None:
    row: dict[str, Any] = {
        "row": "stream", "fs": 1, "inode": taken.n, "seq": 0, "attr": 1, "attr_id": 0,
        "bytes_digested": 0, "basis": "allocated",
    }  # fmt: skip
    if taken.state == "unreadable" or taken.size is None:
        rows.row(row | {"state": "unreadable", "reason": "unreadable-at-intake"})
        return
    digests = {name: getattr(taken, name) for name in DIGESTS if getattr(taken, name)}
    changed = _CHANGED if taken.state == "changed" else ""
    if taken.name is None:
        row |= {"size": taken.size, "bytes_digested": taken.size, "digests": digests, "state": "ok"}
        detail = "digests of the intake; the content stayed where it was"
        rows.row(row | {"detail": f"{detail}; {changed}" if changed else detail})
        return
    stored = os.path.join(folder, *taken.name.encode("ascii").split(b"/"))
    files.stream(stored, taken.n, taken.path, expected=digests, detail=changed)
