"""`files.jsonl`: one row for each thing that was taken in. See `docs/spec/file-list.md`.

Rows are evkit JSON, one on a line, numbered from 1. Names from evidence are data here and never
file names: a content file is called `files/000001` and on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.paths import from_fields, to_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME = "files.jsonl"
TYPES = ("file", "symlink", "special", "dir")
STATES = ("ok", "unreadable", "changed")
MAX_ROW = 64 * 1024
_NEUTRAL = re.compile(r"files/[0-9]{6,9}", re.ASCII)
_HEX = {"sha256": 64, "md5": 32, "sha1": 40, "sha512": 128}
_DIGESTS = tuple(_HEX)
_TIMES = ("mtime_ns", "ctime_ns", "atime_ns")
_NUMBERS = ("mode", "uid", "gid")
_NS_LIMIT = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that was taken in.

    Attributes:
        n: number from 1.
        path: original path, relative to what was named on the command line, exact bytes.
        type: `file`, `symlink`, `special` or `dir`.
        state: `ok`, `unreadable` or `changed` (while it was copied).
        name: neutral name of the content in the acquisition folder; None without a copy.
        size: bytes of the content as read, None where there is none.
        sha256, md5, sha1, sha512: lower-case hex, None where there is no content.
        pieces: piece tree fields of files over 1 MiB.
        mode, uid, gid: of the original, None where unknown.
        mtime_ns, ctime_ns, atime_ns: nanoseconds since 1970 UTC, None where unknown.
        target: what a symlink points to, exact bytes.
        reason: why it is not `ok`, or what kind of special file it is.
    """

    n: int
    path: bytes
    type: str
    state: str
    name: str | None = None
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    sha1: str | None = None
    sha512: str | None = None
    pieces: Mapping[str, Any] | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime_ns: int | None = None
    ctime_ns: int | None = None
    atime_ns: int | None = None
    target: bytes | None = None
    reason: str | None = None


_PLAIN = tuple(field.name for field in fields(Row) if field.name not in {"path", "target", *_TIMES})
_KEYS = {*_PLAIN, *_TIMES, "path", "path_b64", "target", "target_b64"}


def neutral_name(number: int) -> str:
    """Return the name of content file `number`: `files/000001`."""
    return f"files/{number:06d}"


def encode_row(row: Row) -> bytes:
    """Return the line of a row, with its line feed. Absent values are left out.

    Times are decimal text: nanoseconds do not fit evkit JSON's integers.
    """
    document: dict[str, Any] = {
        name: getattr(row, name) for name in _PLAIN if getattr(row, name) is not None
    }
    document.update(to_fields(row.path))
    if row.target is not None:
        document.update(to_fields(row.target, "target"))
    for name in _TIMES:
        if getattr(row, name) is not None:
            document[name] = str(getattr(row, name))
    return ejson.dumps(document) + b"\n"


def decode_row(line: bytes) -> Row:
    """Read one line strictly.

    Raises:
        InputError: anything that `encode_row` would not write.
    """
    if not line.endswith(b"\n"):
        raise InputError("the last row is cut short")
    document = ejson.as_object(ejson.loads(line[:-1], max_bytes=MAX_ROW), "a row")
    if not {"n", "path", "type", "state"} <= set(document) <= _KEYS:
        raise InputError("a row has fields that it should not have, or lacks some")
    values: dict[str, Any] = {name: document[name] for name in _PLAIN if name in document}
    values["path"] = from_fields(document)
    if "target" in document or "target_b64" in document:
        values["target"] = from_fields(document, "target")
    for name in _TIMES:
        if name in document:
            values[name] = _time(document[name])
    row = Row(**values)
    _check(row)
    if encode_row(row) != line:
        raise InputError("a row is not in its one form")
    return row


def read_list(data: bytes) -> list[Row]:
    """Read a whole list strictly: rows numbered from 1 without a gap, no content name twice.

    Raises:
        InputError: names the row.
    """
    return list(iter_rows(data.splitlines(keepends=True)))


def iter_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """Yield the rows of a list; a list that ends inside a row is an error.

    Raises:
        InputError: names the row.
    """
    names: set[str] = set()
    for number, line in enumerate(lines, 1):
        try:
            row = decode_row(line)
        except InputError as error:
            raise InputError(f"row {number} of the file list: {error.message}") from error
        if row.n != number:
            raise InputError(f"row {number} of the file list has the number {row.n}")
        if row.name is not None:
            if row.name in names:
                raise InputError(f"row {number} of the file list names `{row.name}` again")
            names.add(row.name)
        yield row


def _time(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", value):
        raise InputError("a time is not nanoseconds as text")
    return int(value)


def _check(row: Row) -> None:
    for name in ("n", "size", *_NUMBERS):
        value = getattr(row, name)
        if value is None and name != "n":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InputError(f"`{name}` is not a number")
    for name in _TIMES:
        if not -_NS_LIMIT <= (getattr(row, name) or 0) < _NS_LIMIT:
            raise InputError(f"`{name}` is out of range")
    if row.type not in TYPES or row.state not in STATES:
        raise InputError("a type or state that is not known")
    for name in ("name", "reason"):
        if not isinstance(getattr(row, name) or "", str):
            raise InputError(f"`{name}` is not text")
    if row.name is not None and not _NEUTRAL.fullmatch(row.name):
        raise InputError("the name of the content is not a neutral one")
    _check_content(row)


def _check_content(row: Row) -> None:
    """Size and digests stand together: for files, and never for unreadable ones."""
    for name in _DIGESTS:
        value = getattr(row, name)
        if value is None:
            continue
        if not isinstance(value, str) or not re.fullmatch(f"[0-9a-f]{{{_HEX[name]}}}", value):
            raise InputError(f"`{name}` is not a digest")
    has_content = row.sha256 is not None
    if has_content != (row.size is not None) or has_content != (
        row.type == "file" and row.state != "unreadable"
    ):
        raise InputError("size and digests do not belong to this type and state")
    if not has_content and (row.name or row.md5 or row.sha1 or row.sha512 or row.pieces):
        raise InputError("a row without content has a content field")
    if (row.target is not None) != (row.type == "symlink" and row.state == "ok"):
        raise InputError("a symlink that was read, and nothing else, has a target")
    if row.pieces is not None:
        from evkit.hashing.pieces import read_fields

        if not isinstance(row.pieces, dict) or read_fields(row.pieces)[0] != row.size:
            raise InputError("the piece tree does not belong to the file")


__all__ = [
    "NAME", "STATES", "TYPES", "Row", "decode_row", "encode_row", "iter_rows",
    "neutral_name", "read_list",
]  # fmt: skip
