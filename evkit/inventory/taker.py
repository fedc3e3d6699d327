"""What a child says about one volume, judged and handed on (parent side)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from evkit.inventory.runner import EngineStoppedError
from evkit.inventory.wire import Message, Rows
from evkit.manifest import rows
from evkit.manifest.rowaccept import accept
from evkit.manifest.rowfacts import Alike

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from evkit.manifest.rowfacts import Facts, Judged

_ROWS = {"name", "directory", "stream", "space", "error", "export"}
STORED = "stored"  # reason of a stream row that stands for one that an earlier run kept
_TOP = 2**53
_OURS = ("row", "fs", "partition", "offset", "size")


class Sink(Protocol):
    """Takes rows and file types in order, such as `inventory.store.Writer`."""

    @property
    def resumed(self) -> int:
        """The number of rows that an earlier run kept."""

    def add_bytes(self, data: bytes, facts: Facts) -> int:
        """Append a row that was accepted and return its number."""

    def add_many(self, rows: Sequence[bytes], judged: Judged) -> int:
        """Append rows that were accepted and return the number of the first."""

    def add_type(self, stream: int, mime: str) -> None:
        """Append the file type of a stream row."""

    def remember(self, key: str, value: str) -> None:
        """Keep what the rows depend on, such as the version of an engine."""

    def checkpoint(self) -> None:
        """Keep what there is, for a run that goes on."""

    def batch(self, fs: int, records: Collection[int]) -> int:
        """Return how many rows of the next batch of streams an earlier run kept."""

    def replay(self, count: int) -> Iterator[tuple[int, Facts]]:
        """Yield the next rows from what an earlier run kept: a batch of streams."""

    def replay_stream(self, fs: int, inode: int) -> tuple[int, Facts] | None:
        """Return the next row from what an earlier run kept: a stream of that record."""


class VolumeTaker:
    """Writes the rows of one volume; keeps its own row until the end is known.

    Args:
        sink: takes rows and file types.
        count: told of every row that was written.
        row: what the parent knows of the file system itself.

    Attributes:
        done: bytes digested so far.
        orphans: what was left out of deleted records without a name, empty when nothing is known.
        stream: number of the stream row that was the last row, -1 for another or one that was not
            read whole.
    """

    def __init__(
        self, sink: Sink, count: Callable[[Sequence[Facts] | Alike], None], row: dict[str, Any]
    ) -> None:
        self._sink, self._count = sink, count
        self._row = row
        self._fs = row["fs"]
        self.stream = -1
        self._untyped = False
        self._spoiled = ""
        self.orphans: Mapping[str, int] = {}
        self.done = 0

    def take(self, message: Message) -> None:
        """Take one message.

        Raises:
            EngineStoppedError: the child may not send it.
            InputError: a row that is not one.
        """
        kind = message.kind
        if isinstance(message, Rows):
            self._take_rows(message)
        elif kind == "row":
            self._take_row(message.raw or rows.encode(message.fields), message.facts)
        elif kind == "type" and self._untyped:
            self._sink.add_type(self.stream, message.text)
            self._untyped = False
        elif kind == "mark":
            self._sink.checkpoint()
        elif kind == "stored":
            for number, facts in self._sink.replay(message.number):
                self._written(number, facts)
            self._untyped = False
        elif kind == "fs":
            self._facts(message.fields)
        elif kind == "orphans":
            self.orphans = _counts(message.fields)
        elif kind != "beat":
            raise EngineStoppedError("engine-garbage", f"an unexpected `{kind}`")

    def spoil(self, reason: str) -> None:
        """Remember that the volume was not listed to its end."""
        self._spoiled = reason

    def filesystem(self) -> dict[str, Any]:
        """Return the row of the file system."""
        if self._spoiled:
            more = {"state": "damaged", "reason": self._spoiled, "detail": "not listed to its end"}
            return self._row | more
        return self._row

    def _facts(self, fields: dict[str, Any]) -> None:
        if {"row", "fs", "partition", "offset"} & fields.keys():
            raise EngineStoppedError("engine-garbage", "facts that are not for it to say")
        row = {key: self._row[key] for key in _OURS if key in self._row} | fields
        rows.check(row)
        self._row = row

    def _take_row(self, data: bytes, facts: Facts | None) -> None:
        facts = facts or accept(data)
        if facts.kind not in _ROWS or facts.fs not in {self._fs, -1}:
            raise EngineStoppedError("engine-garbage", "a row that it may not send")
        if facts.kind == "stream" and facts.reason == STORED:
            self._replay(facts)
        else:
            self._written(self._sink.add_bytes(data, facts), facts)

    def _take_rows(self, message: Rows) -> None:
        """Take rows that were judged when they came."""
        found = message.judged
        if not found:
            return
        first = self._sink.add_many(message.rows, found)
        self.stream, self._untyped = -1, False
        for part in found.parts:
            self._count(part)
            if isinstance(part, Alike):
                self.done += part.digested
            else:
                self.done += sum(row[10] for row in part if row[0] == "stream" and row[4] == "ok")
        for index, mime in message.types:
            self._sink.add_type(first + index, mime)

    def _replay(self, said: Facts) -> None:
        """Take the row that is kept in the place of a stream that was not read again."""
        found = self._sink.replay_stream(self._fs, said.inode)
        if found is None:
            raise EngineStoppedError("engine-garbage", "a row of which nothing is kept")
        self._written(*found)
        self._untyped = False

    def _written(self, number: int, facts: Facts) -> None:
        self._count((facts,))
        whole = facts.kind == "stream" and facts.state == "ok"
        self._untyped, self.stream = whole, number if whole else -1
        if whole:
            self.done += facts.bytes_digested
        elif facts.stage == "engine":
            self.spoil(facts.reason)


def _counts(fields: Mapping[str, Any]) -> dict[str, int]:
    """Return what was left out of deleted records without a name, each number checked."""
    found = {key: fields.get(key) for key in ("listed", "left_out", "bytes_left_out")}
    if not all(type(count) is int and 0 <= count < _TOP for count in found.values()):
        raise EngineStoppedError("engine-garbage", "counts that cannot be")
    return {key: int(count or 0) for key, count in found.items()}
