"""evkit's own list: a head line, then one row in evkit JSON per line. Every name has a way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.hashing.lists.model import Collector, head, numbered, row_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.hashing.rows import Row


def header(algorithms: Sequence[str]) -> bytes:
    """Return the head line."""
    return head(algorithms) + b"\n"


def encode(row: Row, path: bytes) -> bytes:
    """Return the line of a row under the name `path`."""
    return row_bytes(row, path) + b"\n"


def read(lines: Iterable[tuple[int, bytes]], collector: Collector) -> None:
    """Read a whole list; the head line may be missing (lists of an acquisition have none).

    Raises:
        InputError: a line is not canonical evkit JSON, not a row, or the schema is another.
    """
    for number, line in numbered(iter(lines)):
        try:
            collector.line(line)
        except InputError as error:
            raise InputError(f"line {number}: {error.message}", hint=error.hint) from error
