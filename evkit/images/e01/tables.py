"""Where the chunks of a medium are: an index of tables, of which few are in memory at a time.

`table` and `table2` say the same; either is enough. Only their headers are read when an image is
opened, so that the index of a medium of many terabytes stays small. A table that is lost leaves a
hole; what lies behind one hole is found by counting from the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.images.e01.chain import LOST, checked
from evkit.images.e01.layout import CHECKSUM, TABLE_HEADER
from evkit.images.files import peek_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.images.e01.chain import Section
    from evkit.images.e01.finding import Findings
    from evkit.images.e01.segments import Part

MAX_TABLE: Final = 1 << 20  # entries; every known program stops at 65,534
_ENTRY: Final = 4


class Table(NamedTuple):
    """One `table` or `table2` section.

    Attributes:
        section: where it is.
        entries: how many, as many as its section can hold at most.
        base: what the offsets of its entries are counted from.
        sound: its header is undamaged and does not promise more than there is.
        first: its first entry.
    """

    section: Section
    entries: int
    base: int
    sound: bool
    first: int = 0

    @property
    def start(self) -> int:
        """Offset of the first entry."""
        return self.section.start + TABLE_HEADER.size

    @property
    def end(self) -> int:
        """Offset behind the last entry, where its checksum is."""
        return self.start + self.entries * _ENTRY


class Group(NamedTuple):
    """Consecutive chunks in one segment file, or chunks that nothing locates.

    Attributes:
        first: number of the first chunk.
        chunks: how many; -1 in a hole whose width is not known yet.
        part: index of the segment file, -1 for chunks that nothing locates.
        tables: the tables that locate them, the better one first.
        data: where the chunks lie in the file: start and end.
        reason: why nothing locates them.
    """

    first: int
    chunks: int
    part: int = -1
    tables: tuple[Table, ...] = ()
    data: tuple[int, int] = (0, 0)
    reason: str = ""


def hole(reason: str) -> Group:
    """Return a group of chunks that nothing locates, their number unknown."""
    return Group(first=0, chunks=-1, reason=reason)


def read_groups(index: int, part: Part, descriptor: int, findings: Findings) -> list[Group]:
    """Return the groups of one segment file, their first chunks not numbered yet.

    Args:
        index: of the segment file.
        part: its sections.
        descriptor: the open file.
        findings: takes what is wrong.
    """
    scout = _Scout(index, part, descriptor, findings)
    for section in part.chain.sections:
        if section.kind == LOST:
            scout.lose()
        elif section.kind == "sectors":
            scout.close()
            scout.sectors = section
        elif section.kind in {"table", "table2"}:
            scout.take(section)
    scout.close()
    return scout.groups


class _Scout:
    """Reads the headers of the tables of one segment file."""

    def __init__(self, index: int, part: Part, descriptor: int, findings: Findings) -> None:
        self._index = index
        self._part = part
        self._fd = descriptor
        self._findings = findings
        self._held: list[Table] = []
        self._loss = False
        self.groups: list[Group] = []
        self.sectors: Section | None = None

    def take(self, section: Section) -> None:
        """Take a table; `table2` belongs to the `table` before it."""
        known = {table.section.kind for table in self._held}
        table = self._table(section)
        if section.kind in known or (known and (section.kind == "table" or self._loss)):
            if table is not None and self._loss and _alike(table, self._held[0]):
                self._held.append(table)
                return
            self.close()
        if table is not None:
            self._held.append(table)

    def lose(self) -> None:
        """Note that sections may have been lost here."""
        if self._held:
            self._loss = True  # behind the group, unless its other table follows
        else:
            self.groups.append(self._hole())

    def close(self) -> None:
        """End the group that was begun."""
        if self._held or self.sectors is not None:
            self.groups.append(self._group(self.sectors, self._held))
        if self._loss:
            self.groups.append(self._hole())
        self.sectors, self._held, self._loss = None, [], False

    def _hole(self) -> Group:
        return hole(f"{self._part.name} is cut short or damaged there")

    def _table(self, section: Section) -> Table | None:
        """Return a table, None when its section is too short to be one."""
        raw = peek_at(self._fd, TABLE_HEADER.size + _ENTRY, section.start)
        raw, first = raw[: TABLE_HEADER.size], int.from_bytes(raw[TABLE_HEADER.size :], "little")
        if len(raw) < TABLE_HEADER.size or section.size < TABLE_HEADER.size:
            self._note("table-damaged", section, f"has a `{section.kind}` section without entries")
            return None
        count, base, _ = TABLE_HEADER.unpack(raw)
        room = (section.size - TABLE_HEADER.size) // _ENTRY
        sound = checked(raw)
        if not sound:
            self._note("table-damaged", section, f"has a damaged header of `{section.kind}`")
        inside = self._holds_chunks(section)
        if sound and not inside and count != room - 1 and not self._ends(section, count):
            sound = False
            text = f"has a `{section.kind}` of {count:,} chunks in the space of {room - 1:,}"
            self._note("table-entries", section, text)
        elif count > min(room, MAX_TABLE):
            sound = False
            text = f"has a `{section.kind}` of {count:,} chunks in the space of {room:,}"
            self._note("table-entries", section, text)
        if not sound:
            # the entries and their checksum fill the section, unless the chunks are in it as well
            count = min(count, room) if inside else max(0, room - 1)
        return Table(section, min(count, MAX_TABLE), base, sound, first)

    def _group(self, sectors: Section | None, tables: list[Table]) -> Group:
        """Return the group of one `sectors` section and its tables."""
        tables = [table for table in tables if table.entries]
        if not tables:
            at = sectors.offset if sectors else 0
            text = f"{self._part.name} has no table for the chunks at byte {at}"
            self._findings.add("table-missing", text, self._part.place, at)
            return hole(text)
        tables.sort(key=lambda table: (not table.sound, table.section.kind))
        best = tables[0]
        # without a section of their own the chunks follow the entries
        data = (best.end, best.section.end) if sectors is None else (sectors.start, sectors.end)
        return Group(0, best.entries, self._index, tuple(tables), data)

    def _ends(self, section: Section, count: int) -> bool:
        """Say whether so many entries are followed by their checksum, wherever the section ends."""
        length = min(count, MAX_TABLE) * _ENTRY + CHECKSUM.size
        raw = peek_at(self._fd, length, section.start + TABLE_HEADER.size)
        return len(raw) == length <= section.size - TABLE_HEADER.size and checked(raw)

    def _holds_chunks(self, section: Section) -> bool:
        kinds = {known.kind for known in self._part.chain.sections}
        return section.kind == "table" and "sectors" not in kinds

    def _note(self, code: str, section: Section, text: str) -> None:
        at = section.offset
        self._findings.add(code, f"{self._part.name} {text} (byte {at})", self._part.place, at)


def _alike(one: Table, other: Table) -> bool:
    """Say whether two tables are the two of one group."""
    kinds = {one.section.kind, other.section.kind}
    same = (one.entries, one.base, one.first) == (other.entries, other.base, other.first)
    return same and kinds == {"table", "table2"}


def number(groups: Iterable[Group], total: int, findings: Findings) -> list[Group]:
    """Number the chunks of all groups in order.

    Args:
        groups: of all segment files in order; holes have -1 chunks.
        total: chunks of the medium.
        findings: takes chunks that are missing or too many.
    """
    items = _merge_holes(groups)
    known = sum(group.chunks for group in items if group.chunks >= 0)
    missing = total - known
    if not missing:
        items = [group for group in items if group.chunks >= 0]
    holes = [place for place, group in enumerate(items) if group.chunks < 0]
    if missing < 0:
        text = f"the tables locate {known:,} chunks, {-missing:,} more than the medium has"
        findings.add("chunks-extra", text)
    if not holes:
        if missing > 0:
            text = f"the tables locate {known:,} chunks of {total:,}"
            findings.add("chunks-missing", text)
            items.append(Group(0, missing, reason="no table of the image locates it"))
        return _count_up(items, total)
    front, back = items[: holes[0]], items[holes[-1] + 1 :]
    reason = items[holes[0]].reason
    if len(holes) > 1:
        reason = "it lies between parts of the image that are missing or damaged"
    width = total - sum(group.chunks for group in [*front, *back])
    gap = [Group(0, width, reason=reason)] if width > 0 else []
    if width < 0:
        back = []
        short = total - sum(group.chunks for group in front)
        gap = [Group(0, short, reason=reason)] if short > 0 else []
    return _count_up([*front, *gap, *back], total)


def _merge_holes(groups: Iterable[Group]) -> list[Group]:
    items: list[Group] = []
    for group in groups:
        if group.chunks < 0 and items and items[-1].chunks < 0:
            continue
        items.append(group)
    return items


def _count_up(items: Sequence[Group], total: int) -> list[Group]:
    result: list[Group] = []
    first = 0
    for group in items:
        count = min(group.chunks, total - first)
        if count <= 0:
            break
        result.append(group._replace(first=first, chunks=count))
        first += count
    return result
