"""The columns of the Parquet export, and the values of a row or an entry for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from evkit.core.paths import from_fields
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.inventory.search.find import Entry

# name -> type, as a word that `parquet` turns into a type of pyarrow
COLUMNS: Final[dict[str, str]] = {
    "row": "words", "n": "int", "stream_row": "int", "fs": "int", "inode": "int", "seq": "int",
    "path": "text", "path_raw": "bytes", "kind": "words", "stream": "text", "stream_raw": "bytes",
    "attr": "int", "attr_id": "int", "allocated": "bool", "reallocated": "words",
    "parent": "int", "parent_seq": "int", "name_seq": "int",
    "size": "int", "bytes_digested": "int", "offset": "int", "basis": "words",
    "md5": "text", "sha1": "text", "sha256": "text", "sha512": "text",
    "state": "words", "reason": "words", "type": "words", "flags": "list",
    "mtime": "utc", "atime": "utc", "ctime": "utc", "btime": "utc",
    "mtime_local": "local", "atime_local": "local", "ctime_local": "local", "btime_local": "local",
    "fn_mtime": "utc", "fn_atime": "utc", "fn_ctime": "utc", "fn_btime": "utc",
    "zone": "words", "resolution": "steps", "times_beyond": "text",
    "mode": "int", "uid": "int", "gid": "int", "links": "int",
    "target": "text", "target_raw": "bytes",
    "extents": "extents", "extents_left_out": "int", "detail": "text",
}  # fmt: skip
_SAME = tuple(name for name, kind in COLUMNS.items() if kind in {"int", "words", "bool", "list"})
_LETTERS = "macb"
_LIMIT = 1 << 63


def of_other(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row that is neither a name nor a stream."""
    found = _same(row)
    found |= {"row": row["row"], "n": number, "kind": row.get("kind")}
    for field in ("path", "description", "name"):
        if isinstance(row.get(field), str):
            found |= _bytes(row, field, "path")
            break
    if row["row"] in {"filesystem", "error"}:
        found["kind"] = row.get("type", row.get("stage"))
        found["type"] = None
    found |= row.get("digests", {})
    if "extents" in row:
        found["extents"] = _extents(row)
    if row["row"] == "space":
        more = {key: row[key] for key in ("zeros", "left_out") if key in row}
        found |= {"kind": row.get("what"), "basis": row.get("derived")}
        found["detail"] = json.dumps(more, sort_keys=True) if more else None
    if row["row"] == "coverage":
        found["state"] = row["result"]
        found["detail"] = json.dumps(row, sort_keys=True)
    elif "detail" in row:
        found["detail"] = escape(row["detail"])
    return found


def of_entry(entry: Entry) -> dict[str, Any]:
    """Return the values of a name with one of its streams."""
    name, stream = entry.name or {}, entry.stream or {}
    found = _same(name)
    if stream and name.get("state", "ok") == "ok":
        found.pop("reason", None)
    found |= _same(stream)
    found |= {"row": "entry", "n": entry.name_row, "stream_row": entry.stream_row,
              "kind": name.get("type"), "type": entry.mime}  # fmt: skip
    flags = sorted({*name.get("flags", ()), *stream.get("flags", ())})
    found["flags"] = flags or None
    if name:
        found |= _bytes(name, "path", "path")
        found |= _times(name)
    if "target" in name:
        found |= _bytes(name, "target", "target")
    if "name" in stream:
        found |= _bytes(stream, "name", "stream")
    found |= stream.get("digests", {})
    if "extents" in stream:
        found["extents"] = _extents(stream)
    if "detail" in stream or "detail" in name:
        found["detail"] = escape(stream.get("detail", name.get("detail", "")))
    return found


def _extents(row: Mapping[str, Any]) -> list[dict[str, int]]:
    return [{"offset": offset, "length": length} for offset, length in row["extents"]]


def _same(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _SAME if name in row}


def _bytes(row: Mapping[str, Any], field: str, column: str) -> dict[str, Any]:
    raw = from_fields(row, field)
    return {column: escape_bytes(raw), f"{column}_raw": raw}


def _times(name: Mapping[str, Any]) -> dict[str, Any]:
    """Return times as integers; those that 64 bits do not hold stand in `times_beyond`."""
    found: dict[str, Any] = {}
    beyond: dict[str, str] = {}
    suffix = "" if name.get("zone", "utc") == "utc" else "_local"
    for field, form in (("times", "{}time" + suffix), ("name_times", "fn_{}time")):
        for letter, text in name.get(field, {}).items():
            column = form.format(letter)
            if -_LIMIT < int(text) < _LIMIT:
                found[column] = int(text)
            else:
                beyond[column] = text
    if beyond:
        found["times_beyond"] = json.dumps(beyond, sort_keys=True)
    if "resolution" in name:
        found["resolution"] = {letter: name["resolution"].get(letter) for letter in _LETTERS}
    return found
