"""What parent and child say to each other: JSON lines with a length cap, never pickles.

The request is one JSON object on the child's standard input. The child answers with JSON arrays,
one a line, the first item naming the kind:

    ["image", {…}]                size and sector size of the medium, what its maker could not read
    ["part", {…}]                 an entry of a partition table (the parent makes the row)
    ["fs", {…}]                   facts of a file system (the parent makes the row at the end)
    ["row", {…}]                  a name, directory, stream or error row
    ["offer", {…}]                a stream row without its digests, which the parent can make
    ["type", "text/plain"]        the file type of the stream row before it
    ["info", {"types": "…", …}]   versions of the engines and the limits that were applied
    ["beat", bytes]               still alive; bytes digested so far
    ["done"]                      nothing follows

The parent trusts none of it: every line is checked before it is used (`Message.parse`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core import clock
from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

MAX_LINE = (4 << 20) + 4096
MAX_REQUEST = 16 << 20  # the ranges that could not be read may be many
_FLUSH_BYTES = 1 << 16
_FLUSH_SECONDS = 2.0
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_OBJECT = {"part", "fs", "row", "offer", "info", "image"}


class Message(NamedTuple):
    """One line from the child.

    Attributes:
        kind: `image part fs row offer type info beat done`.
        fields: the object of `image`, `part`, `fs`, `row`, `offer` and `info`, else empty.
        text: the type of `type`, else empty.
        number: the bytes of `beat`, the rows of `stored`, else 0.
        raw: the bytes of a row, when they were not parsed.
    """

    kind: str
    fields: dict[str, Any]
    text: str = ""
    number: int = 0
    raw: bytes = b""

    @classmethod
    def parse(cls, line: bytes) -> Message:
        """Read one line strictly.

        Raises:
            InputError: the line is not a message.
        """
        try:
            value = json.loads(line.decode("utf-8", "strict"))
        except (ValueError, RecursionError) as error:
            raise InputError("the engine sent a line that is not JSON") from error
        if isinstance(value, list) and value:
            kind = value[0]
            if kind == "done" and len(value) == 1:
                return cls("done", {})
            if len(value) == 2 and isinstance(kind, str):  # noqa: PLR2004 - kind and content
                content = value[1]
                if kind in _OBJECT and isinstance(content, dict):
                    return cls(kind, content)
                if kind == "type" and isinstance(content, str):
                    return cls(kind, {}, content)
                if kind == "beat" and type(content) is int and content >= 0:
                    return cls(kind, {}, "", content)
        raise InputError("the engine sent a line of an unknown shape")


class Sender:
    """The child's end: collects lines and writes them in blocks, at the latest every 2 seconds.

    Args:
        stream: where the parent reads.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self._size = 0
        self._last = clock.monotonic()

    def send(self, kind: str, *content: object) -> None:
        """Queue one message."""
        line = _encode((kind, *content))
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_BYTES:
            self.flush()

    def row(self, fields: Mapping[str, Any]) -> None:
        """Queue a row."""
        self.send("row", fields)

    def beat(self, done: int) -> None:
        """Say that the child is alive, when it has been silent for a while."""
        if clock.monotonic() - self._last > _FLUSH_SECONDS:
            self.send("beat", done)
            self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        self._last = clock.monotonic()
        if self._lines:
            self._stream.write(b"".join(self._lines))
            self._stream.flush()
            self._lines, self._size = [], 0


def _encode(value: object) -> bytes:
    return _ENCODER.encode(value).encode("utf-8") + b"\n"
