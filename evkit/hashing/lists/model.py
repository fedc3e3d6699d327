"""What every list format gives back, and the row comment that formats without a way share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.hashing.digests import ALGORITHMS
from evkit.hashing.rows import Row, from_fields, to_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MARK = "evkit "  # after the comment sign: the head line or a row in evkit JSON follows
SCHEMA = "evkit/hash-list/1"


@dataclass(frozen=True, kw_only=True)
class KnownList:
    """A list that was read.

    Attributes:
        format: `hashdeep`, `sum`, `bagit` or `jsonl`.
        algorithms: digests that its rows hold, in the order of `ALGORITHMS`.
        rows: rows by name; a name stands once.
        typed: the format tells links and special files from files.
        notes: what the reader had to say, for people; already escaped.
    """

    format: str
    algorithms: tuple[str, ...]
    rows: dict[bytes, Row]
    typed: bool
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Collector:
    """Gathers rows while a list is read."""

    format: str
    rows: dict[bytes, Row] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    typed: bool = False

    def add(self, row: Row) -> None:
        """Take a row; the same row twice is one.

        Raises:
            InputError: the name stands there already with other content.
        """
        if self.rows.setdefault(row.path, row) != row:
            raise InputError("the list names this file twice with different content")

    def comment(self, text: bytes) -> None:
        """Take the text of a comment; the head line and rows hide behind `evkit `."""
        if text.startswith(MARK.encode()):
            self.line(text[len(MARK) :])

    def line(self, text: bytes) -> None:
        """Take a head line or a row in canonical evkit JSON.

        Raises:
            InputError: it is neither, or of another schema.
        """
        self.typed = True
        fields = ejson.as_object(ejson.loads(text, max_depth=3), "a row")
        if "schema" not in fields:
            self.add(from_fields(fields, ALGORITHMS))
        elif fields["schema"] != SCHEMA:
            raise InputError("a list of another schema", hint=f"evkit reads `{SCHEMA}`")

    def finish(self) -> KnownList:
        """Return the list.

        Raises:
            InputError: there is no row.
        """
        if not self.rows and not self.typed:
            raise InputError("the list holds no row")
        used = {name for row in self.rows.values() for name in row.digests}
        return KnownList(
            format=self.format,
            algorithms=tuple(name for name in ALGORITHMS if name in used),
            rows=self.rows,
            typed=self.typed,
            notes=tuple(self.notes),
        )


def head(algorithms: Sequence[str]) -> bytes:
    """Return the head line in evkit JSON, without line end."""
    return ejson.dumps({"schema": SCHEMA, "algorithms": list(algorithms)})


def row_bytes(row: Row, path: bytes) -> bytes:
    """Return one row in evkit JSON under the name `path`, without line end."""
    return ejson.dumps(to_fields(row, path))


def comment(sign: bytes, row: Row, path: bytes) -> bytes:
    """Return a row as a comment line that other programs skip."""
    return sign + MARK.encode() + row_bytes(row, path) + b"\n"


def numbered(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line without its line feed)."""
    for number, line in lines:
        yield number, line.removesuffix(b"\n")
