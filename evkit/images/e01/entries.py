"""The entries of one table to offsets and stored lengths, from whichever copy is sound.

A chunk ends where the next one in the file begins. Programs leave gaps and change the order, so the
lengths come from the sorted offsets; no length is believed beyond what a chunk can need.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from itertools import pairwise
from operator import lt
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.images.e01.chain import LOST
from evkit.images.e01.layout import CHECKSUM, COMPRESSED, DESCRIPTOR, FILE_HEADER, adler
from evkit.images.files import peek_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.finding import Findings
    from evkit.images.e01.segments import Part
    from evkit.images.e01.tables import Group, Table

MASK: Final = COMPRESSED - 1
_TRAILER: Final = 4
_WORD: Final = "I"  # 32 bits wherever Python runs
_LONG: Final = "Q"


class Loaded(NamedTuple):
    """The chunks of a group.

    Attributes:
        offsets: where each begins in the file.
        sizes: stored lengths, bit 31 set where compressed; 0 where the offset leads nowhere.
        breaks: indices of chunks that do not follow the one before them in the file.
    """

    offsets: array[int]
    sizes: array[int]
    breaks: Sequence[int]


class _Copy(NamedTuple):
    """The entries of one table as they are stored, and whether their checksum is right."""

    table: Table
    entries: array[int]
    sound: bool


class Loader:
    """Reads the tables of the groups of one segment file.

    Args:
        part: the segment file.
        descriptor: the open file.
        medium: bytes of a chunk, bytes of the medium.
        findings: takes what is wrong.
    """

    def __init__(
        self, part: Part, descriptor: int, medium: tuple[int, int], findings: Findings
    ) -> None:
        self._part = part
        self._fd = descriptor
        self._chunk, self._size = medium
        self._findings = findings
        # longer than a chunk can become; some programs keep it deflated even when that is longer
        self._most = self._chunk + self._chunk // 8 + 1024

    def load(self, group: Group) -> Loaded:
        """Return the chunks of a group."""
        copies = [self._read(table, group) for table in group.tables]
        best = self._choose(copies)
        entries = best.entries[: group.chunks]
        offsets, flags = _absolute(entries, self._base(group, best, copies), self._part.size)
        sizes = self._sizes(group, offsets, flags)
        lacking = group.chunks - len(offsets)
        offsets.extend([0] * lacking)
        sizes.extend([0] * lacking)
        breaks = [
            place
            for place in range(1, group.chunks)
            if not sizes[place] or offsets[place] != offsets[place - 1] + (sizes[place - 1] & MASK)
        ]
        return Loaded(offsets, sizes, breaks)

    def _read(self, table: Table, group: Group) -> _Copy:
        length = table.entries * array(_WORD).itemsize
        raw = peek_at(self._fd, length + CHECKSUM.size, table.start)
        body, footer = raw[:length], raw[length : length + CHECKSUM.size]
        whole = table.section.end - table.end >= CHECKSUM.size and len(footer) == CHECKSUM.size
        entries = array(_WORD)
        entries.frombytes(body[: len(body) // entries.itemsize * entries.itemsize])
        if sys.byteorder == "big":
            entries.byteswap()
        sound = whole and CHECKSUM.unpack(footer)[0] == adler(body)
        if not sound and table.sound and len(group.tables) == 1 and entries:
            # the oldest form has no checksum there: the chunks follow the entries
            sound = table.base + (entries[0] & MASK) == table.end
        return _Copy(table, entries, sound)

    def _choose(self, copies: Sequence[_Copy]) -> _Copy:
        """Return the copy to be used, and note what is wrong with the tables."""
        sound = [copy for copy in copies if copy.sound and copy.table.sound] or [
            copy for copy in copies if copy.sound
        ]
        for copy in copies:
            if not copy.sound:
                self._note("table-damaged", copy, "has damaged entries in")
        best = (sound or copies)[0]
        if len(copies) > 1:
            if len(sound) == 1 and best.table.section.kind == "table2":
                self._note("table-recovered", best, "locates chunks by the undamaged")
            one, two = copies[0], copies[1]
            if len(sound) == len(copies) and (
                one.entries != two.entries or one.table.base != two.table.base
            ):
                self._note("tables-differ", one, "locates other chunks by its other table than by")
        return best

    def _base(self, group: Group, best: _Copy, copies: Sequence[_Copy]) -> int:
        """Return what the offsets count from; with a damaged header what makes sense of them."""
        if best.table.sound or not best.entries:
            return best.table.base
        start, end = group.data
        candidates = [copy.table.base for copy in copies if copy.table.sound]
        candidates += [best.table.base, start - DESCRIPTOR.size, 0]
        for base in candidates:
            if start <= base + (best.entries[0] & MASK) < end:
                return base
        return best.table.base

    def _sizes(self, group: Group, offsets: array[int], flags: bytearray) -> array[int]:
        start, end = group.data
        if offsets and not (start <= min(offsets) and max(offsets) < end):
            at = group.tables[0].section.offset
            text = f"{self._part.name} has chunks outside of their section, by the table at {at}"
            self._findings.add("chunk-outside", text, self._part.place, at)
        ends = self._ends(group, offsets)
        last = -(-self._size // self._chunk) - 1 - group.first  # place of the short chunk
        sizes = array(_WORD)
        gaps = 0
        for place, offset in enumerate(offsets):
            length = ends[place] - offset
            if offset < FILE_HEADER.size or length <= 0:
                sizes.append(0)
                continue
            limit = self._most if flags[place] else self._limit(place == last, length)
            gaps += length > limit
            sizes.append(min(length, limit) | (COMPRESSED if flags[place] else 0))
        if gaps:
            text = f"{self._part.name} has unused bytes behind {gaps:,} chunks"
            self._findings.add("table-gap", text, self._part.place, group.tables[0].section.offset)
        return sizes

    def _limit(self, short: bool, length: int) -> int:  # noqa: FBT001
        """Return the bytes that a chunk takes as it is; the last one may be stored in full."""
        whole = self._chunk + _TRAILER
        rest = self._size % self._chunk
        return rest + _TRAILER if short and rest and length != whole else whole

    def _ends(self, group: Group, offsets: array[int]) -> Sequence[int]:
        """Return where each chunk ends: at the next one in the file, or with its section."""
        if all(map(lt, offsets, offsets[1:])):
            ends = offsets[1:]
            if offsets:
                ends.append(self._section_end(group, offsets[-1]))
            return ends
        at = group.tables[0].section.offset
        text = f"{self._part.name} keeps chunks in another order than theirs, by the table at {at}"
        self._findings.add("table-order", text, self._part.place, at)
        known = sorted(set(offsets))
        after = dict(pairwise(known))
        after[known[-1]] = self._section_end(group, known[-1])
        return [after[offset] for offset in offsets]

    def _section_end(self, group: Group, offset: int) -> int:
        start, end = group.data
        if start <= offset < end:
            return end
        sections = [section for section in self._part.chain.sections if section.kind != LOST]
        place = bisect_right(sections, offset, key=lambda section: section.offset) - 1
        if place >= 0 and sections[place].start <= offset < sections[place].end:
            return sections[place].end
        return sections[place + 1].offset if place + 1 < len(sections) else self._part.size

    def _note(self, code: str, copy: _Copy, text: str) -> None:
        section = copy.table.section
        words = f"{self._part.name} {text} `{section.kind}` (byte {section.offset})"
        self._findings.add(code, words, self._part.place, section.offset)


def _absolute(entries: array[int], base: int, size: int) -> tuple[array[int], bytearray]:
    """Return offsets from the start of the file, 0 where they are outside, and which are packed.

    EnCase 6.7 counted on to 32 bits in groups over 2 GiB; what follows the overflow is not packed.
    """
    wide = len(entries)
    for place, (before, entry) in enumerate(pairwise(entries), 1):
        over = entry & MASK < before & MASK and entry > MASK and not before > MASK
        if over and MASK - before < 1 << 28 and all(map(lt, entries[place:], entries[place + 1 :])):
            wide = place
            break
    offsets = array(_LONG)
    flags = bytearray(len(entries))
    for place, entry in enumerate(entries):
        offset = base + (entry & MASK if place < wide else entry)
        offsets.append(offset if offset < size else 0)
        flags[place] = place < wide and entry > MASK
    return offsets, flags
