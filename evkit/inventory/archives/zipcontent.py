"""Content of a zip's members: unpacked, and compared with the length and CRC that are stated."""

from __future__ import annotations

import io
import lzma
import zlib
from typing import TYPE_CHECKING, Final

from evkit.inventory.archives.caps import ReadError
from evkit.inventory.archives.content import exactly
from evkit.inventory.archives.entries import Source
from evkit.inventory.archives.packed import Unpacking, deflate, engine_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.archives.content import Reader, Window
    from evkit.inventory.archives.zipdir import Item

STORED: Final = 0
DEFLATED: Final = 8
AES: Final = 99
_LZMA: Final = 14
_STEP: Final = 1 << 18
_ENGINES: Final = {12: "bzip2", 93: "zstd", 95: "xz"}
_METHODS: Final = {9: "Deflate64", 1: "Shrink", 6: "Implode", 97: "WavPack", 98: "PPMd"}
_PROPERTIES = 9  # version, length of the properties, the properties
_MOST_BITS = 225  # 9 * 5 * 5 ways to choose lc, lp and pb


def source_of(item: Item, window: Window, memory: int) -> Source:
    """Return where the content of a member comes from.

    Args:
        item: the member.
        window: its packed bytes.
        memory: bytes that a decompressor may ask for.
    """
    if item.method == STORED and item.packed == item.size:
        return Source(lambda: _Checked(_rewound(window), item), place=lambda: _rewound(window))
    try:
        unpack = _unpacker(item, memory)
    except ReadError as error:
        return Source(problem=error)
    return Source(lambda: _Checked(unpack(_rewound(window)), item))


def _unpacker(item: Item, memory: int) -> Callable[[Reader], Reader]:
    if item.method == STORED:
        return lambda base: base
    if item.method == _LZMA:
        return lambda base: _lzma(base, memory, item.size)
    if item.method == DEFLATED:
        return lambda base: Unpacking(base, deflate, several=False)
    if item.method in _ENGINES:
        make = engine_of(_ENGINES[item.method], memory)
        return lambda base: Unpacking(base, make, several=False)
    title = _METHODS.get(item.method, f"method {item.method}")
    raise ReadError("packed-otherwise", title, "unsupported")


class _Checked(io.RawIOBase):
    """Content of a member, compared with its stated length and CRC at the end."""

    def __init__(self, base: Reader, item: Item) -> None:
        self._base, self._item = base, item
        self._crc = self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes.

        Raises:
            ReadError: the content is not what is stated.
        """
        block = self._base.read(_STEP if size < 0 else size)
        self._crc = zlib.crc32(block, self._crc)
        self._at += len(block)
        if not block:
            if self._at != self._item.size:
                raise ReadError("size-differs", f"{self._at} bytes, {self._item.size} stated")
            if self._crc != self._item.crc:
                raise ReadError("crc-differs", f"{self._crc:08x}, {self._item.crc:08x} stated")
        return block


class _Limited:
    """The first bytes of a reader."""

    def __init__(self, base: Reader, size: int) -> None:
        self._base, self._left = base, size

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes."""
        if not self._left:
            return b""
        block = self._base.read(min(self._left, _STEP if size < 0 else size))
        self._left -= len(block)
        return block


def _rewound(window: Window) -> Window:
    window.seek(0)
    return window


def _lzma(base: Reader, memory: int, size: int) -> Reader:
    """Return the content of method 14: a version, the properties, then LZMA without an end."""
    head = exactly(base, _PROPERTIES)
    if len(head) < _PROPERTIES or head[2:4] != b"\x05\x00" or head[4] >= _MOST_BITS:
        raise ReadError("packed-data", "no LZMA properties")
    dictionary = int.from_bytes(head[5:9], "little")
    if dictionary > memory:
        raise ReadError("dictionary-too-large", f"{dictionary} bytes", "unreadable")
    chosen = {
        "id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": head[4] % 9,
        "lp": head[4] // 9 % 5, "pb": head[4] // 45,
    }  # fmt: skip
    if chosen["lc"] + chosen["lp"] > 4:  # noqa: PLR2004 - liblzma's limit
        raise ReadError("packed-data", "LZMA properties that no program uses")
    make = lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])  # noqa: E731
    return _Limited(Unpacking(base, make, several=False), size)
