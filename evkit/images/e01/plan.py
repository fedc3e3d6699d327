"""What an E01 is to become and whether it can: sizes, limits, the bytes that begin a segment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from evkit.core.errors import UsageError
from evkit.core.sizes import in_words
from evkit.images.e01 import build, codec, header, layout
from evkit.images.e01.layout import CHUNK

MEDIA: Final = {
    "removable": layout.MEDIA_REMOVABLE,
    "fixed": layout.MEDIA_FIXED,
    "optical": layout.MEDIA_OPTICAL,
    "memory": layout.MEDIA_MEMORY,
}
BLOCKERS: Final = {
    "none": 0,
    "fastbloc": layout.FLAG_FASTBLOC,
    "tableau": layout.FLAG_TABLEAU,
}
SECTOR_SIZES: Final = (512, 1024, 2048, 4096)
SEGMENT_SIZE: Final = 2047 << 20  # also FAT32 and old readers take it
GROUP: Final = 2048  # chunks: 64 MiB of the medium
MAX_ERRORS: Final = 1_000_000  # entries of error2 that readers are asked to hold
MAX_CHUNKS: Final = 2**32 - 1
_LEVELS = {
    codec.NONE: layout.LEVEL_NONE,
    codec.FAST: layout.LEVEL_FAST,
    codec.BEST: layout.LEVEL_BEST,
}
_STORED = CHUNK + 4  # most bytes of a stored chunk
_RAW = "use `--format raw`"


@dataclass(frozen=True, kw_only=True)
class Medium:
    """The medium as the container describes it.

    Attributes:
        size: in bytes, whole sectors.
        media_type: `removable`, `fixed`, `optical` or `memory`.
        physical: a whole device, not a volume; EnCase wants it off without a partition table.
        write_blocker: `none`, `fastbloc` or `tableau`, when one was recognised.
        error_granularity: sectors given up for one that cannot be read.
    """

    size: int
    sector_size: int = layout.SECTOR
    media_type: str = "fixed"
    physical: bool = True
    write_blocker: str = "none"
    error_granularity: int = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that decides the bytes of an E01 beside its chunks and digests.

    Attributes:
        guid: 16 bytes that name the set of segments.
        compression: `none`, `fast` or `best`; stated in the container, the chunks come encoded.
        segment_size: most bytes of a segment file.
        group: chunks whose tables are written together; a stop costs at most so many.
        group_bytes: stored bytes that are collected for a group, or None for what `group` chunks
            can take. This is the memory that a writer needs.

    Raises:
        UsageError: an E01 cannot hold this, or not in segments of this size.
    """

    medium: Medium
    details: header.Details
    guid: bytes
    compression: str = codec.FAST
    segment_size: int = SEGMENT_SIZE
    group: int = GROUP
    group_bytes: int | None = None

    def __post_init__(self) -> None:
        if len(self.guid) != 16:  # noqa: PLR2004 - the field of the format
            raise ValueError("a GUID has 16 bytes")
        if not 0 < self.group <= layout.MAX_ENTRIES:
            raise ValueError(f"a group has 1 to {layout.MAX_ENTRIES} chunks")
        if self.group_bytes is not None and self.group_bytes < _STORED:
            raise ValueError(f"a group needs room for a chunk, {_STORED} bytes")
        _check_medium(self.medium)
        if self.compression not in _LEVELS:
            raise UsageError(
                f"no compression `{self.compression}`", hint=f"use {', '.join(_LEVELS)}"
            )
        if self.segment_size < self.smallest_segment:
            raise UsageError(
                f"segments of {in_words(self.segment_size)} are too small",
                hint=f"`--split` needs at least {self.smallest_segment} bytes",
            )
        if self.most_segments > layout.LAST_SEGMENT:
            raise UsageError(
                f"{in_words(self.medium.size)} may need {self.most_segments:,} segments of "
                f"{in_words(self.segment_size)}, and there are names for {layout.LAST_SEGMENT:,}",
                hint=f"use `--split` with {self._wide_enough()} bytes or more",
            )

    @cached_property
    def chunks(self) -> int:
        """Return the chunks of the medium."""
        return -(-self.medium.size // CHUNK)

    @cached_property
    def last_chunk(self) -> int:
        """Return the bytes of the medium in its last chunk."""
        return self.medium.size - (self.chunks - 1) * CHUNK

    @cached_property
    def headers(self) -> header.Headers:
        """Return the case details as they are stored."""
        return header.build(self.details)

    @cached_property
    def buffer(self) -> int:
        """Return the stored bytes that are collected for a group at most."""
        most = min(self.group, self.chunks) * _STORED
        most = most if self.group_bytes is None else min(most, self.group_bytes)
        return min(most, layout.OFFSET_LIMIT - build.HEAD)

    @cached_property
    def volume(self) -> bytes:
        """Return the body of `volume` and of `data`."""
        medium = self.medium
        flags = layout.FLAG_IMAGE | BLOCKERS[medium.write_blocker]
        flags |= layout.FLAG_PHYSICAL if medium.physical else 0
        body = layout.VOLUME.pack(
            MEDIA[medium.media_type], self.chunks, CHUNK // medium.sector_size,
            medium.sector_size, medium.size // medium.sector_size, b"", flags, 0, 0,
            _LEVELS[self.compression], medium.error_granularity, self.guid, b"", b"", 0,
        )  # fmt: skip
        return build.checked(body[:-4])

    @cached_property
    def _first(self) -> bytes:
        start = build.file_header(1)
        parts = (
            (b"header2", self.headers.header2),
            (b"header2", self.headers.header2),
            (b"header", self.headers.header),
            (b"volume", self.volume),
        )
        return start + build.sections(parts, len(start))

    def prefix(self, number: int) -> bytes:
        """Return what stands before the first group of segment `number`."""
        if number == 1:
            return self._first
        start = build.file_header(number)
        return start + build.section(b"data", self.volume, len(start))

    @cached_property
    def smallest_segment(self) -> int:
        """Return the size in which any segment holds one chunk and all that must end an image."""
        return self._fixed + build.group_size(1, _STORED)

    @cached_property
    def error_entries(self) -> int:
        """Return how many entries of error2 always fit beside the last chunk."""
        room = self.segment_size - self.smallest_segment - build.ERRORS
        return max(0, min(MAX_ERRORS, room // layout.ERROR_ENTRY.size))

    @cached_property
    def most_segments(self) -> int:
        """Return the segments needed if no chunk can be compressed and the end needs its own."""
        first = self._capacity(self.segment_size - len(self._first))
        other = self._capacity(self.segment_size - len(self.prefix(2)))
        return 2 + -(-max(0, self.chunks - first) // other)

    @property
    def _fixed(self) -> int:
        """Bytes of a first and only segment beside its groups and its error list."""
        return len(self._first) + build.DATA + build.DIGESTS + build.HEAD

    def _capacity(self, room: int) -> int:
        """Chunks that fit into `room` with `next` whatever their content."""
        room -= build.HEAD
        group = min(self.group, self.buffer // _STORED)
        whole, rest = divmod(room, build.group_size(group, group * _STORED))
        one = build.group_size(1, _STORED) - build.group_size(0, 0)
        return whole * group + max(0, (rest - build.group_size(0, 0)) // one)

    def _wide_enough(self) -> int:
        """Smallest segment size in whole MiB with which the names suffice."""
        stored = self.chunks * build.group_size(1, _STORED)
        low, high = 1, (stored >> 20) + 1024  # MiB: one segment for everything is enough
        while low < high:
            middle = (low + high) // 2
            if self._suffices(middle << 20):
                high = middle
            else:
                low = middle + 1
        return low << 20

    def _suffices(self, size: int) -> bool:
        if size < self.smallest_segment:
            return False
        first = self._capacity(size - len(self._first))
        other = self._capacity(size - len(self.prefix(2)))
        return 2 + -(-max(0, self.chunks - first) // other) <= layout.LAST_SEGMENT


def _check_medium(medium: Medium) -> None:
    if medium.sector_size not in SECTOR_SIZES:
        raise UsageError(
            f"an E01 with sectors of {medium.sector_size} bytes is not written",
            hint=f"sectors may have {', '.join(map(str, SECTOR_SIZES))} bytes; {_RAW}",
        )
    if medium.size <= 0:
        raise UsageError("an E01 cannot hold an empty medium", hint=_RAW)
    if medium.size % medium.sector_size:
        raise UsageError(
            f"an E01 holds whole sectors: {in_words(medium.size)} are not a multiple of "
            f"{medium.sector_size}",
            hint=f"{_RAW}, which keeps every byte",
        )
    if -(-medium.size // CHUNK) > MAX_CHUNKS:
        raise UsageError(f"an E01 holds at most {in_words(MAX_CHUNKS * CHUNK)}", hint=_RAW)
    if medium.media_type not in MEDIA:
        raise UsageError(f"no media type `{medium.media_type}`", hint=f"use {', '.join(MEDIA)}")
    if medium.write_blocker not in BLOCKERS:
        raise UsageError(
            f"no write blocker flag `{medium.write_blocker}`", hint=f"use {', '.join(BLOCKERS)}"
        )
    if not 0 < medium.error_granularity < MAX_CHUNKS:
        raise UsageError(f"no error granularity `{medium.error_granularity}`")
