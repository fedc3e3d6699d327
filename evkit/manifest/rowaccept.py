"""Rows judged by their bytes: a row in the usual form is accepted without being parsed.

Compiled patterns know the canonical bytes of the kinds that come by the million; whatever does not
match goes through `rows.parse`. A pattern only saves time: what it accepts, `rows.parse` accepts,
with the same facts (property tests, `tests/property/test_rows.py`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import unb64
from evkit.manifest import rowpattern, rows
from evkit.manifest.rowfacts import ALGORITHMS, Facts, Judged, alike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST = 1 << 17  # bytes; a longer row is parsed, so that no cap on text or lists can be missed
_SALT_END = re.compile(rb',"salt":"([A-Za-z0-9+/]{21}[AQgw]==)"\}\n')
_LINE_START = re.compile(rb'\{"(?:(engine_row)":|n":(0|[1-9][0-9]{0,14}),"row":)')
_NUMBER_END = re.compile(rb',"n":(0|[1-9][0-9]{0,14})\Z')
_WORD = {word.encode(): word for word in rows.STATES}
_TYPE = Facts("type")
_DECODER = json.JSONDecoder()
_new = tuple.__new__  # half the time of the generated constructor


def accept(data: bytes) -> Facts:
    """Return the facts of a row from its canonical bytes.

    Raises:
        InputError: the bytes are not a row, or not in canonical form.
    """
    found = _matched(data)
    return facts_of(rows.parse(data)) if found is None else found


def accept_all(lines: Sequence[bytes]) -> Judged:
    """Return what `accept` says of each of many rows, faster where they are alike.

    Args:
        lines: without line ends, in them as well.

    Raises:
        InputError: as `accept`.
    """
    judged = Judged()
    if len(lines) > 1 and max(map(len, lines)) <= _LONGEST:
        block = b"\n".join(lines)
        if block.isascii() or _is_utf8(block):
            streams = lines[0].startswith(b'{"attr":')
            pattern = rowpattern.usual_streams() if streams else rowpattern.usual_names()
            found = pattern.findall(block)
            last = len(found) == len(lines) - 1 and pattern.fullmatch(lines[-1]) is None
            if last or len(found) == len(lines):
                for part in alike("stream" if streams else "name", found):
                    judged.add(part)
                if last:
                    judged.append(accept(lines[-1]))
                return judged
    judged.add([accept(line) for line in lines])
    return judged


def read(data: bytes) -> dict[str, Any]:
    """Return a row from its canonical bytes, as `rows.parse` does, in a fraction of the time.

    Raises:
        InputError: the bytes are not a row, or not in canonical form.
    """
    if _matched(data) is None:
        return rows.parse(data)
    row: dict[str, Any] = _DECODER.raw_decode(data.decode("utf-8"))[0]
    return row


def facts_of(row: Mapping[str, Any]) -> Facts:
    """Return the facts of a row that `rows.check` accepts."""
    kind = row["row"]
    stream, named = kind == "stream", kind in {"name", "directory"}
    digests = row.get("digests", {}) if stream else {}
    return Facts(
        kind,
        row.get("fs", -1),
        row.get("inode", -1),
        row.get("seq", -1),
        row.get("state", ""),
        row.get("reason", ""),
        row.get("stage", ""),
        named and row["allocated"],
        named and "virtual" in row.get("flags", ()),
        row.get("size", -1) if stream else -1,
        row.get("bytes_digested", 0),
        row["name"].encode("utf-8") if kind == "name" else b"",
        *(digests[name].encode("ascii") if name in digests else None for name in ALGORITHMS),
    )


def parse_export_line(line: bytes) -> tuple[bool, int, bytes, bytes]:
    """Read one line of an exported inventory.

    Returns:
        (True for an engine row, row number, salt, canonical bytes of the row).

    Raises:
        InputError: anything that `rows.export_line` would not write.
    """
    start, end = _LINE_START.match(line), _SALT_END.search(line, len(line) - 37)
    if start is None or end is None or end.end() != len(line):
        return rows.parse_export_line(line)
    row = line[start.end() : end.start()]
    if start[1]:
        number = _NUMBER_END.search(row, max(0, len(row) - 20))
        if number is None:
            return rows.parse_export_line(line)
        row, number_text = row[: number.start()], number[1]
    else:
        number_text = start[2]
    kind = accept(row).kind
    if bool(start[1]) != (kind in rows.ENGINE_KINDS):
        raise InputError(f"a {kind} row stands in the wrong tree")
    return bool(start[1]), int(number_text), unb64(end[1].decode("ascii")), row


def _matched(data: bytes) -> Facts | None:
    if len(data) > _LONGEST or not (data.isascii() or _is_utf8(data)):
        return None
    if data.startswith(b'{"allocated":'):
        return _named(data)
    if data.startswith(b'{"attr":'):
        return _stream(data)
    return _TYPE if data.startswith(b'{"mime":') and rowpattern.type_().fullmatch(data) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _named(data: bytes) -> Facts | None:
    """Judge a name or a directory."""
    match = rowpattern.name().fullmatch(data)
    if match is None:
        match = rowpattern.directory().fullmatch(data)
        if match is None:
            return None
        used, flags, fs, inode, reason, seq, state = match.groups()
        return _new(Facts, (
            "directory", int(fs), int(inode), int(seq), _WORD[state],
            reason.decode("ascii") if reason else "", "", used == b"true",
            flags is not None and b'"virtual"' in flags, -1, 0, b"", None, None, None, None,
        ))  # fmt: skip
    used, flags, fs, inode, name, reallocated, reason, seq, state = match.groups()
    if (used == b"true") == (reallocated is not None):
        return None
    if b"\\" in name:
        name = json.loads(b'"' + name + b'"').encode("utf-8")
    return _new(Facts, (
        "name", int(fs), int(inode), int(seq) if seq else -1, _WORD[state],
        reason.decode("ascii") if reason else "", "", used == b"true",
        flags is not None and b'"virtual"' in flags, -1, 0, name, None, None, None, None,
    ))  # fmt: skip


def _stream(data: bytes) -> Facts | None:
    match = rowpattern.stream().fullmatch(data)
    if match is None:
        return None
    basis, done, digests, md5, sha1, sha256, sha512, fs, inode, reason, seq, size, state = (
        match.groups()
    )
    if (digests is not None) != (state == b"ok"):
        return None
    if state == b"ok" and (basis == b"none" or size != done):
        return None
    return _new(Facts, (
        "stream", int(fs), int(inode), int(seq), _WORD[state],
        reason.decode("ascii") if reason else "", "", False, False,
        int(size) if size else -1, int(done), b"", md5, sha1, sha256, sha512,
    ))  # fmt: skip
