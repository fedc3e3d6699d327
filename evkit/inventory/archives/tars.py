"""Members of a tar: ustar, pax and GNU headers, read forward in one pass.

Formats: POSIX.1-2017 pax, `tar.h`; GNU tar manual, "Basic Tar Format". A long name or pax record
is never larger than a cap; a size that the file does not have is found by reading, not believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.inventory.archives.caps import ReadError
from evkit.inventory.archives.content import Window, exactly
from evkit.inventory.archives.entries import Entry, Source
from evkit.inventory.archives.kinds import is_tar_header

if TYPE_CHECKING:
    from evkit.inventory.archives.content import Reader
    from evkit.inventory.archives.listing import Archive

_BLOCK = 512
_RECORD = 1 << 20  # bytes of a long name or of pax records
_TOP = 2**53
_SECOND = 1_000_000_000
_STEP = 1 << 18
_KINDS = {
    b"0": "file", b"\x00": "file", b"7": "file", b"1": "file", b"2": "symlink",
    b"3": "character-device", b"4": "block-device", b"5": "directory", b"6": "fifo",
    b"S": "file", b"D": "directory",
}  # fmt: skip
_LINK, _SPARSE = b"1", b"S"


class _Head(NamedTuple):
    """One member's header with all that stood before it."""

    path: bytes
    target: bytes
    flag: bytes
    size: int
    entry: Entry
    sparse: bool


def read_tar(archive: Archive) -> None:
    """List a tar.

    Raises:
        ReadError: it is damaged or cut short; the members so far are rows.
    """
    _Tar(archive).run()


class _Tar:
    """One tar while it is read."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._reader: Reader = archive.content.open()
        self._at = 0
        self._records: dict[bytes, bytes] = {}
        self._long: dict[bytes, bytes] = {}

    def run(self) -> None:
        while True:
            block = self._read(_BLOCK)
            if len(block) < _BLOCK:
                if block or not self._archive.count:
                    raise ReadError("cut-short", f"at byte {self._at}")
                self._archive.note = "no end mark"
                return
            if not block.strip(b"\x00"):
                self._rest()
                return
            if not is_tar_header(block):
                raise ReadError("header-checksum", f"at byte {self._at - _BLOCK}")
            if not self._before(block):
                self._member(_head(block, self._records, self._long))
                self._records, self._long = {}, {}

    def _before(self, block: bytes) -> bool:
        """Take a block that only describes the next member; says whether it was one."""
        flag, size = block[156:157], _number(block[124:136])
        if flag not in {b"L", b"K", b"x", b"X", b"g"}:
            return False
        if size > _RECORD:
            raise ReadError("record-too-large", f"{size} bytes at byte {self._at - _BLOCK}")
        data = self._read(size)
        if len(data) < size:
            raise ReadError("cut-short", f"at byte {self._at}")
        self._read(-size % _BLOCK)
        if flag in {b"L", b"K"}:
            self._long[flag] = data.rstrip(b"\x00")
        elif flag != b"g":
            self._records |= _records(data)
        return True

    def _member(self, head: _Head) -> None:
        archive, entry = self._archive, head.entry
        if head.flag == _LINK:
            first = archive.number_of(head.target)
            known = f"the content of member {first}" if first else "a member that is not there"
            archive.member(_replaced(entry, note=("hard-link", known)))
            self._pass(head.size)
        elif entry.type != "file":
            archive.member(entry)
            self._pass(head.size)
        elif head.sparse:
            problem = ReadError("tar-sparse", "holes are kept in a form of GNU tar", "unsupported")
            archive.add(entry, Source(problem=problem))
            self._pass(head.size)
        else:
            part = _Part(self, head.size)
            content = archive.content
            start = self._at
            place = None
            if content.seeking:
                place = lambda: Window(content.open(), start, head.size)  # type: ignore[arg-type]  # noqa: E731
            archive.add(entry, Source(lambda: part, once=True, place=place))
            self._pass(part.left)
        self._seek(self._at)
        self._read(-head.size % _BLOCK)

    def _rest(self) -> None:
        """Look at what follows the end mark: zeros, or something that others may read."""
        found = 0
        while block := self.take(_STEP):
            self._archive.job.budget.time()
            found += len(block) if block.strip(b"\x00") else 0
        if found:
            raise ReadError("bytes-after-end", "more than zeros follow the end mark")

    def _pass(self, size: int) -> None:
        while size:
            block = self.take(min(_STEP, size))
            if not block:
                raise ReadError("cut-short", f"at byte {self._at}")
            self._archive.job.budget.time()
            size -= len(block)

    def _seek(self, place: int) -> None:
        """Come back to a place: an archive inside may have moved a reader that both share."""
        if self._archive.content.seeking:
            self._reader.seek(place)  # type: ignore[attr-defined]

    def _read(self, size: int) -> bytes:
        data = exactly(self._reader, size) if size else b""
        self._at += len(data)
        return data

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        data = self._reader.read(size)
        self._at += len(data)
        return data


class _Part:
    """The content of a member, once."""

    def __init__(self, tar: _Tar, size: int) -> None:
        self._tar, self.left = tar, size

    def read(self, size: int = -1, /) -> bytes:
        if not self.left:
            return b""
        block = self._tar.take(min(self.left, _STEP if size < 0 else size))
        if not block:
            raise ReadError("cut-short", f"{self.left} bytes are missing")
        self.left -= len(block)
        return block


def _head(block: bytes, records: dict[bytes, bytes], long: dict[bytes, bytes]) -> _Head:
    flag = block[156:157]
    path = block[:100].split(b"\x00", 1)[0]
    prefix = block[345:500].split(b"\x00", 1)[0] if block[257:263] == b"ustar\x00" else b""
    if prefix:
        path = prefix + b"/" + path
    path = records.get(b"path", long.get(b"L", path))
    path = records.get(b"GNU.sparse.name", path)
    target = block[157:257].split(b"\x00", 1)[0]
    target = records.get(b"linkpath", long.get(b"K", target))
    size = _number(block[124:136])
    if (stated := records.get(b"size", b"")).isdigit():
        size = int(stated[:20])
    if size >= _TOP:
        raise ReadError("size-out-of-range", f"{size} bytes stated")
    kind = _KINDS.get(flag, "other")
    if kind == "file" and flag in {b"0", b"\x00"} and path.endswith(b"/"):
        kind = "directory"
    sparse = flag == _SPARSE or any(key.startswith(b"GNU.sparse.") for key in records)
    links = kind == "symlink" or flag == _LINK
    times, step = _times(block, records)
    entry = Entry(
        path=path,
        type=kind,
        size=size if kind == "file" and flag != _LINK else None,
        times=times,
        step=step,
        mode=_number(block[100:108]) & 0o7777,
        uid=_owner(block[108:116], records.get(b"uid")),
        gid=_owner(block[116:124], records.get(b"gid")),
        target=target if links else None,
    )
    return _Head(path, target, flag, size, entry, sparse)


def _times(block: bytes, records: dict[bytes, bytes]) -> tuple[dict[str, int], int]:
    found = {}
    for letter, key in (("m", b"mtime"), ("a", b"atime"), ("c", b"ctime")):
        whole, _, part = records.get(key, b"").partition(b".")
        sign = -1 if whole.startswith(b"-") else 1
        digits, part = whole.lstrip(b"-"), part[:9]
        if digits.isdigit() and len(digits) < 11 and (part.isdigit() or not part):  # noqa: PLR2004
            ns = int(digits) * _SECOND + int(part.ljust(9, b"0"))
            found[letter] = sign * ns
    if found:
        return found, 1
    seconds = _number(block[136:148])
    return ({"m": seconds * _SECOND} if abs(seconds) < 10**10 else {}), _SECOND


def _owner(field: bytes, record: bytes | None) -> int | None:
    value = int(record[:16]) if record is not None and record.isdigit() else _number(field)
    return value if 0 <= value < _TOP else None


def _number(field: bytes) -> int:
    """Read an octal or a base-256 number; what is neither counts as 0."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    try:
        return int(field.split(b"\x00", 1)[0].strip() or b"0", 8)
    except ValueError:
        return 0


def _records(data: bytes) -> dict[bytes, bytes]:
    """Read pax records, `length key=value`; what is not one ends them."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 10)
        if space < 0 or not data[at:space].isdigit():
            break
        end = at + int(data[at:space])
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or end <= space or end > len(data):
            break
        found[key] = value
        at = end
    return found


def _replaced(entry: Entry, *, note: tuple[str, str]) -> Entry:
    from dataclasses import replace

    return replace(entry, note=note)
