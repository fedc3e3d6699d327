"""What a child says about one volume, judged and handed on (parent side)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from evkit.inventory.runner import EngineStoppedError
from evkit.manifest import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.inventory.wire import Message

_ROWS = {"name", "directory", "stream", "error"}
_OURS = ("row", "fs", "partition", "offset", "size")


class Sink(Protocol):
    """Takes rows and file types in order, such as `inventory.store.Writer`."""

    def add(self, row: Mapping[str, Any]) -> int:
        """Append a row and return its number."""

    def add_type(self, stream: int, mime: str) -> None:
        """Append the file type of a stream row."""


class VolumeTaker:
    """Writes the rows of one volume; keeps its own row until the end is known.

    Args:
        add: writes a row and returns its number.
        writer: takes the file types.
        row: what the parent knows of the file system itself.

    Attributes:
        done: bytes digested so far.
    """

    def __init__(
        self, add: Callable[[dict[str, Any]], int], writer: Sink, row: dict[str, Any]
    ) -> None:
        self._add, self._writer = add, writer
        self._row = row
        self._fs = row["fs"]
        self._stream = -1
        self._spoiled = ""
        self.done = 0

    def take(self, message: Message) -> None:
        """Take one message.

        Raises:
            EngineStoppedError: the child may not send it.
            InputError: a row that is not one.
        """
        if message.kind == "fs":
            self._facts(message.fields)
        elif message.kind == "row":
            self._take_row(message.fields)
        elif message.kind == "type" and self._stream >= 0:
            self._writer.add_type(self._stream, message.text)
            self._stream = -1
        elif message.kind != "beat":
            raise EngineStoppedError("engine-garbage", f"an unexpected `{message.kind}`")

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

    def _take_row(self, fields: dict[str, Any]) -> None:
        if fields.get("row") not in _ROWS or fields.get("fs", self._fs) != self._fs:
            raise EngineStoppedError("engine-garbage", "a row that it may not send")
        number = self._add(fields)
        self._stream = -1
        if fields["row"] == "stream" and fields["state"] == "ok":
            self._stream = number
            self.done += fields["bytes_digested"]
        elif fields.get("stage") == "engine":
            self.spoil(fields["reason"])
