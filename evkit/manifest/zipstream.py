"""Reading one entry of a zip: exactly its bytes, its length and its CRC, or an error."""

from __future__ import annotations

import io
import os
import zlib
from typing import Final

from evkit.core.errors import InputError
from evkit.core.text import escape

STORED: Final = 0
DEFLATED: Final = 8
CHUNK: Final = 1 << 18


class Slice:
    """`length` bytes of a file from `start`, read by offset so that entries can be interleaved."""

    def __init__(self, descriptor: int, start: int, length: int) -> None:
        self._descriptor = descriptor
        self._at = start
        self._left = length

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, empty at the end of the slice."""
        want = min(size, self._left)
        if want == 0:
            return b""
        data = _pread(self._descriptor, want, self._at)
        self._at += len(data)
        self._left -= len(data)
        return data


def _pread(descriptor: int, size: int, at: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, at)
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, size)


class EntryStream(io.BufferedIOBase):
    """The unpacked content of one entry, forwards only.

    The last read raises `InputError` unless the packed data ended exactly there and size and CRC
    are those of the header. `read()` without a size is for small files.
    """

    def __init__(self, source: Slice, name: str, method: int, wanted: tuple[int, int]) -> None:
        """Take packed bytes, the name for messages, the method, and (size, CRC) of the header."""
        super().__init__()
        self._source = source
        self._name = escape(name)
        self._unpack = zlib.decompressobj(-zlib.MAX_WBITS) if method == DEFLATED else None
        self._size, self._crc = wanted
        self._done = 0
        self._sum = 0
        self._tail = b""
        self._over = False

    def readable(self) -> bool:  # noqa: D102 - as in io
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes (all when negative or None), empty at the end."""
        wanted = self._size + 1 if size is None or size < 0 else size
        parts = []
        while wanted > 0 and not self._over:
            part = self._next(min(wanted, CHUNK))
            if not part:
                self._finish()
                break
            self._done += len(part)
            if self._done > self._size:
                raise self._bad("holds more than its header says")
            self._sum = zlib.crc32(part, self._sum)
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    read1 = read

    def _next(self, limit: int) -> bytes:
        if self._unpack is None:
            return self._source.read(limit)
        while not self._unpack.eof:
            packed = self._tail or self._source.read(CHUNK)
            try:
                part = self._unpack.decompress(packed, limit)
            except zlib.error as error:
                raise self._bad(f"cannot be unpacked: {error}") from error
            self._tail = self._unpack.unconsumed_tail
            if part:
                return part
            if not packed:
                raise self._bad("ends too early")
        return b""

    def _finish(self) -> None:
        self._over = True
        if self._unpack is not None and (self._unpack.unused_data or self._source.read(1)):
            raise self._bad("has bytes after its packed data")
        if self._done != self._size:
            raise self._bad(f"has {self._done} bytes; its header says {self._size}")
        if self._sum != self._crc:
            raise self._bad(f"has CRC {self._sum:08x}; its header says {self._crc:08x}")

    def _bad(self, text: str) -> InputError:
        self._over = True
        return InputError(f"zip entry `{self._name}` {text}")
