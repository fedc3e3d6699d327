"""Rows of an acquisition of files: from the list of an intake, `files.jsonl` (child only).

Content that was copied in is read again and compared with the list; content that was digested in
place is not here, so its rows repeat the digests that the intake recorded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.limits import read_lines
from evkit.core.paths import from_fields, to_fields
from evkit.core.text import escape
from evkit.manifest.rows import DIGESTS

if TYPE_CHECKING:
    from evkit.inventory.tree import Files
    from evkit.inventory.wire import Sender

_TYPES = {"file": "file", "symlink": "symlink", "dir": "directory", "special": "other"}
_TIMES = (("a", "atime_ns"), ("b", "btime_ns"), ("c", "ctime_ns"), ("m", "mtime_ns"))


def send_list(path: bytes, folder: bytes, files: Files, sender: Sender) -> None:
    """Send the rows of all files of an intake.

    Args:
        path: the list.
        folder: the acquisition's folder, where the neutral names of the list lie.
        files: digests and types the content.
        sender: takes the rows.

    Raises:
        InputError: the list is damaged.
    """
    entries = 0
    with open(path, "rb") as handle:
        for number, line in read_lines(handle):
            fields = ejson.as_object(ejson.loads(line.rstrip(b"\n"), canonical=False), "line")
            entries += 1
            try:
                _entry(fields, folder, files, sender)
            except (KeyError, TypeError, ValueError, InputError) as error:
                raise InputError(
                    f"line {number} of the list of files is damaged: {escape(str(error)[:200])}"
                ) from error
    row: dict[str, Any] = {
        "row": "directory", "fs": 1, "inode": 0, "seq": 0, "path": "/", "allocated": True,
        "entries": entries, "state": "ok",
    }  # fmt: skip
    sender.row(row)


def _entry(fields: dict[str, Any], folder: bytes, files: Files, sender: Sender) -> None:
    number = fields["n"]
    raw = from_fields(fields)
    row: dict[str, Any] = {
        "row": "name", "fs": 1, "inode": number, "seq": 0, **to_fields(raw),
        **to_fields(raw.rpartition(b"/")[2], "name"), "parent": 0,
        "type": _TYPES.get(fields["type"], "unknown"), "allocated": True, "state": "ok",
    }  # fmt: skip
    for key in ("mode", "uid", "gid"):
        if isinstance(fields.get(key), int):
            row[key] = fields[key]
    found = {letter: str(int(fields[name])) for letter, name in _TIMES if name in fields}
    if found:
        row |= {"times": found, "zone": "utc", "resolution": dict.fromkeys(found, 1)}
    if "target" in fields:
        row |= to_fields(from_fields(fields, "target"), "target")
    if "name" in fields:
        row["stored"] = fields["name"]
    if fields.get("state", "ok") == "unreadable" and row["type"] != "file":
        row |= {"state": "unreadable", "reason": "unreadable-at-intake"}
    sender.row(row)
    if row["type"] == "file":
        _content(fields, folder, files, sender)


def _content(fields: dict[str, Any], folder: bytes, files: Files, sender: Sender) -> None:
    number, size, state = fields["n"], fields.get("size"), fields.get("state", "ok")
    digests = {name: fields[name] for name in DIGESTS if name in fields}
    row: dict[str, Any] = {
        "row": "stream", "fs": 1, "inode": number, "seq": 0, "attr": 1, "attr_id": 0,
        "bytes_digested": 0, "basis": "allocated",
    }  # fmt: skip
    if isinstance(size, int):
        row["size"] = size
    if state != "ok":
        changed = state == "changed"
        row["state"] = "damaged" if changed else "unreadable"
        row["reason"] = "changed-at-intake" if changed else "unreadable-at-intake"
        sender.row(row)
        return
    stored = _stored(fields, folder)
    if stored is not None:
        files.stream(stored, number, digests)
    elif digests and isinstance(size, int):
        row |= {"state": "ok", "digests": digests, "bytes_digested": size}
        sender.row(row | {"detail": "digests of the intake; the content stayed where it was"})
    else:
        sender.row(row | {"state": "unreadable", "reason": "content-not-here"})


def _stored(fields: dict[str, Any], folder: bytes) -> bytes | None:
    """Return where the content lies inside the folder, None when it is not there."""
    name = fields.get("name")
    if not isinstance(name, str):
        return None
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise InputError(f"`{escape(name)}` is not a neutral name")
    path = os.path.join(folder, *(part.encode("utf-8") for part in parts))
    return path if os.path.lexists(path) else None
