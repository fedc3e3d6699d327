"""hashdeep 1.0 lists: `size,digest,…,name` after a header; the name is last and unquoted.

The format has no way to write a line feed, a final carriage return, a link or an unreadable file:
those rows are comments `##evkit {row}`, which hashdeep skips. See `docs/spec/list-formats.md`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.hashing.digests import ALGORITHMS
from evkit.hashing.lists.model import MARK, Collector, comment, head, numbered
from evkit.hashing.rows import FILE, OK, Row, hex_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAGIC = b"%%%% HASHDEEP-1.0"
_COLUMNS = b"%%%% size,"
_SIGN = b"##"


def header(algorithms: Sequence[str], said: Sequence[str]) -> bytes:
    """Return the head of a list; `said` are comment lines, already escaped."""
    columns = ",".join(["size", *algorithms, "filename"])
    lines = [MAGIC.decode(), f"%%%% {columns}", *(f"## {line}" for line in said)]
    mark = _SIGN + MARK.encode() + head(algorithms)
    return "".join(f"{line}\n" for line in lines).encode("utf-8") + mark + b"\n"


def encode(row: Row, path: bytes, algorithms: Sequence[str]) -> bytes:
    """Return the line of a row under the name `path`."""
    if row.type != FILE or row.state != OK or b"\n" in path or b"\r" in path:
        return comment(_SIGN, row, path)
    digests = ",".join([row.digests[name] for name in algorithms])
    return b"%d,%b,%b\n" % (row.size or 0, digests.encode("ascii"), path)


def read(lines: Iterable[tuple[int, bytes]], collector: Collector) -> None:
    """Read a whole list into `collector`.

    Raises:
        InputError: the header or a row is malformed.
    """
    rows = numbered(iter(lines))
    dos = next(rows, (0, b""))[1].endswith(b"\r")
    columns = _columns(next(rows, (0, b""))[1].removesuffix(b"\r"))
    unknown = [name for name in columns if name not in ALGORITHMS]
    if len(unknown) == len(columns):
        raise InputError("the list has no digest that evkit makes: " + ", ".join(columns))
    if unknown:
        collector.notes.append(f"digests not compared: {', '.join(unknown)}")
    digest_columns = rb"([0-9A-Fa-f]+)," * len(columns)
    pattern = re.compile(rb"([0-9]{1,16})," + digest_columns + rb"(.+)", re.DOTALL)
    for number, name, fields in _joined(rows, pattern, collector, dos=dos):
        try:
            digests = {
                column: hex_digest(text.decode("ascii"), ALGORITHMS[column])
                for column, text in zip(columns, fields[1:], strict=True)
                if column in ALGORITHMS
            }
            collector.add(Row(name, size=int(fields[0]), digests=digests))
        except InputError as error:
            raise InputError(f"line {number}: {error.message}") from error


def _columns(line: bytes) -> list[str]:
    if not line.startswith(_COLUMNS) or not line.endswith(b",filename"):
        raise InputError("line 2 does not name the columns `size,…,filename`")
    names = line[len(_COLUMNS) : -len(b",filename")].decode("ascii", "replace").split(",")
    if not all(re.fullmatch("[a-z0-9]{1,16}", name) for name in names):
        raise InputError("line 2 names a column that is not a digest")
    if len(set(names)) != len(names):
        raise InputError("line 2 names a column twice")
    return names


def _joined(
    rows: Iterator[tuple[int, bytes]],
    pattern: re.Pattern[bytes],
    collector: Collector,
    *,
    dos: bool,
) -> Iterator[tuple[int, bytes, tuple[bytes, ...]]]:
    """Yield (line number, name, size and digests).

    A line that is no row continues the name before it: hashdeep itself writes names with a line
    feed that way, and cannot read them back.
    """
    held: tuple[int, bytes, tuple[bytes, ...]] | None = None
    for number, raw in rows:
        line = raw.removesuffix(b"\r") if dos else raw
        if line.startswith(b"#"):
            if held:
                yield held
                held = None
            if line.startswith(_SIGN):
                collector.comment(line[len(_SIGN) :])
            continue
        match = pattern.fullmatch(line)
        if match:
            if held:
                yield held
            groups = match.groups()
            held = (number, groups[-1], groups[:-1])
        elif held and line:
            held = (held[0], held[1] + b"\n" + line, held[2])
            collector.notes.append(f"line {number} was read as part of the name before it")
        elif line:
            raise InputError(f"line {number} is not a row of the columns that line 2 names")
    if held:
        yield held
