"""Exports: JSON lines that prove themselves, and CSV that a spreadsheet can open without harm.

Bytes and columns: `docs/spec/inventory-exports.md`.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from evkit.core import durable
from evkit.core.paths import from_fields
from evkit.core.text import escape, escape_bytes
from evkit.inventory.find import Entry, entries, show_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.reader import Inventory

FORMATS = ("jsonl", "csv")
COLUMNS = (
    "row", "n", "path", "stream", "kind", "allocated", "reallocated", "size", "mtime", "atime",
    "ctime", "btime", "zone", "md5", "sha1", "sha256", "sha512", "basis", "state", "reason", "type",
    "mode", "uid", "gid", "target", "fs", "inode", "seq", "attr", "attr_id", "offset", "flags",
    "detail",
)  # fmt: skip
_BLOCK = 1 << 18
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OTHERS = ("source", "partition", "filesystem", "directory", "error", "coverage")


def export(inventory: Inventory, kind: str, path: bytes) -> int:
    """Write an export to a new file and return the number of its lines.

    Args:
        inventory: what to export.
        kind: one of `FORMATS`.
        path: must not exist.

    Raises:
        RefusedError: the file exists.
        StorageError: it cannot be written.
    """
    lines = inventory.lines() if kind == "jsonl" else csv_lines(inventory)
    count, waiting, size = 0, [], 0
    with durable.NewFile(path) as file:
        for line in lines:
            count += 1
            waiting.append(line)
            size += len(line)
            if size >= _BLOCK:
                file.write(b"".join(waiting))
                waiting, size = [], 0
        file.write(b"".join(waiting))
        file.commit()
    return count


def csv_lines(inventory: Inventory) -> Iterator[bytes]:
    """Yield the lines of the CSV export: a header, what is not an entry, then the entries."""
    yield _line(list(COLUMNS))
    for number, row in inventory.rows(*_OTHERS):
        yield _line(_cells(_other(number, row)))
    for entry in entries(inventory):
        yield _line(_cells(_entry(entry)))


def safe_cell(text: str) -> str:
    """Return escaped text that no spreadsheet takes for a formula: an apostrophe is put first."""
    shown = escape(text)
    return "'" + shown if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown


def _cells(values: dict[str, Any]) -> list[str]:
    found = []
    for column in COLUMNS:
        value = values.get(column, "")
        if isinstance(value, bool):
            value = "yes" if value else "no"
        found.append(value if isinstance(value, str) else str(value))
    return found


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().encode("utf-8")


def _bytes_cell(row: dict[str, Any], field: str) -> str:
    raw = from_fields(row, field)
    shown = escape_bytes(raw)
    dangerous = shown.startswith(_FORMULA) or raw[:1] in {b"\t", b"\r"}
    return "'" + shown if dangerous else shown


def _common(row: dict[str, Any]) -> dict[str, Any]:
    names = ("fs", "inode", "seq", "state", "reason", "size", "offset", "allocated", "reallocated",
             "attr", "attr_id", "basis", "uid", "gid", "zone")  # fmt: skip
    found = {name: row[name] for name in names if name in row}
    found |= row.get("digests", {})
    if "flags" in row:
        found["flags"] = " ".join(row["flags"])
    if "detail" in row:
        found["detail"] = safe_cell(row["detail"])
    return found


def _other(number: int, row: dict[str, Any]) -> dict[str, Any]:
    found = {"row": row["row"], "n": number, **_common(row)}
    if "path" in row:
        found["path"] = _bytes_cell(row, "path")
    for field in ("description", "name"):
        if field in row:
            found["path"] = _bytes_cell(row, field)
    if "kind" in row:
        found["kind"] = row["kind"]
    if row["row"] == "filesystem":
        found["kind"] = row["type"]
    if row["row"] == "error":
        found["kind"] = row["stage"]
    if row["row"] == "coverage":
        found["state"] = row["result"]
        groups = ("bytes", "filesystems", "directories", "names", "streams")
        text = [f"{group} {key} {value}" for group in groups for key, value in row[group].items()]
        found["detail"] = "; ".join([*text, f"errors {row['errors']}"])
    return found


def _entry(entry: Entry) -> dict[str, Any]:
    name, stream = entry.name or {}, entry.stream or {}
    found: dict[str, Any] = {"row": "entry", **_common(name)}
    found["n"] = entry.name_row if entry.name_row is not None else entry.stream_row
    if name:
        found["path"] = _bytes_cell(name, "path")
        found["kind"] = name["type"]
        if "mode" in name:
            found["mode"] = f"{name['mode']:04o}"
        if "target" in name:
            found["target"] = _bytes_cell(name, "target")
        for letter, value in name.get("times", {}).items():
            found[f"{letter}time"] = show_time(value, name["zone"])
    if stream:
        if name.get("state", "ok") == "ok":
            found.pop("reason", None)
        flags = " ".join(sorted({*name.get("flags", ()), *stream.get("flags", ())}))
        found |= _common(stream) | ({"flags": flags} if flags else {})
        if "name" in stream:
            found["stream"] = _bytes_cell(stream, "name")
    if entry.mime is not None:
        found["type"] = safe_cell(entry.mime)
    return found
