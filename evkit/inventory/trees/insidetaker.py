"""What a child says about a batch of archives, judged and written (parent side)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.inventory.runner import EngineStoppedError
from evkit.manifest import rows
from evkit.manifest.rowaccept import accept, facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.inventory.taker import Sink
    from evkit.inventory.wire import Message
    from evkit.manifest.rowfacts import Facts


KINDS = frozenset({"zip", "tar", "7z", "gzip", "bzip2", "xz", "zstd", "mbox", "eml"})
_ROWS = frozenset({"name", "directory", "stream", "error", "message", "export"})


class _Open(NamedTuple):
    """An archive whose rows are coming: its number, the stream it lies in, its type and size."""

    fs: int
    within: int
    type: str
    size: int


class InsideTaker:
    """Judges and writes what a child says about a batch of archives.

    Args:
        sink: takes rows and file types.
        count: told of every row that was written.
        fs: number of the first file system.
        batch: (number of the stream row, request) of each archive.

    Attributes:
        fs: number of the next file system.
        finished: archives of the batch that are done.
        done: bytes digested so far.
    """

    def __init__(
        self, sink: Sink, count: Callable[[Sequence[Facts]], None], fs: int,
        batch: Sequence[tuple[int, dict[str, Any]]],
    ) -> None:  # fmt: skip
        self._sink, self._count, self._batch = sink, count, batch
        self._open: list[_Open] = []
        self._last = self._typed = -1
        self.fs, self.finished, self.done = fs, 0, 0

    def take(self, message: Message) -> None:
        """Take one message.

        Raises:
            EngineStoppedError: the child may not send it.
            InputError: a row that is not one.
        """
        kind = message.kind
        if kind == "archive":
            self._begin(message.fields)
        elif kind == "row" and self._open:
            self._row(message.raw or rows.encode(message.fields))
        elif kind == "fs" and self._open:
            self._close(message.fields)
        elif kind == "type" and self._typed >= 0:
            self._sink.add_type(self._typed, message.text)
            self._typed = -1
        elif kind != "beat":
            raise EngineStoppedError("engine-garbage", f"an unexpected `{kind}`")

    def whole(self) -> None:
        """Check that every archive of the batch came to its end.

        Raises:
            EngineStoppedError: some did not.
        """
        if self.finished < len(self._batch):
            raise EngineStoppedError("engine-garbage", "it ended before the last archive")

    def lose(self, error: EngineStoppedError) -> None:
        """End the archives that are open, at least the next one: the child is lost."""
        if not self._open and self.finished < len(self._batch):
            stream, item = self._batch[self.finished]
            self._open.append(_Open(self.fs, stream, item["type"], item["size"]))
            self.fs += 1
        if self._open:
            row = {"row": "error", "stage": "engine", "fs": self._open[-1].fs}
            self._add(row | {"reason": error.reason, "detail": error.detail})
        while self._open:
            top = self._open.pop()
            state = {"state": "damaged", "reason": error.reason, "detail": "not listed to its end"}
            self._add(_system(top) | state)
            self.finished += not self._open

    def _begin(self, fields: dict[str, Any]) -> None:
        kind, size = fields.get("type"), fields.get("size")
        if self._open:
            within = self._last
        elif self.finished < len(self._batch):
            within = self._batch[self.finished][0]
        else:
            within = -1
        sound = kind in KINDS and type(size) is int and 0 <= size < 2**53
        if within < 0 or fields.get("fs") != self.fs or not sound:
            raise EngineStoppedError("engine-garbage", "an archive that nobody asked for")
        self._open.append(_Open(self.fs, within, str(kind), int(size or 0)))
        self.fs += 1
        self._last = self._typed = -1

    def _row(self, data: bytes) -> None:
        facts = accept(data)
        if facts.kind not in _ROWS or facts.fs != self._open[-1].fs:
            raise EngineStoppedError("engine-garbage", "a row that it may not send")
        number = self._write(data, facts)
        self._last = self._typed = -1
        if facts.kind == "stream":
            self._last = number
            if facts.state == "ok":
                self._typed = number
                self.done += facts.bytes_digested

    def _add(self, row: dict[str, Any]) -> None:
        self._write(rows.encode(row), facts_of(row))

    def _write(self, data: bytes, facts: Facts) -> int:
        number = self._sink.add_bytes(data, facts)
        self._count((facts,))
        return number

    def _close(self, fields: dict[str, Any]) -> None:
        top = self._open[-1]
        said = {key: fields[key] for key in ("state", "reason", "detail") if key in fields}
        if fields.keys() - said.keys() != {"type", "size"}:
            raise EngineStoppedError("engine-garbage", "facts that are not for it to say")
        row = _system(top) | said
        data = rows.encode(row)
        self._open.pop()
        self._write(data, facts_of(row))
        self._last = self._typed = -1
        self.finished += not self._open
        self._sink.checkpoint()


def _system(top: _Open) -> dict[str, Any]:
    return {
        "row": "filesystem", "fs": top.fs, "offset": 0, "size": top.size, "type": top.type,
        "within": top.within,
    }  # fmt: skip
