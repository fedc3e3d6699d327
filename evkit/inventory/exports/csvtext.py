"""CSV that a spreadsheet can open without harm.

Columns, and how cells are disarmed: `docs/spec/inventory-exports.md`.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from evkit.core.paths import from_fields
from evkit.core.text import escape, escape_bytes
from evkit.inventory.exports.unsaid import NOT_SAID
from evkit.inventory.search.find import Entry, show_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.exports.job import Job

COLUMNS = (
    "row", "n", "path", "stream", "kind", "allocated", "reallocated", "size", "mtime", "atime",
    "ctime", "btime", "zone", "md5", "sha1", "sha256", "sha512", "basis", "state", "reason", "type",
    "mode", "uid", "gid", "target", "fs", "inode", "seq", "attr", "attr_id", "offset", "flags",
    "detail",
)  # fmt: skip
# signs that begin a formula, also those that compatibility forms stand for (full width, small, …)
SIGNS = (
    "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
    "\u207a\u207b\u207c\u208a\u208b\u208c\ufb29\ufe31\ufe32\ufe58\u2a75\u2a76"
)
_AT_START = re.compile(f"(^|[;,|\"'])(\\s*)([{re.escape(SIGNS)}])")


def parts(job: Job) -> Iterator[bytes]:
    """Yield the lines: a header, what the file is, what is not an entry, then the entries."""
    yield _line(list(COLUMNS))
    for name, value in job.about().items():
        yield _line(_cells({"row": "about", "kind": name, "detail": _guard(value)}))
    for text in NOT_SAID["csv"]:
        yield _line(_cells({"row": "about", "kind": "not-said", "detail": text}))
    for number, row in job.others():
        yield _line(_cells(_other(number, row)))
    for entry in job.entries():
        yield _line(_cells(_entry(entry)))


def safe_cell(text: str) -> str:
    r"""Return escaped text that no spreadsheet takes for a formula.

    A sign that begins a formula is escaped (`\x3d`) at the beginning of a cell, and behind what
    another reader may take for the beginning of one; spaces between do not help it.
    """
    return _guard(escape(text))


def _guard(shown: str) -> str:
    return _AT_START.sub(_escaped_sign, shown)


def _escaped_sign(match: re.Match[str]) -> str:
    code = ord(match[3])
    sign = f"\\x{code:02x}" if code < 0x7F else f"\\u{{{code:x}}}"  # noqa: PLR2004 - ASCII
    return match[1] + match[2] + sign


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
    return _guard(escape_bytes(from_fields(row, field)))


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
        counts = [(group, row[group]) for group in row if isinstance(row[group], dict)]
        text = [f"{group} {key} {value}" for group, part in counts for key, value in part.items()]
        found["detail"] = "; ".join([*text, f"errors {row['errors']}"])
    return found | (_space(row) if row["row"] == "space" else {})


def _space(row: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of bytes that belong to no file; their basis is how that is known."""
    found = {"kind": row.get("what", ""), "basis": row.get("derived", "")}
    if row.get("extents"):
        found["offset"] = row["extents"][0][0]
    if row.get("zeros"):
        found["detail"] = "all bytes are zero"
    if "left_out" in row:
        found["detail"] = f"{row['left_out']} further runs"
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
