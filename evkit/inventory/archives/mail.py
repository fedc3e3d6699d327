"""Mail by message: mbox (RFC 4155) and single messages (RFC 5322, MIME: RFC 2045-2049, 2231).

A message is a member with the digest of its bytes as they lie in the mbox; its attachments are
members below it, digested decoded. Header and boundary parsing is done on bytes with caps; the
standard library only decodes short header values, and whatever it raises leaves the value as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory.archives.caps import ReadError
from evkit.inventory.archives.entries import Entry, Source
from evkit.inventory.archives.mime import Part, message_fields, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.inventory.archives.content import Reader
    from evkit.inventory.archives.listing import Archive

MESSAGE = 64 << 20  # bytes of a message whose attachments are looked for
_STEP = 1 << 18
_HEADER = 1 << 18
_BLANK = 4  # bytes of a line end and a blank line
_MARK = 5  # bytes that may begin the next `From ` line
_SKIPPED = ReadError("message-too-large", f"more than {MESSAGE} bytes", "unreadable")


def read_eml(archive: Archive) -> None:
    """List the attachments of one message.

    Raises:
        ReadError: it is too large, or nested too deeply.
    """
    reader = archive.content.open()
    data = bytearray()
    while len(data) <= MESSAGE and (block := reader.read(_STEP)):
        data += block
        archive.job.budget.time()
    trouble = _below(archive, bytes(data[:_HEADER] if len(data) > MESSAGE else data), 0)
    if len(data) > MESSAGE:
        raise _SKIPPED
    if trouble is not None:
        raise trouble


def read_mbox(archive: Archive) -> None:
    """List the messages of an mbox and their attachments.

    Raises:
        ReadError: some message could not be looked into; the others are rows.
    """
    trouble: ReadError | None = None
    for number, message in enumerate(_messages(archive.content.open()), 1):
        keeper = _Keeper(message)
        path = b"%06d.eml" % number
        archive.add(Entry(path=path), Source(_given(keeper), once=True, plain=True))
        if keeper.data is None:
            trouble = _SKIPPED
            _below(archive, keeper.head, archive.count)
        else:
            trouble = _below(archive, keeper.data, archive.count, path + b"/") or trouble
    if trouble is not None:
        raise trouble


def _below(archive: Archive, data: bytes, parent: int, prefix: bytes = b"") -> ReadError | None:
    """Send the `message` row and the attachments of a message; returns what went wrong."""
    found, trouble = parts_of(data)
    row = {"row": "message", "fs": archive.fs, "inode": parent, "attachments": len(found),
           **message_fields(data)}  # fmt: skip
    row |= trouble.fields() if trouble else {"state": "ok"}
    archive.job.sender.row(row)
    for part in found:
        _attachment(archive, part, parent, prefix)
    return trouble


def _attachment(archive: Archive, part: Part, parent: int, prefix: bytes) -> None:
    content, problem = part.decoded()
    entry = Entry(path=prefix + part.name, parent=parent)
    if problem is not None and problem.state == "unsupported":
        archive.add(entry, Source(problem=problem))
        return
    archive.add(entry, Source(_given(_Once(content, problem)), once=True))


def _given(reader: Reader) -> Callable[[], Reader]:
    return lambda: reader


class _Once:
    """Bytes in memory, and what is wrong with their end."""

    def __init__(self, data: bytes, problem: ReadError | None) -> None:
        self._data, self._problem = data, problem

    def read(self, _size: int = -1, /) -> bytes:
        block, self._data = self._data, b""
        if not block and self._problem is not None:
            raise self._problem
        return block


class _Keeper:
    """Passes the blocks of a message on and keeps them, up to the cap."""

    def __init__(self, blocks: _Message) -> None:
        self._blocks = blocks
        self._kept: list[bytes] = []
        self._size = 0
        self.head = b""

    @property
    def data(self) -> bytes | None:
        """The whole message, None when it is too large."""
        return b"".join(self._kept) if self._size <= MESSAGE else None

    def read(self, size: int = -1, /) -> bytes:
        block = self._blocks.read(size)
        self._size += len(block)
        if len(self.head) < _HEADER:
            self.head += block[: _HEADER - len(self.head)]
        if self._size <= MESSAGE:
            self._kept.append(block)
        else:
            self._kept = []
        return block


class _Message:
    """The bytes of one message, from the pieces of the mbox up to its end."""

    def __init__(self, pieces: Iterator[bytes | None]) -> None:
        self._pieces, self._tail, self.ended = pieces, b"", False

    def read(self, _size: int = -1, /) -> bytes:
        while not self.ended:
            piece = next(self._pieces, None)
            if piece is None:
                self.ended = True
                return _without_blank(self._tail)
            piece = self._tail + piece
            cut = max(0, len(piece) - _BLANK)
            self._tail = piece[cut:]
            if cut:
                return piece[:cut]
        return b""


def _messages(reader: Reader) -> Iterator[_Message]:
    pieces = _pieces(reader)
    while next(pieces, None) is not None:
        message = _Message(pieces)
        yield message
        while not message.ended:
            message.read()


def _pieces(reader: Reader) -> Iterator[bytes | None]:
    """Split an mbox: for each message a first empty piece, its bytes, then None."""
    data, lead, inside, ended = b"\n", 1, False, False  # `lead`: bytes at the start already given
    while not ended:
        block = reader.read(_STEP)
        ended = not block
        data += block
        while (at := data.find(b"\nFrom ")) >= 0:
            if inside:
                yield data[lead : at + 1]
                yield None
            end = data.find(b"\n", at + 1)
            if end < 0:  # the line goes on behind what was read
                data, lead, inside = data[at : at + 6], 6, False
                break
            data, lead, inside = data[end:], 1, True
            yield b""
        keep = 0 if ended or not inside else _MARK
        cut = max(lead, len(data) - keep)
        if inside and cut > lead:
            yield data[lead:cut]
            data, lead = data[cut:], 0
    if inside:
        yield None


def _without_blank(tail: bytes) -> bytes:
    """Take away the blank line that stands between two messages and belongs to neither."""
    if tail.endswith(b"\r\n\r\n"):
        return tail[:-2]
    return tail[:-1] if tail.endswith(b"\n\n") else tail
