"""The strict reader of zip archives: what it accepts, every other program reads the same way.

Many programs disagree about damaged or clever archives; evidence must not depend on which one is
used. So one archive spans the file, from its first local header to its end record; local headers
equal central ones; entries follow each other without gaps or overlap; no name occurs twice; no
encryption, data descriptor, link or comment; stored or deflated only; counts, sizes and ratio are
capped. Format: APPNOTE.TXT 6.3.10. Content is checked while it is read, see `zipstream`.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes
from evkit.manifest import names
from evkit.manifest.zipstream import DEFLATED, STORED, EntryStream, Slice

if TYPE_CHECKING:
    from typing import Self

LOCAL: Final = b"PK\x03\x04"
CENTRAL: Final = b"PK\x01\x02"
END: Final = b"PK\x05\x06"
END64: Final = b"PK\x06\x06"
LOCATOR64: Final = b"PK\x06\x07"
UTF8: Final = 0x0800
LEVEL_BITS: Final = 0x0006  # compression level hints of deflate
FULL16: Final = 0xFFFF
FULL32: Final = 0xFFFFFFFF
UNIX: Final = 3
VERSION_64: Final = 45
EXTRA_64: Final = 0x0001
EXTRAS: Final = {EXTRA_64, 0x000A, 0x5455, 0x7875}  # zip64, NTFS times, Unix times, Unix owner

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<4sIQI")


class Limits(NamedTuple):
    """Caps against archives made to exhaust the reader."""

    entries: int = 500_000
    directory: int = 256 * 1024 * 1024
    size: int = 1 << 50
    ratio: int = 200
    ratio_from: int = 1 << 20  # smaller entries may have any ratio


DEFAULT = Limits()


class Entry(NamedTuple):
    """One file of the archive: `start` is the offset of its local header, `data` of its bytes."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int
    flags: int
    needed: int
    moment: tuple[int, int]
    data: int = 0


class ZipTree:
    """The files of a zip; opening it checks the whole structure.

    Raises:
        InputError: the archive cannot be read, or is not of the strict form; the message says
            where.
    """

    def __init__(self, path: str | bytes, limits: Limits = DEFAULT) -> None:
        self.label = escape_bytes(os.fsencode(path))
        self.odd: dict[str, str] = {}
        try:
            self._handle: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            self._read(limits)
        except (InputError, struct.error, OSError) as error:
            self._handle.close()
            if isinstance(error, InputError):
                raise
            if isinstance(error, OSError):
                raise self._unreadable(error) from error
            raise InputError(f"zip `{self.label}` is cut short: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive."""
        self._handle.close()

    def open(self, name: str) -> EntryStream:
        """Open one file; reading it to the end checks its length and CRC."""
        entry = self.entries[name]
        source = Slice(self._handle.fileno(), entry.data, entry.packed)
        return EntryStream(source, entry.name, entry.method, (entry.size, entry.crc))

    def _read(self, limits: Limits) -> None:
        size = os.fstat(self._handle.fileno()).st_size
        count, length, start = _find_end(self, size)
        if count > limits.entries:
            raise self._bad(f"{count} entries; at most {limits.entries} are allowed")
        if length > limits.directory:
            raise self._bad(f"a directory of {length} bytes; at most {limits.directory}")
        found = _central(self, self.at(start, length), count)
        placed = _tile(self, found, start)
        self.entries: dict[str, Entry] = {}
        folders = []
        for entry in placed:
            _check_size(self, entry, limits)
            if entry.name.endswith("/"):
                folders.append(entry.name)
            else:
                self.entries[entry.name] = entry
        self.sizes = {name: entry.size for name, entry in self.entries.items()}
        if sum(self.sizes.values()) > limits.size:
            raise self._bad(f"more than {limits.size} bytes when unpacked")
        _check_names(self, [entry.name for entry in placed], folders)

    def at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes of the file."""
        self._handle.seek(offset)
        data = self._handle.read(length)
        if len(data) != length:
            raise self._bad(f"cut short at byte {offset + len(data)}")
        return data

    def _bad(self, text: str) -> InputError:
        return bad(self, text)

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(
            f"cannot read `{self.label}`: {error.strerror or error}",
            hint="try another copy of it: this one, or its medium, is failing",
        )


def bad(archive: ZipTree, text: str) -> InputError:
    """Return the error that names the archive."""
    return InputError(
        f"zip `{archive.label}` is refused: {text}",
        hint="unpack it with another program and verify the folder, or ask for a new copy",
    )


def _find_end(archive: ZipTree, size: int) -> tuple[int, int, int]:
    """Return number of entries, length and offset of the central directory."""
    if size < _END.size:
        raise bad(archive, "it is shorter than the end record of a zip")
    end = size - _END.size
    magic, disk, first, here, total, length, start, comment = _END.unpack(
        archive.at(end, _END.size)
    )
    if magic != END or comment:
        raise bad(archive, "it does not end with an end record without a comment")
    if disk or first or here != total:
        raise bad(archive, "it is one part of several")
    if total != FULL16 and FULL32 not in (length, start):
        if start + length != end:
            raise bad(archive, "there are bytes between the directory and the end record")
        return total, length, start
    return _find_end64(archive, end, (total, length, start))


def _find_end64(archive: ZipTree, end: int, short: tuple[int, int, int]) -> tuple[int, int, int]:
    locator = end - _LOCATOR64.size
    record = locator - _END64.size
    if record < 0:
        raise bad(archive, "the zip64 end record is missing")
    magic, disk, where, disks = _LOCATOR64.unpack(archive.at(locator, _LOCATOR64.size))
    if magic != LOCATOR64 or disk or disks != 1 or where != record:
        raise bad(archive, "the zip64 locator is wrong")
    magic, rest, _, _, disk, first, here, total, length, start = _END64.unpack(
        archive.at(record, _END64.size)
    )
    if magic != END64 or rest != _END64.size - 12 or disk or first or here != total:
        raise bad(archive, "the zip64 end record is wrong")
    full = (FULL16, FULL32, FULL32)
    for value, stated, mark in zip((total, length, start), short, full, strict=True):
        if stated not in (mark, value):
            raise bad(archive, "the two end records disagree")
    if start + length != record:
        raise bad(archive, "there are bytes between the directory and the end record")
    return total, length, start


def _central(archive: ZipTree, data: bytes, count: int) -> list[Entry]:
    found = []
    at = 0
    for number in range(count):
        if at + _CENTRAL.size > len(data):
            raise bad(archive, f"the directory ends within entry {number + 1}")
        fields = _CENTRAL.unpack_from(data, at)
        (magic, made, needed, flags, method, time, date, crc, packed, size) = fields[:10]
        (name_len, extra_len, comment_len, disk, _, outside, start) = fields[10:]
        at += _CENTRAL.size
        raw, extra = data[at : at + name_len], data[at + name_len : at + name_len + extra_len]
        at += name_len + extra_len
        if magic != CENTRAL or comment_len or disk or len(extra) != extra_len:
            raise bad(archive, f"entry {number + 1} of the directory is wrong")
        name = _name(archive, raw, flags)
        size, packed, start = _sizes64(archive, name, extra, [size, packed, start])
        _check_kind(archive, name, made, outside)
        moment = (time, date)
        found.append(Entry(name, method, crc, packed, size, start, flags, needed, moment))
    if at != len(data):
        raise bad(archive, "the directory is longer than its entries")
    return found


def _name(archive: ZipTree, raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise bad(archive, f"the name `{escape_bytes(raw)}` is not UTF-8") from None
    if not name.isascii() and not flags & UTF8:
        raise bad(archive, f"the name `{escape(name)}` is not marked as UTF-8")
    why = names.problem(name.removesuffix("/"))
    if why is not None:
        raise bad(archive, f"the name `{escape(name)}` {why}")
    return name


def _check_kind(archive: ZipTree, name: str, made: int, outside: int) -> None:
    kind = stat.S_IFMT(outside >> 16) if made >> 8 == UNIX else 0
    folder = name.endswith("/")
    if kind not in (0, stat.S_IFDIR if folder else stat.S_IFREG):
        raise bad(archive, f"`{escape(name)}` is a link or a special file")
    if not folder and outside & stat.FILE_ATTRIBUTE_DIRECTORY:
        raise bad(archive, f"`{escape(name)}` is called a file and a folder")


def _sizes64(archive: ZipTree, name: str, extra: bytes, values: list[int]) -> tuple[int, int, int]:
    """Return size, packed size and offset, from the zip64 field where the short ones are full."""
    found = _extras(archive, name, extra)
    block = found.get(EXTRA_64)
    wide = [place for place, value in enumerate(values) if value == FULL32]
    if block is None:
        if wide:
            raise bad(archive, f"`{escape(name)}` lacks its zip64 sizes")
    elif len(block) != 8 * len(wide):
        raise bad(archive, f"`{escape(name)}` has wrong zip64 sizes")
    else:
        for number, place in enumerate(wide):
            values[place] = int.from_bytes(block[8 * number : 8 * number + 8], "little")
    return values[0], values[1], values[2]


def _extras(archive: ZipTree, name: str, extra: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise bad(archive, f"`{escape(name)}` has a damaged extra field")
        kind, length = struct.unpack_from("<HH", extra, at)
        block = extra[at + 4 : at + 4 + length]
        if len(block) != length or kind in found:
            raise bad(archive, f"`{escape(name)}` has a damaged extra field")
        if kind not in EXTRAS:
            raise bad(archive, f"`{escape(name)}` has the extra field `{kind:#06x}`")
        found[kind] = block
        at += 4 + length
    return found


def _tile(archive: ZipTree, found: list[Entry], end: int) -> list[Entry]:
    """Check that the entries follow each other from byte 0 to the directory; add data offsets."""
    placed = []
    at = 0
    for entry in sorted(found, key=lambda item: item.start):
        if entry.start != at:
            raise bad(archive, f"`{escape(entry.name)}` does not follow the entry before it")
        head = archive.at(at, _LOCAL.size)
        (magic, needed, flags, method, time, date, crc, packed, size, name_len, extra_len) = (
            _LOCAL.unpack(head)
        )
        tail = archive.at(at + _LOCAL.size, name_len + extra_len)
        data = at + _LOCAL.size + len(tail)
        if magic != LOCAL:
            raise bad(archive, f"`{escape(entry.name)}` has no local header")
        _check_flags(archive, entry)
        name = _name(archive, tail[:name_len], flags)
        size, packed, _ = _sizes64(archive, name, tail[name_len:], [size, packed, 0])
        local = Entry(name, method, crc, packed, size, at, flags, needed, (time, date))
        if local != entry:
            raise bad(archive, f"`{escape(entry.name)}` differs from its entry in the directory")
        placed.append(entry._replace(data=data))
        at = data + packed
    if at != end:
        raise bad(archive, "there are bytes between the last entry and the directory")
    return placed


def _check_flags(archive: ZipTree, entry: Entry) -> None:
    allowed = UTF8 | (LEVEL_BITS if entry.method == DEFLATED else 0)
    if entry.flags & ~allowed:
        what = "is encrypted" if entry.flags & 1 else f"has the flags `{entry.flags:#06x}`"
        raise bad(archive, f"`{escape(entry.name)}` {what}")
    if entry.method not in (STORED, DEFLATED):
        raise bad(archive, f"`{escape(entry.name)}` is packed with method {entry.method}")
    if entry.needed > VERSION_64:
        raise bad(archive, f"`{escape(entry.name)}` needs version {entry.needed}")


def _check_size(archive: ZipTree, entry: Entry, limits: Limits) -> None:
    if entry.method == STORED and entry.packed != entry.size:
        raise bad(archive, f"`{escape(entry.name)}` is stored with two different sizes")
    if entry.name.endswith("/") and entry.size:
        raise bad(archive, f"the folder `{escape(entry.name)}` has content")
    if entry.size > limits.ratio_from and entry.size > limits.ratio * entry.packed:
        raise bad(archive, f"`{escape(entry.name)}` unpacks to over {limits.ratio} times its size")


def _check_names(archive: ZipTree, every: list[str], folders: list[str]) -> None:
    seen: set[str] = set()
    for name in every:
        if name in seen:
            raise bad(archive, f"`{escape(name)}` is in it twice")
        seen.add(name)
    files = list(archive.entries)
    for folder in folders:
        if folder[:-1] in archive.entries:
            raise bad(archive, f"`{escape(folder)}` is a file and a folder")
    for first, second in names.collisions(files):
        raise bad(archive, f"`{escape(first)}` and `{escape(second)}` are one file on some systems")
