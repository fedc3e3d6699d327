"""The chain of sections of one segment file, also where it is damaged.

Every section is found by the offset in the one before it, and the size there must lead to the same
place: two images can be hidden in one file from readers that look at only one of the two. Where the
chain is broken it is taken up again at the next place that holds a sound descriptor.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.text import escape_bytes
from evkit.images.e01.layout import CHECKSUM, DESCRIPTOR, FILE_HEADER, MAGIC, adler
from evkit.images.files import read_at

if TYPE_CHECKING:
    from evkit.images.e01.finding import Findings

KINDS: Final = (
    b"header2", b"header", b"volume", b"disk", b"data", b"sectors", b"table", b"table2",
    b"next", b"done", b"hash", b"digest", b"error2", b"session", b"xheader", b"xhash",
    b"incomplete", b"ltree", b"ltypes", b"map",
)  # fmt: skip
LAST: Final = ("next", "done")
LOST: Final = "lost"
MAX_SECTIONS: Final = 200_000
_HEAD = DESCRIPTOR.size
_SCAN = 1 << 20
_NAMES = re.compile(b"|".join(re.escape(kind.ljust(16, b"\0")) for kind in KINDS if kind != b"map"))


class Section(NamedTuple):
    """A section: its type, the offset of its descriptor, start and end of its body."""

    kind: str
    offset: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.end - self.start


class Chain(NamedTuple):
    """The sections of a segment file; `last` is `next` or `done`, empty when neither is there.

    A section of the kind `LOST` stands where the chain could not be followed.
    """

    sections: tuple[Section, ...]
    last: str


class _Head(NamedTuple):
    """A descriptor as it is stored; `sound` when its checksum is right."""

    kind: bytes
    after: int
    size: int
    sound: bool


class Walker:
    """Walks the sections of one segment file.

    Args:
        descriptor: the open file.
        size: its bytes.
        name: for messages, escaped.
        number: its place in the image from 1.
        findings: takes what is wrong.
    """

    def __init__(
        self, descriptor: int, size: int, name: str, number: int, findings: Findings
    ) -> None:
        self._fd = descriptor
        self._size = size
        self._name = name
        self._number = number
        self._findings = findings
        self._sections: list[Section] = []
        self._sizeless = False

    def walk(self) -> Chain:
        """Return the sections in their order in the file.

        Raises:
            OSError: a descriptor cannot be read.
        """
        offset = FILE_HEADER.size
        last = ""
        while len(self._sections) < MAX_SECTIONS:
            head = self._head(offset)
            if head is None:
                self._note("section-cut", offset, "ends inside its list of sections")
                self._lose(offset)
                break
            kind = self._kind(head, offset)
            if kind in LAST:
                last = kind
                self._end(head, kind, offset)
                break
            place = len(self._sections)
            after = self._after(head, kind, offset)
            end = self._size if after is None else after
            self._sections.insert(place, Section(kind, offset, offset + _HEAD, end))
            if after is None:
                break
            offset = after
        else:
            self._note("section-cut", offset, f"has over {MAX_SECTIONS} sections")
            self._lose(offset)
        return Chain(tuple(self._sections), last)

    def _end(self, head: _Head, kind: str, offset: int) -> None:
        """Take the last section; nothing may follow it."""
        end = offset + _HEAD
        if not head.sound:
            self._note("section-damaged", offset, f"has a damaged header of section `{kind}`")
        elif head.after not in {offset, end} or head.size not in {0, _HEAD}:
            self._contradiction(head, kind, offset)
        self._sections.append(Section(kind, offset, end, end))
        if end < self._size:
            text = f"has {self._size - end:,} bytes after its last section"
            self._note("trailing-data", end, text)

    def _lose(self, offset: int) -> None:
        self._sections.append(Section(LOST, offset, offset, offset))

    def _head(self, offset: int) -> _Head | None:
        raw = read_at(self._fd, _HEAD, offset)
        if len(raw) < _HEAD:
            return None
        name, after, size, _, checksum = DESCRIPTOR.unpack(raw)
        return _Head(name.rstrip(b"\0"), after, size, adler(raw[:-4]) == checksum)

    def _kind(self, head: _Head, offset: int) -> str:
        """Return the type; in a damaged descriptor the known one that it nearly is."""
        if head.kind in KINDS:
            return head.kind.decode("ascii")
        if not head.sound:
            padded = head.kind.ljust(16, b"\0")
            for kind in KINDS:
                wrong = sum(a != b for a, b in zip(padded, kind.ljust(16, b"\0"), strict=True))
                if wrong <= 1:
                    return kind.decode("ascii")
        text = f"has a section of the unknown type `{escape_bytes(head.kind)}`"
        self._note("section-unknown", offset, text)
        return "unknown"

    def _after(self, head: _Head, kind: str, offset: int) -> int | None:
        """Return where the next section is, None when there is none to be found."""
        if not head.sound:
            self._note("section-damaged", offset, f"has a damaged header of section `{kind}`")
        by_size = offset + head.size
        if head.sound and head.size == 0 and head.after >= offset + _HEAD and not self._sizeless:
            self._sizeless = True
            self._note("section-sizes", offset, "states no sizes of its sections")
        agreed = head.after == by_size or head.size == 0
        if head.sound and agreed and head.after >= offset + _HEAD:
            return self._within(head.after, offset, kind)
        if head.sound:
            self._contradiction(head, kind, offset)
        for place in (head.after, by_size):
            if offset + _HEAD <= place <= self._size and self._is_section(place):
                return place
        return self._scan(offset + _HEAD)

    def _within(self, after: int, offset: int, kind: str) -> int | None:
        """Return `after` when a descriptor can be there; else say that the file was cut."""
        if after + _HEAD <= self._size:
            return after
        found = self._scan(offset + _HEAD)
        if found is not None:
            text = f"has a section `{kind}` that leads to byte {after:,}, outside of the file"
            self._note("section-contradiction", offset, text)
            return found
        lost = after - self._size
        text = f"was cut short within or right after section `{kind}`"
        if lost > 0:
            text += f", {lost:,} bytes of it are missing"
        self._note("section-cut", offset, text)
        return None

    def _is_section(self, offset: int) -> bool:
        """Say whether a sound descriptor that agrees with itself lies there."""
        head = self._head(offset)
        if head is None or not head.sound:
            return False
        if head.kind in {b"next", b"done"}:
            return head.after - offset in {0, _HEAD}
        return head.after >= offset + _HEAD and head.size in {0, head.after - offset}

    def _scan(self, start: int) -> int | None:
        """Return the next place from `start` on that holds a sound descriptor."""
        self._lose(start)
        at = start
        while at < self._size:
            try:
                block = read_at(self._fd, _SCAN + _HEAD, at)
            except OSError:  # what is behind may be readable
                at += _SCAN
                continue
            for match in _NAMES.finditer(block):
                if match.start() < _SCAN and self._is_section(at + match.start()):
                    return at + match.start()
            if len(block) <= _HEAD:
                break
            at += _SCAN
        return None

    def _contradiction(self, head: _Head, kind: str, offset: int) -> None:
        text = (
            f"states two ends of section `{kind}` at byte {offset}: by its offset {head.after:,}, "
            f"by its size {offset + head.size:,}"
        )
        self._findings.add("section-contradiction", f"{self._name} {text}", self._number, offset)

    def _note(self, code: str, offset: int, text: str) -> None:
        self._findings.add(code, f"{self._name} {text} (byte {offset})", self._number, offset)


def read_number(raw: bytes) -> tuple[int, bool] | None:
    """Read a file header.

    Returns:
        (number of the segment, whether the header is as it should be); None when it is no segment.
    """
    if len(raw) < FILE_HEADER.size:
        return None
    magic, one, number, zero = FILE_HEADER.unpack(raw[: FILE_HEADER.size])
    wrong = sum(a != b for a, b in zip(magic, MAGIC, strict=True))
    if wrong > 1:
        return None
    return number, wrong == 0 and one == 1 and zero == 0


def checked(body: bytes) -> bool:
    """Say whether the last four bytes are the Adler-32 of those before them."""
    return len(body) > 4 and CHECKSUM.unpack(body[-4:])[0] == adler(body[:-4])  # noqa: PLR2004
