"""An E01 image opened for reading: any range of the medium, and its chunks for a parallel engine.

What is damaged and does not hide the evidence is a finding; what cannot be decoded is an error with
its place, never zeros. One thread at a time; the descriptors may be read by all.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.closing import Closing
from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.e01 import codec
from evkit.images.e01.chunks import Chunks, Run
from evkit.images.e01.facts import Facts, agreed, foreign
from evkit.images.e01.finding import Finding, Findings
from evkit.images.e01.measure import odd_bytes, rescue
from evkit.images.e01.segments import Files, in_doubt, order, read_part
from evkit.images.e01.tables import hole, number, read_groups
from evkit.images.files import read_at
from evkit.images.model import MAX_MEDIUM, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.images.e01.segments import Part
    from evkit.images.e01.tables import Group

HOLLOW: Final = 16 << 30  # bytes of zeros that are still digested for a medium that is not here
HOLLOW_TIMES: Final = 4
_BATCH: Final = 1 << 22  # bytes of the medium that are decoded at a time, and kept
_SMALL: Final = 2  # chunks


class Damage(NamedTuple):
    """A chunk that cannot be decoded: its number, index of its segment or -1, and why."""

    chunk: int
    segment: int
    reason: str


class E01Image(Closing):
    """An E01 image with all its segments.

    Args:
        paths: the segment files in order.
        partial: open what is there when segments are missing or cut short; the chunks of the others
            cannot be decoded.

    Attributes:
        size: bytes of the medium.
        sector_size: bytes of a sector.
        chunk: bytes of a chunk.
        chunks: how many there are.
        stored: all digests of the medium that are stored: (section, algorithm, hex).

    Raises:
        InputError: it is no E01, or (unless `partial`) a segment is missing, cut short, foreign or
            in the place of another.
        OSError: the list of the sections of a segment cannot be read.
    """

    format = "ewf"

    def __init__(self, paths: Sequence[bytes], *, partial: bool = False) -> None:
        self._findings = Findings()
        self._files = Files(paths)
        self._recent: OrderedDict[int, memoryview] = OrderedDict()
        try:
            self._open(paths, partial=partial)
        except BaseException:
            self.close()
            raise

    def _open(self, paths: Sequence[bytes], *, partial: bool) -> None:
        found = self._findings
        self._parts = [read_part(self._files, at, path, found) for at, path in enumerate(paths)]
        self.segments: Sequence[Segment] = tuple(
            Segment(path=part.path, size=part.size) for part in self._parts
        )
        groups_of = [
            read_groups(at, part, self._files.get(at), found) for at, part in enumerate(self._parts)
        ]
        ordered = order(self._parts, found, partial=partial, lenient=True)
        facts = self._facts(ordered, partial=partial)
        if in_doubt(ordered) and facts.chunks != _located(_join(ordered, groups_of)):
            ordered = order(self._parts, found, partial=partial, lenient=False)
            facts = self._facts(ordered, partial=partial)
        groups = _join([part if part in facts.parts else None for part in ordered], groups_of)
        volume = agreed(facts.volumes, found)
        if volume is None or (not volume.sectors and _located(groups)):
            stated = [one.volume for one in facts.volumes]
            volume = rescue(stated, groups, self._parts, self._files)
            found.add("volume-lost", "the image does not say how large the medium is")
        odd = odd_bytes(volume, groups, self._parts, self._files)
        if odd:
            text = f"the medium ends with {odd} bytes that are no whole sector; other programs may "
            found.add("odd-end", f"{text}leave them out")
        self.size = volume.size + odd
        self.sector_size: int | None = volume.sector_size
        self.chunk = volume.chunk
        self.chunks = -(-self.size // self.chunk)
        if self.size > MAX_MEDIUM:
            raise InputError("the image is larger than evkit records (2^53 bytes)")
        numbered = number(groups, self.chunks, found)
        self._refuse_holes(numbered, ordered, partial=partial)
        self._chunks = Chunks(numbered, self._files, self._parts, (self.chunk, self.size), found)
        self.stored = tuple(facts.stored)
        self.metadata: Mapping[str, str] = {**facts.header, **volume.facts()}
        self.declared_gaps: Sequence[tuple[int, int]] = tuple(
            (first * volume.sector_size, count * volume.sector_size)
            for first, count in facts.errors
        )

    def _facts(self, ordered: Sequence[Part | None], *, partial: bool) -> Facts:
        """Read the small sections; leave out a segment of another image, or refuse it."""
        parts = [part for part in ordered if part is not None]
        facts = Facts(parts, self._files, self._findings)
        other = foreign(facts.volumes)
        if other is None:
            return facts
        text = f"{other.name} belongs to another image than {parts[0].name}"
        if not partial:
            raise InputError(text, hint="bring the segments of one image into one folder")
        self._findings.add("segment-foreign", text, other.place)
        rest = [None if part is other else part for part in ordered]
        return self._facts(rest, partial=partial)

    def _refuse_holes(
        self, groups: Sequence[Group], ordered: Sequence[Part | None], *, partial: bool
    ) -> None:
        last = ordered[-1]
        if partial or last is None or last.chain.last:
            return
        if any(group.part < 0 for group in groups):
            raise InputError(
                f"`{escape_bytes(last.path)}` ends before its last section",
                hint="the file was cut short; ask for it again",
            )

    def close(self) -> None:
        """Close all segments."""
        self._recent.clear()
        self._files.close()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong or odd and was noticed so far; all of it once every chunk was read."""
        return self._findings.all()

    @property
    def remarks(self) -> Sequence[str]:
        """The texts of the findings."""
        return tuple(finding.text for finding in self.findings)

    @property
    def stored_digests(self) -> Mapping[str, str]:
        """One stored digest of each algorithm; `hash` before `digest` before `xhash`."""
        result: dict[str, str] = {}
        for place in ("hash", "digest", "xhash"):
            for section, name, value in self.stored:
                if section == place:
                    result.setdefault(name, value)
        return result

    def runs(self, first: int, count: int) -> list[Run]:
        """Return where chunks are stored, in their order.

        Args:
            first: number of the first chunk, from 0.
            count: how many; at most up to the last chunk.

        Raises:
            InputError: the image is closed, or a segment was changed meanwhile.
        """
        return self._chunks.runs(first, max(0, min(count, self.chunks - first)))

    @property
    def lacking(self) -> int:
        """The number of chunks of which no segment that is here says where they are stored."""
        return sum(group.chunks for group in self._chunks.groups if group.part < 0)

    @property
    def is_hollow(self) -> bool:
        """Whether nearly all of a large medium is lacking, so that decoding it only makes zeros."""
        lacking = self.lacking
        return lacking * self.chunk > HOLLOW and lacking > HOLLOW_TIMES * (self.chunks - lacking)

    def descriptor(self, segment: int) -> int:
        """Return the open file of a segment, for `os.pread`.

        Of more than 512 segments only some are open: it stays so until 512 others were asked for.

        Args:
            segment: index in `segments`.
        """
        return self._files.get(segment)

    def descriptors(self) -> list[int]:
        """Return the open files of all segments, kept open until the image is closed.

        Raises:
            InputError: the system does not allow as many open files.
        """
        return self._files.all()

    def length_of(self, first: int, count: int) -> int:
        """Return the bytes of the medium in `count` chunks from `first` on."""
        return min(self.size, (first + count) * self.chunk) - first * self.chunk

    def sectors(self, first: int, count: int, segment: int) -> str:
        """Return the words for chunks: their sectors and the segment, escaped.

        Args:
            first: number of the first chunk.
            count: how many.
            segment: index in `segments`, -1 for none.
        """
        sector = self.sector_size or 1
        start = first * self.chunk
        end = -(-(start + self.length_of(first, count)) // sector) - 1
        text = f"sectors {start // sector}\N{EN DASH}{end}"
        if 0 <= segment < len(self._parts):
            text += f", segment {self._parts[segment].name}"
        return text

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium, fewer only at its end.

        Raises:
            OSError: a segment could not be read.
            InputError: a chunk there cannot be decoded.
        """
        size = max(0, min(size, self.size - offset))
        if not size:
            return b""
        first = offset // self.chunk
        end = -(-(offset + size) // self.chunk)
        # small reads come back to the same chunks; large ones do not
        step = 1 if end - first <= _SMALL else max(1, _BATCH // self.chunk)
        found: list[memoryview] = []
        for at in range(first, end, step):
            block = self._cached(at) if step == 1 else self._decoded(at, min(step, end - at))
            start = max(0, offset - at * self.chunk)
            found.append(block[start : offset + size - at * self.chunk])
        return b"".join(found)

    def _cached(self, chunk: int) -> memoryview:
        """Return one chunk, from memory when it was read lately."""
        if chunk not in self._recent:
            self._recent[chunk] = self._decoded(chunk, 1)
            if len(self._recent) > max(_SMALL, _BATCH // self.chunk):
                self._recent.popitem(last=False)
        self._recent.move_to_end(chunk)
        return self._recent[chunk]

    def _decoded(self, first: int, count: int) -> memoryview:
        buffer = memoryview(bytearray(self.length_of(first, count)))
        damaged = self.decode(first, count, buffer)
        if damaged:
            raise InputError(f"the image cannot be decoded at {self._words(damaged[0])}")
        return buffer

    def decode(self, first: int, count: int, out: memoryview) -> list[Damage]:
        """Decode chunks into `out`; return those that cannot be decoded.

        Args:
            first: number of the first chunk.
            count: how many.
            out: takes exactly the bytes of the medium in these chunks; zeros where damaged.

        Raises:
            OSError: a segment could not be read.
        """
        damaged: list[Damage] = []
        for run in self.runs(first, count):
            start = (run.first - first) * self.chunk
            target = out[start : start + self.length_of(run.first, len(run.sizes))]
            stored = b""
            if run.segment >= 0:
                stored = read_at(self.descriptor(run.segment), run.length, run.offset)
            damaged += [
                Damage(run.first + found.chunk, run.segment, run.reason or found.reason)
                for found in codec.decode(memoryview(stored), run.sizes, target, chunk=self.chunk)
            ]
        return damaged

    def _words(self, damage: Damage) -> str:
        where = self.sectors(damage.chunk, 1, damage.segment)
        return f"chunk {damage.chunk}, {where}: {damage.reason}"


def _join(ordered: Sequence[Part | None], groups_of: Sequence[Sequence[Group]]) -> list[Group]:
    groups: list[Group] = []
    for part in ordered:
        if part is None:
            groups.append(hole("it lies in a segment that is missing"))
        else:
            groups += groups_of[part.place - 1]
    return groups


def _located(groups: Sequence[Group]) -> int:
    return sum(group.chunks for group in groups if group.chunks >= 0)
