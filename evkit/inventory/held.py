"""Messages of a task until its turn comes: in memory while they are few, else in a scrap file."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from evkit.core.errors import StorageError
from evkit.core.text import escape
from evkit.inventory.wire import Message, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.manifest.rowfacts import Facts

MOST = 16 << 20  # bytes of rows in memory
_OVERHEAD = 400  # bytes of a row beside its own
_RUN = 4096  # rows of one message


class Held:
    """A list of messages that can be cut back to its last mark.

    Args:
        accept: says again what a row is that comes back from the scrap file.
    """

    def __init__(self, accept: Callable[[bytes], Facts]) -> None:
        self._accept = accept
        self._messages: list[Message] = []
        self._run: Rows | None = None
        self._size = 0
        self._file: BinaryIO | None = None
        self._mark = 0

    @property
    def run(self) -> Rows:
        """Where rows that come now are appended; another one after every mark and message."""
        if self._run is None:
            self._run = Rows()
        return self._run

    def add(self, message: Message) -> None:
        """Append a message that is no row.

        Raises:
            StorageError: there is no room for the scrap file.
        """
        self._close()
        self._put(message)

    def settle(self) -> None:
        """Move to the scrap file what is too much for memory.

        Raises:
            StorageError: there is no room for it.
        """
        if self._run is not None and len(self._run.rows) >= _RUN:
            types = self._run.types
            if not types or types[-1][0] < len(self._run.rows) - 1:
                last = self._run.rows.pop(), self._run.judged.pop()  # its type may still come
                self._close()
                self.run.rows.append(last[0])
                self.run.judged.append(last[1])
            else:
                self._close()

    def mark(self) -> None:
        """What is here now stays."""
        self._close()
        self._mark = len(self._messages) if self._file is None else self._file.tell()

    def back(self) -> None:
        """Drop what came after the last mark."""
        self._run = None
        if self._file is not None:
            self._file.seek(self._mark)
            self._file.truncate()
        else:
            del self._messages[self._mark :]

    def clear(self) -> None:
        """Drop everything."""
        self._messages, self._run, self._size, self._mark = [], None, 0, 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Message]:
        """Yield all messages in order."""
        self._close()
        if self._file is None:
            yield from self._messages
            return
        self._file.seek(0)
        run = Rows()
        for line in self._file:
            message = Message.parse(line[:-1])
            if message.kind == "row":
                if len(run.rows) >= _RUN:
                    yield run
                    run = Rows()
                run.rows.append(message.raw)
                run.judged.append(self._accept(message.raw))
            elif message.kind == "type":
                run.type(message.text)
            else:
                yield run
                yield message
                run = Rows()
        yield run

    def _close(self) -> None:
        run, self._run = self._run, None
        if run is not None and run.rows:
            self._put(run)

    def _put(self, message: Message) -> None:
        if self._file is None:
            self._messages.append(message)
            rows = message.rows if isinstance(message, Rows) else (message.raw,)
            self._size += sum(map(len, rows)) + _OVERHEAD * len(rows)
            if self._size <= MOST:
                return
        try:
            if self._file is None:
                self._spill()
            else:
                _write(self._file, message)
        except OSError as error:
            raise StorageError(
                f"cannot keep the answers of the engine: {escape(str(error))}",
                hint="free space for temporary files, or name another place in TMPDIR",
            ) from error

    def _spill(self) -> None:
        self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - kept open
        messages, self._messages = self._messages, []
        for index, message in enumerate(messages):
            if index == self._mark:
                self._mark = self._file.tell()
            _write(self._file, message)


def _write(file: BinaryIO, message: Message) -> None:
    file.writelines(line + b"\n" for line in message.lines())
