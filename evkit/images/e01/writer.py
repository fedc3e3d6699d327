"""Writes an E01 by appending only: chunks in stored form go in, segment files come out.

A group of chunks is collected in one buffer of fixed size and written with its tables when it is
complete. Nothing is patched afterwards, so a segment file can be digested while it is written and
written past the page cache, and work that was stopped goes on after the last complete group with
the same bytes. There are no threads and no files here: `acquire` owns both.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Protocol

from evkit.core.errors import InputError, UsageError
from evkit.images.e01 import build, layout
from evkit.images.e01.errorlist import to_sectors
from evkit.images.e01.layout import CHUNK, COMPRESSED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evkit.images.e01.plan import Plan

_LENGTH: Final = COMPRESSED - 1


class Sink(Protocol):
    """One segment file, written in order. The views it is given change after the call."""

    def write(self, data: memoryview) -> None:
        """Append all of `data`."""

    def finish(self) -> None:
        """Take note that the segment is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a writer stands: always at the end of a complete group, or before anything.

    Attributes:
        segment: number of the segment file.
        offset: bytes of it that are written; 0 before the first.
        chunks: chunks of the medium in all groups so far.
    """

    segment: int = 1
    offset: int = 0
    chunks: int = 0

    def to_json(self) -> dict[str, int]:
        """Return the state as an object of numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> State:
        """Read what `to_json` gave.

        Raises:
            InputError: it is something else.
        """
        good = isinstance(value, dict) and set(value) == {"segment", "offset", "chunks"}
        if not good or not all(type(number) is int and number >= 0 for number in value.values()):
            raise InputError("the place where writing the image stopped cannot be read")
        return cls(**value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a complete image is.

    Attributes:
        segments: number of segment files.
        errors: entries of the error list, (first sector, sectors), as they are written.
        unsaid: unread sectors that the error list has no room or no number for.
        altered: fields of the case details that are stored shortened or with replaced characters.
    """

    segments: int
    errors: tuple[tuple[int, int], ...]
    unsaid: int
    altered: tuple[str, ...]


class E01Writer:
    """Writes one image.

    Args:
        plan: what it is to become.
        open_segment: gives the sink of a segment file by its number. When work is resumed it is
            called with `State.segment` first, and that sink goes on at `State.offset`.
        on_group: called with the state after each complete group but the last, which is written
            together with the end of the image. The sink has taken the group by then; whether it
            is on the disk is the caller's matter.
        resume: where to go on; the same chunks from `resume.chunks` on give the same bytes.

    Attributes:
        state: where work that stops now can go on.

    Raises:
        InputError: `resume` does not belong to this plan.
    """

    def __init__(
        self,
        plan: Plan,
        open_segment: Callable[[int], Sink],
        *,
        on_group: Callable[[State], None] | None = None,
        resume: State | None = None,
    ) -> None:
        self.plan = plan
        self.state = State() if resume is None else resume
        _check_state(self.state, plan)
        self._open_segment = open_segment
        self._on_group = on_group
        self._segment = self.state.segment
        self._offset = self.state.offset  # in the segment; 0 while it is not begun
        self._sink: Sink | None = None
        self._whole = memoryview(mmap.mmap(-1, build.HEAD + plan.buffer + mmap.PAGESIZE))
        self._hold(b"")
        self._sizes: list[int] = []
        self._usable = True

    def append(self, stored: memoryview, sizes: Sequence[int]) -> None:
        """Append consecutive chunks.

        Args:
            stored: their stored forms back to back.
            sizes: stored length of each, with bit 31 where it is compressed.

        Raises:
            ValueError: the sizes are not those of chunks of this medium.
            UsageError: there is no name for another segment.
        """
        ends = self._check(stored, sizes)
        done = 0
        while done < len(sizes):
            start = ends[done - 1] if done else 0
            count = self._fitting(ends, done, start)
            if count:
                end = ends[done + count - 1]
                self._buffer[self._used : self._used + end - start] = stored[start:end]
                self._used += end - start
                self._sizes += sizes[done : done + count]
                done += count
            elif self._sizes:
                self._write_group(len(self._sizes))
            else:
                self._next_segment()

    def pending(self) -> tuple[memoryview, list[int]]:
        """Return the chunks that wait for their group to be complete, and their sizes."""
        return self._buffer[build.HEAD : self._used], list(self._sizes)

    def finish(
        self,
        *,
        md5: bytes | None,
        sha1: bytes | None,
        unread: Sequence[tuple[int, int]] = (),
    ) -> Finished:
        """Write the last group and the end of the image.

        Args:
            md5: of the medium, or None to state none.
            sha1: of the medium, or None to state none.
            unread: (offset, length) in bytes of the medium that could not be read.

        Raises:
            ValueError: chunks are missing, or a range lies outside the medium.
            UsageError: there is no name for another segment.
        """
        self._check_open()
        missing = self.plan.chunks - self.state.chunks - len(self._sizes)
        if missing:
            raise ValueError(f"{missing} of {self.plan.chunks} chunks are missing")
        errors, unsaid = to_sectors(unread, self.plan.medium, self.plan.error_entries)
        parts = [(b"error2", build.errors_body(errors))] if errors else []
        parts += build.digest_bodies(md5, sha1)
        if not self._end_fits(len(errors)):
            if len(self._sizes) > 1:
                self._write_group(len(self._sizes) - 1)
            self._next_segment()
        self._write_group(len(self._sizes), last=True)
        if self._segment == 1:
            parts.insert(0, (b"data", self.plan.volume))
        end = build.sections(parts, self._offset)
        self._write(memoryview(end + build.ending(b"done", self._offset + len(end))))
        self._close_sink()
        self._usable = False
        return Finished(
            segments=self._segment,
            errors=tuple(errors),
            unsaid=unsaid,
            altered=self.plan.headers.altered,
        )

    def _check(self, stored: memoryview, sizes: Sequence[int]) -> list[int]:
        """Return where each chunk ends in `stored`."""
        self._check_open()
        after = self.state.chunks + len(self._sizes) + len(sizes)
        if after > self.plan.chunks:
            raise ValueError(f"{after} chunks for a medium of {self.plan.chunks}")
        ends = list(accumulate(size & _LENGTH for size in sizes))
        if (ends[-1] if ends else 0) != len(stored):
            raise ValueError(f"sizes give {ends[-1] if ends else 0} bytes, not {len(stored)}")
        full = sizes
        if after == self.plan.chunks and sizes:
            full = sizes[:-1]
            _check_sizes(sizes[-1:], self.plan.last_chunk)
        if full:
            _check_sizes(full, CHUNK)
        return ends

    def _check_open(self) -> None:
        if not self._usable:
            raise ValueError("the image is finished, or writing it failed; go on from `state`")

    def _fitting(self, ends: Sequence[int], done: int, start: int) -> int:
        """Return how many of the chunks from `done` on the group can take."""
        held = len(self._sizes)
        last = min(len(ends), done + self.plan.group - held)
        last = bisect_right(ends, start + len(self._buffer) - self._used, done, last)
        # of the segment: the group so far, both tables, `next`
        room = self.plan.segment_size - self._position() - build.HEAD
        room -= build.group_size(held, self._used - build.HEAD)
        entry = 2 * build.TABLE_ENTRY
        fits = bisect_right(
            range(done, last), room, key=lambda at: ends[at] - start + entry * (at + 1 - done)
        )
        return int(fits)

    def _position(self) -> int:
        """Return where the next group begins, whether or not the segment is begun."""
        return self._offset or len(self.plan.prefix(self._segment))

    def _end_fits(self, errors: int) -> bool:
        end = build.group_size(len(self._sizes), self._used - build.HEAD)
        end += build.DIGESTS + build.HEAD + (build.DATA if self._segment == 1 else 0)
        end += build.ERRORS + layout.ERROR_ENTRY.size * errors if errors else 0
        return self._position() + end <= self.plan.segment_size

    def _write_group(self, count: int, *, last: bool = False) -> None:
        """Write the first `count` chunks of the buffer as a group and keep the others."""
        self._begin()
        sizes = self._sizes[:count]
        size = build.HEAD + sum(value & _LENGTH for value in sizes)
        base = self._offset
        self._buffer[: build.HEAD] = layout.descriptor(b"sectors", base + size, size)
        self._write(self._buffer[:size])
        self._write(memoryview(build.tables(sizes, base, self._offset)))
        self._hold(bytes(self._buffer[size : self._used]))
        self._sizes = self._sizes[count:]
        if not last:
            self.state = State(
                segment=self._segment, offset=self._offset, chunks=self.state.chunks + count
            )
            if self._on_group is not None:
                self._on_group(self.state)

    def _next_segment(self) -> None:
        if self._segment >= layout.LAST_SEGMENT:
            raise UsageError(
                f"there is no name for a segment after number {layout.LAST_SEGMENT}",
                hint="acquire again with a larger `--split`",
            )
        self._begin()
        self._write(memoryview(build.ending(b"next", self._offset)))
        self._close_sink()
        self._segment += 1
        self._offset = 0
        self._hold(bytes(self._buffer[build.HEAD : self._used]))

    def _hold(self, chunks: bytes) -> None:
        """Begin a group with these; it lies to pages in memory as it will in the file.

        Written past the page cache it is then not copied once more.
        """
        lead = self._position() % mmap.PAGESIZE
        self._buffer = self._whole[lead : lead + build.HEAD + self.plan.buffer]
        # the descriptor of `sectors` goes in front of the chunks
        self._used = build.HEAD + len(chunks)
        self._buffer[build.HEAD : self._used] = chunks

    def _begin(self) -> None:
        """Have a sink, and the start of the segment in it."""
        if self._sink is None:
            self._sink = self._open_segment(self._segment)
        if not self._offset:
            self._write(memoryview(self.plan.prefix(self._segment)))

    def _write(self, data: memoryview) -> None:
        if self._sink is not None:
            self._usable = False  # until the sink has taken it all
            self._sink.write(data)
            self._offset += len(data)
            self._usable = True

    def _close_sink(self) -> None:
        if self._sink is not None:
            self._sink.finish()
            self._sink = None


def _check_sizes(sizes: Sequence[int], length: int) -> None:
    """Refuse what no chunk of `length` bytes can be stored as."""
    stored = [size for size in sizes if size < COMPRESSED]
    packed = [size & _LENGTH for size in sizes if size >= COMPRESSED]
    if any(size != length + 4 for size in stored):
        raise ValueError(f"a chunk of {length} bytes is stored in {length + 4} bytes")
    if packed and not 0 < min(packed) <= max(packed) < length:
        raise ValueError(f"a compressed chunk has fewer than the {length} bytes it holds")


def _check_state(state: State, plan: Plan) -> None:
    """Refuse to go on where this plan never stops."""
    if state == State():
        return
    inside = 1 <= state.segment <= layout.LAST_SEGMENT and 0 < state.chunks < plan.chunks
    start = len(plan.prefix(state.segment)) if inside else 0
    least = build.group_size(1, 1)
    if not inside or not start + least <= state.offset <= plan.segment_size - build.HEAD:
        raise InputError(
            "the place where writing the image stopped does not belong to this image",
            hint="begin the acquisition again",
            details={"state": str(state.to_json())},
        )
