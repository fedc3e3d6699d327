"""What parent and child say to each other: lines with a length cap, never pickles.

Byte for byte: `docs/spec/inventory-engine.md`. The first byte of a line tells what it is:

    {        a row in canonical form
    ?{       an offer: a stream row without its digests, which the parent can make
    +        a line that belongs to a record and comes back to a child with the record
    [        a JSON array, the first item naming the message

The parent trusts none of it: every line is checked before it is used.
"""

from __future__ import annotations

import json
import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from evkit.core import clock
from evkit.core.errors import InputError
from evkit.manifest.rowfacts import Judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

    from evkit.manifest.rowfacts import Facts

MAX_LINE = (4 << 20) + 4096
MAX_REQUEST = 16 << 20  # the ranges that could not be read may be many
ROW, OFFER, KEPT, ASKED, SPACE = b"{", b"?", b"+", b"!", b"~"
_FLUSH_BYTES = 1 << 17
_FLUSH_SECONDS = 2.0
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ROW_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_OBJECT: Final = frozenset({"part", "fs", "info", "image", "archive", "orphans"})
_LIST: Final = frozenset({"found", "listed", "lost", "late"})
_BARE: Final = frozenset({"done", "item", "mark"})
_NUMBER: Final = frozenset({"beat", "end", "stored"})
_MIME = re.compile(r"[!-~]{1,127}/[!-~]{1,127}")
TYPE = b'["type",'
_TYPE = re.compile(rb'\["type","([!#-\[\]-~]{1,127}/[!#-\[\]-~]{1,127})"\]')


class Message:
    """One line from the child, or what the scheduler says in between.

    Attributes:
        kind: `image part fs row offer archive type info beat found listed lost late item end
            done`; from the scheduler also `rows` (see `Rows`), `mark`, `stored`, `orphans`.
        raw: the bytes of `row` and `offer`.
        text: the type of `type`, else empty.
        number: the bytes of `beat`, the items of `end`, the rows of `stored`, else 0.
        items: the values of `found`, `listed`, `lost` and `late`.
        facts: what `rowaccept.accept` said of the row, None when it was not asked.
    """

    __slots__ = ("_fields", "facts", "items", "kind", "number", "raw", "text")

    def __init__(
        self, kind: str, fields: dict[str, Any] | None = None, text: str = "", number: int = 0
    ) -> None:
        self.kind = kind
        self._fields = fields
        self.text = text
        self.number = number
        self.raw = b""
        self.items: list[Any] = []
        self.facts: Facts | None = None

    @classmethod
    def of_row(cls, raw: bytes, facts: Facts | None = None, kind: str = "row") -> Message:
        """Make a message of the bytes of a row; they are parsed when somebody asks."""
        message = cls(kind)
        message.raw = raw
        message.facts = facts
        return message

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that `parse` reads as this message."""
        if self.raw:
            yield self.raw if self.kind == "row" else OFFER + self.raw
        elif self.kind in _BARE:
            yield encode((self.kind,))
        elif self.kind == "type":
            yield encode((self.kind, self.text))
        elif self.kind in _NUMBER:
            yield encode((self.kind, self.number))
        else:
            yield encode((self.kind, self._fields))

    @property
    def fields(self) -> dict[str, Any]:
        """Return the object of `image part fs row offer info`, else an empty one.

        Raises:
            InputError: the bytes of the row are not a JSON object.
        """
        if self._fields is None:
            self._fields = _object(self.raw) if self.raw else {}
        return self._fields

    @classmethod
    def parse(cls, line: bytes) -> Message:
        """Read one line strictly; a row is only told from other lines.

        Raises:
            InputError: the line is not a message.
        """
        if line[:1] == ROW:
            return cls.of_row(line)
        if line[:1] == OFFER:
            return cls.of_row(line[1:], kind="offer")
        known = _TYPE.fullmatch(line)
        if known is not None:
            return cls("type", {}, known[1].decode("ascii"))
        try:
            value = json.loads(line.decode("utf-8", "strict"))
        except (ValueError, RecursionError) as error:
            raise InputError("the engine sent a line that is not JSON") from error
        message = _told(value) if isinstance(value, list) and value else None
        if message is None:
            raise InputError("the engine sent a line of an unknown shape")
        return message


class Rows(Message):
    """Rows that follow each other, accepted, with their file types; its kind is `rows`.

    Attributes:
        rows: their bytes.
        judged: what `rowaccept.accept` said of each.
        types: (index of a stream row, its type).
    """

    __slots__ = ("judged", "rows", "types")

    def __init__(self) -> None:
        super().__init__("rows", {})
        self.rows: list[bytes] = []
        self.judged = Judged()
        self.types: list[tuple[int, str]] = []

    def type(self, mime: str) -> None:
        """Add the type of the stream row that came last.

        Raises:
            InputError: the last row is none that was digested, or it has a type.
        """
        index = len(self.judged) - 1
        untyped = not self.types or self.types[-1][0] != index
        if not self.judged.digested or not untyped:
            raise InputError("the engine sent a type without a stream")
        self.types.append((index, _checked(mime)))

    def extend(
        self, rows: Sequence[bytes], judged: Judged, types: Sequence[tuple[int, bytes]]
    ) -> None:
        """Add rows.

        Args:
            rows: their bytes.
            judged: what was said of them.
            types: (number of the row among these, the line with its type), in order.

        Raises:
            InputError: a type is none, or of a row that has one or was not digested.
        """
        start, last = len(self.judged), -1
        self.rows += rows
        self.judged.extend(judged)
        digested = judged.each_digested() if types else []
        for number, line in types:
            if number == last or not digested[number]:
                raise InputError("the engine sent a type without a stream")
            self.types.append((start + number, _mime(line)))
            last = number

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that say the same."""
        types = dict(self.types)
        for index, row in enumerate(self.rows):
            yield row
            if index in types:
                yield encode(("type", types[index]))


@lru_cache(1024)
def _mime(line: bytes) -> str:
    """Return the type that a line tells; there are few different ones."""
    message = Message.parse(line)
    if message.kind != "type":
        raise InputError("the engine sent a line of an unknown shape")
    return _checked(message.text)


def _checked(mime: str) -> str:
    if _MIME.fullmatch(mime) is None:
        raise InputError("the engine sent a type that is none")
    return mime


def _told(value: list[Any]) -> Message | None:
    kind, *rest = value
    if not isinstance(kind, str):
        return None
    if kind in _BARE and not rest:
        return Message(kind, {})
    if kind in _LIST:
        message = Message(kind, {})
        message.items = rest
        return message
    if len(rest) != 1:
        return None
    content = rest[0]
    if kind in _OBJECT and isinstance(content, dict):
        return Message(kind, content)
    if kind == "type" and isinstance(content, str):
        return Message(kind, {}, content)
    if kind in _NUMBER and type(content) is int and content >= 0:
        return Message(kind, {}, "", content)
    return None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8", "strict"))
    except (ValueError, RecursionError) as error:
        raise InputError("the engine sent a row that is not JSON") from error
    if not isinstance(value, dict):
        raise InputError("the engine sent a row of an unknown shape")
    return value


class Sender:
    """The child's end: collects lines and writes them in blocks, at the latest every 2 seconds.

    Another thread may send a beat while this one is inside a library.

    Args:
        stream: where the parent reads.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self._size = 0
        self._lock = threading.Lock()
        self.last = clock.monotonic()
        self.done = 0

    def send(self, kind: str, *content: object) -> None:
        """Queue one message."""
        self.line(encode((kind, *content)))

    def row(self, fields: Mapping[str, Any]) -> None:
        """Queue a row."""
        self.line(row_bytes(fields))

    def line(self, line: bytes) -> None:
        """Queue a line that is written already, without its end."""
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_BYTES:
            self.flush()

    def beat(self, done: int) -> None:
        """Say that the child is alive, when it has been silent for a while."""
        self.done = done
        if clock.monotonic() - self.last > _FLUSH_SECONDS:
            self.send("beat", done)
            self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        with self._lock:
            self.last = clock.monotonic()
            if self._lines:
                lines, self._lines, self._size = self._lines, [], 0
                lines.append(b"")
                self._stream.write(b"\n".join(lines))
                self._stream.flush()

    def aside(self, kind: str, *content: object) -> None:
        """Write one message from another thread, behind what was written."""
        with self._lock:
            self.last = clock.monotonic()
            self._stream.write(encode((kind, *content)) + b"\n")
            self._stream.flush()


def encode(value: object) -> bytes:
    """Return a control message or a request, without its line end."""
    return _ENCODER.encode(value).encode("utf-8")


def row_bytes(fields: Mapping[str, Any]) -> bytes:
    """Return a row in canonical form; what it holds is not checked."""
    return _ROW_ENCODER.encode(fields).encode("utf-8")
