"""Where any chunk of a medium is stored; the tables are loaded when they are needed."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.images.e01.entries import MASK, Loaded, Loader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.finding import Findings
    from evkit.images.e01.segments import Files, Part
    from evkit.images.e01.tables import Group

KEPT: Final = 4  # groups in memory


class Run(NamedTuple):
    """Consecutive chunks that are stored back to back in one segment file.

    Attributes:
        segment: index of the file in `segments`; -1 when nothing locates these chunks.
        offset: where the first one begins in that file.
        sizes: stored length of each chunk, bit 31 set where it is compressed, as `codec.decode`
            takes them; all 0 when nothing locates them.
        first: number of the first chunk.
        reason: why nothing locates them; empty otherwise.
    """

    segment: int
    offset: int
    sizes: Sequence[int]
    first: int
    reason: str = ""

    @property
    def length(self) -> int:
        """Bytes of all of them as they are stored."""
        return sum(size & MASK for size in self.sizes)


class Chunks:
    """All chunks of a medium, group by group.

    Args:
        groups: numbered without a gap.
        files: the segment files.
        parts: what is known of each of them.
        medium: bytes of a chunk, bytes of the medium.
        findings: takes what is wrong with a table when it is loaded.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        files: Files,
        parts: Sequence[Part],
        medium: tuple[int, int],
        findings: Findings,
    ) -> None:
        self.groups = groups
        self._starts = [group.first for group in groups]
        self._files = files
        self._parts = parts
        self._medium = medium
        self._findings = findings
        self._loaded: OrderedDict[int, Loaded] = OrderedDict()

    def group_of(self, chunk: int) -> int:
        """Return the index of the group that holds a chunk."""
        return bisect_right(self._starts, chunk) - 1

    def runs(self, first: int, count: int) -> list[Run]:
        """Return where `count` chunks from `first` on are stored, in their order."""
        found: list[Run] = []
        while count > 0:
            index = self.group_of(first)
            group = self.groups[index]
            start = first - group.first
            end = min(group.chunks, start + count)
            if group.part < 0:
                found.append(Run(-1, 0, (0,) * (end - start), first, group.reason))
            else:
                found += self._runs(index, start, end)
            count -= end - start
            first += end - start
        return found

    def _runs(self, index: int, start: int, end: int) -> list[Run]:
        group = self.groups[index]
        loaded = self._load(index)
        found: list[Run] = []
        at = bisect_right(loaded.breaks, start)
        while start < end:
            stop = min(end, loaded.breaks[at]) if at < len(loaded.breaks) else end
            sizes = loaded.sizes[start:stop]
            number = group.first + start
            if sizes[0]:
                found.append(Run(group.part, loaded.offsets[start], sizes, number))
            else:
                reason = f"the table of {self._parts[group.part].name} points outside the file"
                found.append(Run(-1, 0, (0,) * len(sizes), number, reason))
            start = stop
            at += 1
        return found

    def _load(self, index: int) -> Loaded:
        if index in self._loaded:
            self._loaded.move_to_end(index)
            return self._loaded[index]
        group = self.groups[index]
        loader = Loader(
            self._parts[group.part], self._files.get(group.part), self._medium, self._findings
        )
        loaded = loader.load(group)
        self._loaded[index] = loaded
        if len(self._loaded) > KEPT:
            self._loaded.popitem(last=False)
        return loaded
