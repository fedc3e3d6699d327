"""The directory of a zip, read as what it is: the word of somebody who may want to mislead.

Format: APPNOTE.TXT 6.3.10. `evkit.manifest.zipread` accepts one strict form of zip; this module
reads every form and says where two programs would see different archives.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from evkit.inventory.archives.caps import ReadError
from evkit.inventory.archives.content import exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.archives.content import Seeking

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, LOCATOR64, DESCRIPTOR = b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"
ENCRYPTED, STREAMED, STRONG, UTF8, MASKED = 0x1, 0x8, 0x40, 0x800, 0x2000
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<4sIQI")
_TAIL = _END.size + _FULL16
_CHUNK = 1 << 20
EXTRA64, EXTRA_PATH = 0x0001, 0x7075


class Item(NamedTuple):
    """One entry, from the directory or from a local header.

    Attributes:
        name, extra: bytes as stored.
        flags, method, crc, packed, size: as stored, zip64 applied.
        moment: DOS time and date.
        start: place of the local header.
        made, outside: system that made it, external attributes; 0 from a local header.
        data: place of the content, 0 from the directory.
    """

    name: bytes
    extra: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    moment: tuple[int, int]
    start: int
    made: int = 0
    outside: int = 0
    data: int = 0


class Directory(NamedTuple):
    """Where a zip's directory lies.

    Attributes:
        start, length: its place and size as found.
        entries: how many the end record states.
        shift: bytes in front of the archive that its offsets do not count.
        end: where the end records begin.
        doubts: (reason, detail) for what two readers would see differently.
    """

    start: int
    length: int
    entries: int
    shift: int
    end: int
    doubts: tuple[tuple[str, str], ...]


def find_directory(handle: Seeking, size: int) -> Directory:
    """Find the directory through the end record.

    Raises:
        ReadError: there is none; then only local headers can be followed.
    """
    base = max(0, size - _TAIL)
    handle.seek(base)
    tail = exactly(handle, min(size, _TAIL))
    doubts: list[tuple[str, str]] = []
    places: list[int] = []
    at = len(tail)
    while (at := tail.rfind(END, 0, at)) >= 0 and len(places) < 64:  # noqa: PLR2004 - enough
        if at + _END.size <= len(tail):
            places.append(at)
    if not places:
        raise ReadError("no-end-record", "no end record in the last 65,557 bytes")
    fitting = [at for at in places if at + _END.size + _END.unpack_from(tail, at)[7] == len(tail)]
    if not fitting:
        doubts.append(("bytes-after-end", "bytes follow the end record"))
    if len(fitting) > 1:
        doubts.append(("several-end-records", f"{len(fitting)} end records that fit"))
    at = (fitting or places)[0]
    _, disk, first, here, count, length, start, _ = _END.unpack_from(tail, at)
    end = base + at
    if (disk, first) != (0, 0) or here != count:
        doubts.append(("part-of-several", f"disk {disk} of an archive in parts"))
    if _FULL16 in (count, here) or _FULL32 in (length, start):
        wide = _wide(handle, end)
        if wide is not None:
            count, length, start, end = wide
    shift = end - start - length
    if shift and not _is_central(handle, start + shift, count, end):
        if not _is_central(handle, start, count, end):
            doubts.append(("directory-not-found", f"no directory at byte {start}"))
        shift = 0
    elif shift > 0 and count and _is_central(handle, start, count, end):
        doubts.append(("two-directories", "a second directory where a strict reader looks"))
    return Directory(start + shift, length, count, shift, end, tuple(doubts))


def central(handle: Seeking, found: Directory, most: int) -> Iterator[Item]:
    """Yield the entries of the directory as far as it is one.

    Raises:
        ReadError: it ends within an entry, or is over `most` bytes.
    """
    begin, buffer, at = (
        found.start,
        b"",
        0,
    )  # `buffer` lies at `begin`, the next entry at `at` in it
    while True:
        if len(buffer) < at + _CENTRAL.size:
            begin, buffer, at = begin + at, buffer[at:], 0
            buffer += _more(handle, begin + len(buffer), found.end)
        if buffer[at : at + 4] != CENTRAL:
            return
        if len(buffer) < at + _CENTRAL.size:
            raise ReadError("directory-cut-short", f"at byte {begin + at}")
        values = _CENTRAL.unpack_from(buffer, at)
        tail = at + _CENTRAL.size
        end = tail + sum(values[10:13])
        if len(buffer) < end:
            buffer += _more(handle, begin + len(buffer), found.end)
            if len(buffer) < end:
                raise ReadError("directory-cut-short", f"at byte {begin + at}")
        yield _item(values, buffer[tail:end])
        at = end
        if begin + at - found.start > most:
            raise ReadError("directory-too-large", f"more than {most} bytes", "unreadable")


def local(handle: Seeking, start: int) -> Item | None:
    """Read the local header at a place, or None when there is none."""
    handle.seek(start)
    head = exactly(handle, _LOCAL.size)
    if len(head) != _LOCAL.size or not head.startswith(LOCAL):
        return None
    _, _, flags, method, time, date, crc, packed, size, long, extra_long = _LOCAL.unpack(head)
    tail = exactly(handle, long + extra_long)
    if len(tail) != long + extra_long:
        return None
    extra = tail[long:]
    size, packed, _ = _sizes(extra, [size, packed, 0])
    data = start + _LOCAL.size + len(tail)
    return Item(tail[:long], extra, flags, method, crc, packed, size, (time, date), start,
                data=data)  # fmt: skip


def blocks(extra: bytes) -> dict[int, bytes]:
    """Return the blocks of an extra field by number, as far as they are whole."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        found.setdefault(kind, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _more(handle: Seeking, at: int, end: int) -> bytes:
    if not 0 <= at < end:
        return b""
    handle.seek(at)
    return exactly(handle, min(_CHUNK, end - at))


def _item(values: tuple[int, ...], tail: bytes) -> Item:
    (_, made, _, flags, method, time, date, crc, packed, size, long, extra_long) = values[:12]
    outside, start = values[15:17]
    extra = tail[long : long + extra_long]
    size, packed, start = _sizes(extra, [size, packed, start])
    return Item(tail[:long], extra, flags, method, crc, packed, size, (time, date), start,
                made >> 8, outside)  # fmt: skip


def _sizes(extra: bytes, values: list[int]) -> tuple[int, int, int]:
    """Return size, packed size and place, from the zip64 block where the short ones are full."""
    if _FULL32 in values:
        block, at = blocks(extra).get(EXTRA64, b""), 0
        for place, value in enumerate(values):
            if value == _FULL32 and at + 8 <= len(block):
                values[place] = int.from_bytes(block[at : at + 8], "little")
                at += 8
    return values[0], values[1], values[2]


def _wide(handle: Seeking, end: int) -> tuple[int, int, int, int] | None:
    """Return count, length, start and place of the zip64 end record before an end record."""
    if end < _LOCATOR64.size:
        return None
    handle.seek(end - _LOCATOR64.size)
    magic, _, where, _ = _LOCATOR64.unpack(exactly(handle, _LOCATOR64.size))
    for place in (where, end - _LOCATOR64.size - _END64.size):
        if magic != LOCATOR64 or not 0 <= place < end:
            continue
        handle.seek(place)
        data = exactly(handle, _END64.size)
        if len(data) == _END64.size and data.startswith(END64):
            count, length, start = _END64.unpack(data)[7:10]
            return count, length, start, place
    return None


def _is_central(handle: Seeking, place: int, count: int, end: int) -> bool:
    if not 0 <= place <= end:
        return False
    handle.seek(place)
    magic = exactly(handle, 4)
    return magic == CENTRAL or (not count and magic in {END, END64})
