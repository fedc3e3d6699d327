"""Where the bytes of an archive come from: a file, a part of one, memory, or a decompressor."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evkit.hashing.reading import open_evidence

if TYPE_CHECKING:
    from collections.abc import Callable


class Reader(Protocol):
    """Reads forward; an empty block is the end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes."""


class Seeking(Reader, Protocol):
    """Reads anywhere."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""


@dataclass(frozen=True)
class Content:
    """A stream that may be an archive.

    Attributes:
        name: its name, for forms without a mark.
        size: its bytes.
        open: returns a new reader at its first byte.
        seeking: the reader can seek.
    """

    name: bytes
    size: int
    open: Callable[[], Reader]
    seeking: bool


class Window(io.RawIOBase):
    """A part of a seekable reader, itself seekable; several windows may share one reader."""

    def __init__(self, base: Seeking, start: int, size: int) -> None:
        self._base = base
        self._start, self._size = start, size
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes."""
        left = max(0, self._size - self._at)
        wanted = left if size < 0 else min(size, left)
        if not wanted:
            return b""
        self._base.seek(self._start + self._at)
        data = self._base.read(wanted)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place inside the part."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def seekable(self) -> bool:
        """Say that it can seek."""
        return True

    def readable(self) -> bool:
        """Say that it can be read."""
        return True


def of_file(path: bytes) -> io.FileIO:
    """Open a file of the tree: no link followed, no time touched.

    Raises:
        OSError: it cannot be opened.
    """
    return io.FileIO(open_evidence(path), closefd=True)


def exactly(reader: Reader, size: int) -> bytes:
    """Return `size` bytes, fewer only at the end."""
    data = reader.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    left = size - len(data)
    while left and (block := reader.read(left)):
        parts.append(block)
        left -= len(block)
    return b"".join(parts)
