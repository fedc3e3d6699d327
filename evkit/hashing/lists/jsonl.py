"""evkit's own list: a head line, then one row in evkit JSON per line. Every name has a way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.hashing.lists.model import Collector, numbered, parse_row, row_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.hashing.rows import Row

SCHEMA = "evkit/hash-list/1"


def header(algorithms: Sequence[str]) -> bytes:
    """Return the head line."""
    return ejson.dumps({"schema": SCHEMA, "algorithms": list(algorithms)}) + b"\n"


def encode(row: Row, path: bytes) -> bytes:
    """Return the line of a row under the name `path`."""
    return row_bytes(row, path) + b"\n"


def read(lines: Iterable[tuple[int, bytes]], collector: Collector) -> None:
    """Read a whole list; the head line may be missing (lists of an acquisition have none).

    Raises:
        InputError: a line is not a row in canonical evkit JSON, or the schema is another.
    """
    collector.typed = True
    for number, line in numbered(iter(lines)):
        try:
            if number == 1 and b'"schema":' in line:
                _head(line)
            else:
                collector.add(parse_row(line))
        except InputError as error:
            raise InputError(f"line {number}: {error.message}") from error


def _head(line: bytes) -> None:
    fields = ejson.as_object(ejson.loads(line, max_depth=3), "the head line")
    if fields.get("schema") != SCHEMA:
        raise InputError("a list of another schema", hint=f"evkit reads `{SCHEMA}`")
