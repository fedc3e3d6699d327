"""Messages of a task until its turn comes: in memory while they are few, else in a scrap file."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from evkit.core.errors import StorageError
from evkit.core.text import escape
from evkit.inventory.wire import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.manifest.rowaccept import Facts

MOST = 16 << 20  # bytes of rows in memory
_OVERHEAD = 300  # bytes of a message beside those of its row


class Held:
    """A list of messages that can be cut back to its last mark.

    Args:
        accept: says again what a row is that comes back from the scrap file.
    """

    def __init__(self, accept: Callable[[bytes], Facts]) -> None:
        self._accept = accept
        self._messages: list[Message] = []
        self._size = 0
        self._file: BinaryIO | None = None
        self._mark = 0

    def add(self, message: Message) -> None:
        """Append a message.

        Raises:
            StorageError: there is no room for the scrap file.
        """
        if self._file is None:
            self._messages.append(message)
            self._size += len(message.raw) + _OVERHEAD
            if self._size <= MOST:
                return
        try:
            if self._file is None:
                self._spill()
            else:
                self._file.write(message.line() + b"\n")
        except OSError as error:
            raise StorageError(
                f"cannot keep the answers of the engine: {escape(str(error))}",
                hint="free space for temporary files, or name another place in TMPDIR",
            ) from error

    def mark(self) -> None:
        """What is here now stays."""
        self._mark = len(self._messages) if self._file is None else self._file.tell()

    def back(self) -> None:
        """Drop what came after the last mark."""
        if self._file is not None:
            self._file.seek(self._mark)
            self._file.truncate()
        else:
            del self._messages[self._mark :]

    def clear(self) -> None:
        """Drop everything."""
        self._messages, self._size, self._mark = [], 0, 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Message]:
        """Yield all messages in order."""
        if self._file is None:
            yield from self._messages
            return
        self._file.seek(0)
        for line in self._file:
            message = Message.parse(line[:-1])
            if message.kind == "row":
                message.facts = self._accept(message.raw)
            yield message

    def _spill(self) -> None:
        self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - kept open
        kept, rest = self._messages[: self._mark], self._messages[self._mark :]
        self._messages = []
        for message in kept:
            self._file.write(message.line() + b"\n")
        self._mark = self._file.tell()
        for message in rest:
            self._file.write(message.line() + b"\n")
