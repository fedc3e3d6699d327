"""Where the partitions of a source lie: GPT and MBR, primary, and logical ones through their chain.

Only as much is read as choosing one takes; the inventory reads the file systems. Sources: UEFI
specification 2.10, section 5.3; for the MBR the common layout of 64 bytes from byte 446 on.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from evkit.acquire.source import SECTOR
from evkit.core.errors import InputError, UsageError
from evkit.core.sizes import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.acquire.source import Opened
    from evkit.images.model import Image

_MOST: Final = 256
_ENTRY: Final = struct.Struct("<B3xB3xII")
_GPT: Final = struct.Struct("<8s64xQII")  # signature, first entry, entries, bytes of one
_GPT_ENTRY: Final = struct.Struct("<16s16sQQ")
_EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})
_PROTECTIVE: Final = 0xEE
_FLAGS: Final = frozenset({0x00, 0x80})
_DIGITS: Final = 19
_FIRST_LOGICAL: Final = 5
_PAGE: Final = 4096


class Part(NamedTuple):
    """One partition: its number as the system counts, offset and length in bytes."""

    number: int
    offset: int
    length: int


class Readable(Protocol):
    """A medium whose partitions are looked for."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def sector_size(self) -> int:
        """Bytes of a sector."""

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes, fewer only at the end; InputError when they cannot be read."""


class OfImage:
    """The medium of an image; sectors of 512 bytes where the image states none.

    Args:
        image: opened; it stays the caller's to close.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self.size = image.size
        self.sector_size = image.sector_size or SECTOR

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes, fewer only at the end.

        Raises:
            InputError: they cannot be read or decoded.
        """
        try:
            return self._image.read(offset, length) if offset < self.size else b""
        except OSError as error:
            raise _unreadable(error) from error


class OfSource:
    """An opened file or device.

    Args:
        opened: narrowed to the part that is taken.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.size = opened.facts.size or 0
        self.sector_size = opened.facts.sector_size

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes, fewer only at the end; whole pages are read, aligned.

        Raises:
            InputError: they cannot be read.
        """
        start = offset - offset % _PAGE
        whole = -(-(offset - start + length) // _PAGE) * _PAGE
        count = 0
        with mmap.mmap(-1, whole) as buffer, memoryview(buffer) as view:
            try:
                # a read ends before a sector that fails; the next one tells that from the end
                while count < whole and (more := self._into(view[count:], start + count)):
                    count += more
            except OSError as error:
                if count < offset - start + length:
                    raise _unreadable(error) from error
            return bytes(view[offset - start : min(count, offset - start + length)])

    def _into(self, view: memoryview, place: int) -> int:
        with view:
            opened = self._opened
            return os.preadv(opened.descriptor, [view], opened.facts.base + place)


def find(opened: Opened) -> list[Part]:
    """Return the partitions of a source, by number.

    Raises:
        InputError: the table cannot be read.
    """
    return find_in(OfSource(opened))


def find_in(medium: Readable) -> list[Part]:
    """Return the partitions of a medium, by number.

    Raises:
        InputError: the table cannot be read.
    """
    size, sector = medium.size, medium.sector_size
    head = medium.read(0, 512)
    if head[510:512] != b"\x55\xaa" or any(entry[0] not in _FLAGS for entry in _entries(head)):
        return []  # none, or the boot sector of a file system
    kinds = {entry[1] for entry in _entries(head)}
    if _PROTECTIVE in kinds:
        for unit in dict.fromkeys((sector, 512, 4096)):
            found = _gpt(medium, unit, unit)
            if found is None:  # the second one stands at the end
                found = _gpt(medium, unit, size - unit)
            if found is not None:
                return [part for part in found if part.offset + part.length <= size]
        raise InputError(
            "the medium has a GPT, and it cannot be read", hint="give the range with `--type range`"
        )
    parts = list(_mbr(medium, head, sector))
    return [part for part in parts if part.length and part.offset + part.length <= size]


def choose(opened: Opened, number: str) -> Part:
    """Return the partition of a source with this number; see `choose_in`."""
    return choose_in(OfSource(opened), number)


def choose_in(medium: Readable, number: str) -> Part:
    """Return the partition with this number.

    Raises:
        UsageError: there is none; the hint lists those that are there.
        InputError: the table cannot be read.
    """
    parts = find_in(medium)
    for part in parts:
        if str(part.number) == number:
            return part
    there = ", ".join(f"{part.number} ({in_words(part.length)})" for part in parts)
    raise UsageError(
        f"there is no partition `{number}`", hint=f"there are: {there or 'none that evkit sees'}"
    )


def read_range(text: str, sector: int, size: int) -> tuple[int, int]:
    """Return (offset, length) of a range as typed: `OFFSET+LENGTH` in bytes, or sectors with `s`.

    Raises:
        UsageError: it is malformed.
    """
    first, plus, second = text.partition("+")
    if not plus:
        first, plus, second = text.partition("-")
        if not plus:
            raise _malformed(text)
        start, end = _number(first, sector, text), _number(second, sector, text)
        return start, end - start
    length = size - _number(first, sector, text) if second == "" else _number(second, sector, text)
    return _number(first, sector, text), length


def _number(text: str, sector: int, whole: str) -> int:
    digits, unit = (text[:-1], sector) if text.endswith("s") else (text, 1)
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGITS:
        raise _malformed(whole)
    return int(digits) * unit


def _malformed(text: str) -> UsageError:
    return UsageError(
        f"`{text}` is not a range",
        hint="write OFFSET+LENGTH in bytes, or in sectors with an `s`: 2048s+204800s; "
        "nothing behind the `+` means to the end",
    )


def read_at(opened: Opened, offset: int, length: int) -> bytes:
    """Return bytes of a source, fewer at its end, through its own descriptor.

    Raises:
        InputError: they cannot be read.
    """
    return OfSource(opened).read(offset, length)


def _unreadable(error: OSError) -> InputError:
    return InputError(
        f"the partition table cannot be read: {error.strerror or error}",
        hint="give the range instead of the number of a partition",
    )


def _entries(sector: bytes) -> Iterator[tuple[int, int, int, int]]:
    for number in range(4):
        yield _ENTRY.unpack_from(sector, 446 + 16 * number)


def _mbr(medium: Readable, head: bytes, sector: int) -> Iterator[Part]:
    extended = 0
    for number, (_, kind, start, count) in enumerate(_entries(head), 1):
        if kind in _EXTENDED:
            extended = extended or start
        if kind:
            yield Part(number, start * sector, count * sector)
    at, number = extended, _FIRST_LOGICAL
    seen: set[int] = set()
    while extended and at not in seen and number < _MOST:
        seen.add(at)
        table = medium.read(at * sector, 512)
        if table[510:512] != b"\x55\xaa":
            return
        (_, kind, start, count), (_, following, onward, _), *_ = _entries(table)
        if kind and count:
            yield Part(number, (at + start) * sector, count * sector)
            number += 1
        if following not in _EXTENDED:
            return
        at = extended + onward


def _gpt(medium: Readable, sector: int, place: int) -> list[Part] | None:
    header = medium.read(place, 512) if place > 0 else b""
    if len(header) < _GPT.size or not header.startswith(b"EFI PART"):
        return None
    _, first, count, width = _GPT.unpack_from(header)
    if width < _GPT_ENTRY.size or width > 4096 or first > 1 << 40:  # noqa: PLR2004 - of one entry
        return None
    table = medium.read(first * sector, min(count, _MOST) * width)
    found = []
    for number in range(min(count, len(table) // width)):
        kind, _, start, end = _GPT_ENTRY.unpack_from(table, number * width)
        if any(kind) and start <= end:
            found.append(Part(number + 1, start * sector, (end - start + 1) * sector))
    return found
