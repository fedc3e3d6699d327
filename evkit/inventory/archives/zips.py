"""Members of a zip, and everything in it that one program sees and another does not.

Both headers of a member are read and compared; members that share bytes, members that only a
reader of local headers finds, and counts that do not agree are rows with a reason.
"""

from __future__ import annotations

import bisect
import stat
import zlib
from typing import TYPE_CHECKING

from evkit.core.text import escape_bytes
from evkit.inventory.archives import zipdir
from evkit.inventory.archives.caps import CapError, ReadError
from evkit.inventory.archives.content import Window
from evkit.inventory.archives.entries import Entry, Source
from evkit.inventory.archives.packages import PDF, Package
from evkit.inventory.archives.packed import Unpacking, deflate
from evkit.inventory.archives.zipcontent import AES, DEFLATED, STORED, source_of
from evkit.inventory.archives.ziptimes import times_of

if TYPE_CHECKING:
    from evkit.inventory.archives.content import Seeking
    from evkit.inventory.archives.listing import Archive
    from evkit.inventory.archives.zipdir import Directory, Item

_UNIX = 3
_GRAYKEY = 0x4B47
_LINK = 4096  # bytes of a link's target that are read
_KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "character-device",
    stat.S_IFBLK: "block-device",
}  # fmt: skip


def read_zip(archive: Archive) -> None:
    """List a zip.

    Raises:
        ReadError: it is damaged; the members that were found are rows.
    """
    reader = archive.content.open()
    _Zip(archive, reader).run()  # type: ignore[arg-type]


class _Zip:
    """One zip while it is read."""

    def __init__(self, archive: Archive, handle: Seeking) -> None:
        self._archive, self._handle = archive, handle
        self._size = archive.content.size
        self._taken: list[tuple[int, int]] = []  # (start, end) of members, sorted
        self._doubts: list[tuple[str, str]] = []

    def run(self) -> None:
        try:
            found = zipdir.find_directory(self._handle, self._size)
        except ReadError as error:
            self._hidden(self._size, "no-directory")
            raise ReadError(error.reason, f"{error.detail}; from local headers only") from error
        self._doubts += found.doubts
        trouble = self._listed(found)
        count = self._archive.count
        if trouble is None and count != found.entries and found.entries % 65536 != count % 65536:
            self._doubts.append(
                ("count-differs", f"{count} entries, the end record states {found.entries}")
            )
        self._hidden(found.start)
        if trouble is not None:
            raise trouble
        if self._doubts:
            detail = "; ".join(text for _, text in self._doubts)
            raise ReadError(self._doubts[0][0], detail)

    def _listed(self, found: Directory) -> ReadError | None:
        """Send the members that the directory names; returns why it ended early, if it did."""
        most = self._archive.job.budget.caps.directory
        try:
            for item in zipdir.central(self._handle, found, most):
                self._member(item._replace(start=item.start + found.shift))
        except ReadError as error:
            if error.reason.startswith("directory-"):
                return error
            raise
        return None

    def _member(self, item: Item) -> None:
        inside = 0 <= item.start < self._size
        here = zipdir.local(self._handle, item.start) if inside else None
        problem = None
        if here is None:
            problem = ReadError("no-local-header", f"at byte {item.start}")
        elif difference := _difference(item, here):
            problem = ReadError("headers-differ", difference)
        if here is not None:
            other = self._take(here.start, here.data + item.packed)
            if other is not None and problem is None:
                problem = ReadError("overlaps", f"bytes of the member at byte {other}")
        self._send(item, here, problem)

    def _send(self, item: Item, here: Item | None, problem: ReadError | None) -> None:
        if not self._archive.count and here and _GRAYKEY in zipdir.blocks(here.extra):
            self._archive.stated.package(Package("graykey", b"", 0, PDF))
        kind = _kind(item)
        times, zone, step = times_of(item.extra, here.extra if here else b"", item.moment)
        entry = Entry(
            path=item.name,
            type=kind,
            size=item.size,
            times=times,
            zone=zone,
            step=step,
            mode=stat.S_IMODE(item.outside >> 16) if item.made == _UNIX else None,
            problem=problem,
            note=_other_name(item),
        )
        source = self._source(item, here)
        if kind == "symlink":
            self._archive.member(_with_target(entry, source))
        elif kind == "file" or (kind == "directory" and item.size):
            self._archive.add(entry, source)
        else:
            self._archive.member(entry)

    def _source(self, item: Item, here: Item | None) -> Source:
        if here is None:
            return Source(problem=ReadError("no-local-header", f"at byte {item.start}"))
        if (item.flags | here.flags) & (zipdir.ENCRYPTED | zipdir.STRONG) or item.method == AES:
            return Source(problem=ReadError("encrypted", "", "encrypted"))
        window = Window(self._handle, here.data, min(item.packed, self._size - here.data))
        return source_of(item, window, self._archive.job.budget.caps.dictionary)

    def _take(self, start: int, end: int) -> int | None:
        """Take the bytes of a member; returns where bytes begin that others have already."""
        at = max(0, bisect.bisect_right(self._taken, (start, end)) - 1)
        if at < len(self._taken) and self._taken[at][1] <= start:
            at += 1
        last, other = at, None
        while last < len(self._taken) and self._taken[last][0] < end:
            other = self._taken[at][0]
            start, end = min(start, self._taken[last][0]), max(end, self._taken[last][1])
            last += 1
        self._taken[at:last] = [(start, end)]
        return other

    def _hidden(self, end: int, reason: str = "not-in-directory") -> None:
        """Send members that no directory names: local headers in bytes that belong to nobody."""
        at = unowned = 0
        for start, stop in [*self._taken, (end, end)]:
            while at < start:
                here = zipdir.local(self._handle, at)
                if here is None:
                    at, lost = self._skip(at, start)
                    unowned += lost
                    continue
                problem = ReadError(reason, "only a reader of local headers finds it")
                item = self._extent(here, start)
                self._send(item, here, problem)
                at = here.data + item.packed
            at = max(at, stop)
        if unowned:
            self._archive.note = f"{unowned} bytes belong to no member"

    def _extent(self, here: Item, end: int) -> Item:
        """Return a member that only its local header names, with sizes and CRC as they are."""
        if not here.flags & zipdir.STREAMED or here.packed:
            return here
        left = max(0, end - here.data)
        window = Window(self._handle, here.data, left)
        reader = window if here.method == STORED else Unpacking(window, deflate, several=False)
        if here.method not in {STORED, DEFLATED}:
            return here._replace(packed=left)
        size = crc = 0
        try:
            while block := reader.read(1 << 18):
                size += len(block)
                crc = zlib.crc32(block, crc)
                self._archive.job.budget.unpacked(len(block))
        except ReadError as error:
            if isinstance(error, CapError):
                raise
        packed = left if reader is window else reader.used  # type: ignore[union-attr]
        return here._replace(size=size, crc=crc, packed=packed)

    def _skip(self, at: int, end: int) -> tuple[int, int]:
        """Return the next place with a local header before `end`, and the bytes skipped."""
        begin, keep = at + 1, b""
        self._handle.seek(begin)
        place = begin
        while place < end:
            block = self._handle.read(min(1 << 20, end - place))
            if not block:
                break
            found = (keep + block).find(zipdir.LOCAL)
            if found >= 0:
                there = place - len(keep) + found
                return there, there - at - self._descriptor(at, there)
            self._archive.job.budget.time()
            place += len(block)
            keep = (keep + block)[-3:]
        return end, end - at - self._descriptor(at, end)

    def _descriptor(self, at: int, end: int) -> int:
        """Return the length of a data descriptor that lies at a place."""
        self._handle.seek(at)
        data = self._handle.read(min(24, end - at))
        lengths = (16, 24) if data.startswith(zipdir.DESCRIPTOR) else (12, 20)
        return end - at if end - at in lengths else 0


def _with_target(entry: Entry, source: Source) -> Entry:
    """Return the entry of a link with its target, or with why it could not be read."""
    from dataclasses import replace

    if source.problem is not None or source.open is None:
        return replace(entry, problem=entry.problem or source.problem)
    target, reader = b"", source.open()
    try:
        while len(target) <= _LINK and (block := reader.read(_LINK)):
            target += block
    except ReadError as error:
        return replace(entry, problem=entry.problem or error, target=target[:_LINK] or None)
    return replace(entry, target=target[:_LINK])


def _difference(item: Item, here: Item) -> str:
    """Say in which fields two headers of one member differ."""
    wrong = []
    if item.name != here.name:
        wrong.append("name")
    if item.method != here.method:
        wrong.append("method")
    if (item.flags ^ here.flags) & (zipdir.ENCRYPTED | zipdir.STREAMED):
        wrong.append("flags")
    masked = here.flags & zipdir.MASKED
    later = here.flags & zipdir.STREAMED  # then the local header may hold zeros
    for field in ("size", "packed", "crc"):
        ours, theirs = getattr(item, field), getattr(here, field)
        if ours != theirs and not (later and not theirs) and not masked:
            wrong.append(field)
    return ", ".join(wrong) + " in its local header" if wrong else ""


def _other_name(item: Item) -> tuple[str, str] | None:
    """Return what the field with a Unicode name says, when that is another name."""
    block = zipdir.blocks(item.extra).get(zipdir.EXTRA_PATH, b"")
    if block[5:] in {b"", item.name}:
        return None
    return "two-names", f"its field for Unicode names says `{escape_bytes(block[5:])}`"


def _kind(item: Item) -> str:
    if item.made == _UNIX and (kind := stat.S_IFMT(item.outside >> 16)):
        return _KINDS.get(kind, "other")
    if item.name.endswith(b"/") or (item.outside & stat.FILE_ATTRIBUTE_DIRECTORY and not item.size):
        return "directory"
    return "file"
