"""Decompressors that stop where they should, and files that are one packed stream.

gzip (RFC 1952), bzip2, xz and, where the standard library has it (Python 3.14), Zstandard.
"""

from __future__ import annotations

import bz2
import importlib
import io
import lzma
import zlib
from typing import TYPE_CHECKING, Any, Protocol

from evkit.inventory.archives.caps import ReadError
from evkit.inventory.archives.entries import Entry, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.archives.content import Reader
    from evkit.inventory.archives.listing import Archive

_IN = 1 << 16
OUT = 1 << 18
_GZIP = 31  # window bits that make zlib read gzip members, their CRC and length with them
_ENDINGS = {
    "gzip": ((b".gz", b""), (b".tgz", b".tar"), (b".taz", b".tar")),
    "bzip2": ((b".bz2", b""), (b".tbz2", b".tar"), (b".tbz", b".tar")),
    "xz": ((b".xz", b""), (b".txz", b".tar")),
    "zstd": ((b".zst", b""), (b".tzst", b".tar")),
}


class Engine(Protocol):
    """A decompressor that gives at most so many bytes at once."""

    @property
    def eof(self) -> bool:
        """Say whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """Return what follows its end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Take bytes, return bytes."""

    @property
    def needs_input(self) -> bool:
        """Say whether nothing is held back."""


class _Zlib:
    """zlib with the interface of the others."""

    def __init__(self, bits: int) -> None:
        self._engine: Any = zlib.decompressobj(bits)

    @property
    def eof(self) -> bool:
        return bool(self._engine.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._engine.unused_data)

    @property
    def needs_input(self) -> bool:
        return not self._engine.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return bytes(self._engine.decompress(self._engine.unconsumed_tail + data, max_length))


def deflate() -> Engine:
    """Return a decompressor of raw deflate data."""
    return _Zlib(-15)


def engine_of(kind: str, memory: int) -> Callable[[], Engine]:
    """Return what makes decompressors of a packed form.

    Raises:
        ReadError: this Python has none.
    """
    if kind == "gzip":
        return lambda: _Zlib(_GZIP)
    if kind == "bzip2":
        return bz2.BZ2Decompressor
    if kind == "xz":
        return lambda: lzma.LZMADecompressor(memlimit=memory)
    try:
        zstd: Any = importlib.import_module("compression.zstd")
    except ImportError as error:
        raise ReadError("zstd-not-here", "this Python has no Zstandard", "unsupported") from error
    options = {zstd.DecompressionParameter.window_log_max: 27}
    return lambda: zstd.ZstdDecompressor(options=options)


class Unpacking(io.RawIOBase):
    """Reads what a decompressor gives; members that follow each other are one stream.

    Args:
        base: the packed bytes.
        make: makes a decompressor.
        several: whether more members may follow the first.

    Attributes:
        trailing: bytes behind the last member that are none.
    """

    def __init__(self, base: Reader, make: Callable[[], Engine], *, several: bool = True) -> None:
        self._base, self._make, self._several = base, make, several
        self._last = make()
        self._engine: Engine | None = self._last
        self._input = b""
        self.trailing = False
        self._fed = 0

    @property
    def used(self) -> int:
        """Packed bytes that belong to the stream so far."""
        return self._fed - len(self._last.unused_data)

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes.

        Raises:
            ReadError: the packed bytes are damaged or end too early.
        """
        size = OUT if size < 0 else size
        while (engine := self._engine) is not None and size:
            if engine.eof:
                self._next()
                continue
            data, self._input, ended = self._input, b"", False
            if not data and engine.needs_input:
                data = self._base.read(_IN)
                self._fed += len(data)
                ended = not data
            block = self._decompress(engine, data, size)
            if block:
                return block
            if ended and not engine.eof:
                raise ReadError("cut-short", "the packed data end too early")
        return b""

    def _decompress(self, engine: Engine, data: bytes, size: int) -> bytes:
        try:
            return engine.decompress(data, size)
        except MemoryError:
            raise
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            if "emory" in str(error):
                raise ReadError("dictionary-too-large", str(error), "unreadable") from error
            raise ReadError("packed-data", str(error)) from error
        except Exception as error:
            if type(error).__name__ == "ZstdError":
                raise ReadError("packed-data", str(error)) from error
            raise

    def _next(self) -> None:
        """Begin the next member, or end."""
        rest = self._engine.unused_data if self._engine is not None else b""
        self._engine = None
        if not self._several:
            return
        rest = rest or self._base.read(_IN)
        while rest and not rest.strip(b"\x00"):
            rest = self._base.read(_IN)
        if not rest:
            return
        head = rest[:6]
        if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
            self._last = self._make()
            self._engine, self._input = self._last, rest
        else:
            self.trailing = True


def read_packed(archive: Archive) -> None:
    """List a file that is one packed stream: its one member."""
    kind, name = archive.kind, archive.content.name.rpartition(b"/")[2]
    make = engine_of(kind, archive.job.budget.caps.dictionary)
    last: list[Unpacking] = []

    def unpacked() -> Reader:
        last[:] = [Unpacking(archive.content.open(), make)]
        return last[0]

    archive.add(Entry(path=_inner(name, kind)), Source(unpacked))
    if last and last[0].trailing:
        archive.note = "bytes follow that are not packed data"


def _inner(name: bytes, kind: str) -> bytes:
    for ending, instead in _ENDINGS[kind]:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)] + instead
    return b"content"
