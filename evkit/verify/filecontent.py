"""The content of a file, out of the sectors that the rows of an inventory name.

Maker and verifier of a proof of origin run the same code: what it reads is what a proof must hold,
no more and no less. Rows are hostile input: extents may overlap, point anywhere, or be endless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from evkit.core.errors import InputError
from evkit.core.ranges import merge, total
from evkit.hashing.pieces import BLOCK
from evkit.manifest import proof as form
from evkit.manifest.rows import HOLE
from evkit.verify import mftrecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Row = Mapping[str, Any]

MAX_CONTENT: Final = 1 << 36  # bytes of content that are digested; holes cost nothing to claim
CHUNK: Final = 1 << 20
REPEATS, SLACK = 4, 1 << 26  # a sane row names a sector once
MFT, DATA = 0, 128  # record and attribute of an NTFS volume's table of records
_ZEROS = bytes(CHUNK)


class NoContentError(InputError):
    """The content cannot be found; `wrong` when the rows or the sectors contradict each other."""

    def __init__(self, message: str, *, wrong: bool) -> None:
        super().__init__(message)
        self.wrong = wrong


class Medium(Protocol):
    """Bytes of a medium by their place."""

    @property
    def size(self) -> int:
        """Return the bytes of the medium."""

    def read(self, offset: int, size: int, /) -> bytes:
        """Return exactly these bytes, which lie inside the medium; at most `CHUNK`."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows about one stream, by what they are for.

    Attributes:
        stream: the stream.
        source: the first row of the inventory.
        filesystem: the file system that holds it.
        name: the name that was asked for, None for a stream without one.
        mft: of NTFS the stream of the table of records, None where it is not needed.
    """

    stream: Row
    source: Row
    filesystem: Row
    name: Row | None = None
    mft: Row | None = None


@dataclass
class Touched:
    """A medium that remembers what was read of it; `ranges` are (offset, length)."""

    medium: Medium
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield the bytes of a range in parts.

        Raises:
            NoContentError: the range does not lie in the medium.
        """
        if offset < 0 or length < 0 or offset + length > self.medium.size:
            raise NoContentError(
                f"bytes {offset} to {offset + length - 1} lie outside the image", wrong=True
            )
        if self.ranges and sum(self.ranges[-1]) == offset:
            self.ranges[-1] = (self.ranges[-1][0], self.ranges[-1][1] + length)
        elif length:
            self.ranges.append((offset, length))
        for at in range(offset, offset + length, CHUNK):
            yield self.medium.read(at, min(CHUNK, offset + length - at))


def content(reading: str, rows: Rows, medium: Touched) -> Iterator[bytes]:
    """Yield the content of a stream, of a `stored` one what is stored.

    Raises:
        NoContentError: it cannot be found in the medium.
    """
    stream = rows.stream
    if reading == form.STORED:
        if not is_stored(stream):
            raise NoContentError("the stream is not stored in another form", wrong=True)
        _need_modest(stream["extents"])
        yield from _extents(stream["extents"], medium)
        return
    size = stream.get("size")
    if size is None or size > MAX_CONTENT:
        raise NoContentError(f"content of {size} bytes is too large here", wrong=False)
    if reading == form.FILE:
        if size != medium.medium.size:
            raise NoContentError("the file has another length than its row says", wrong=True)
        yield from medium.read(0, size)
        return
    if reading == form.RESIDENT:
        yield _attribute(rows, medium, resident=True).content
        return
    extents = stream.get("extents", [])
    if "extents_left_out" in stream or sum(length for _, length in extents) != size:
        raise NoContentError("the extents of the row are not those of its whole size", wrong=True)
    _need_modest(extents)
    if reading == form.EXTENTS:
        yield from _extents(extents, medium)
        return
    valid = min(_attribute(rows, medium, resident=False).valid, size)
    yield from _extents(_part(extents, 0, valid), medium)
    yield from _zeros(size - valid)


def is_stored(stream: Row) -> bool:
    """Say whether only what is stored can be shown: compressed, or never digested."""
    flags = stream.get("flags", ())
    other = "compressed" in flags and "resident" not in flags
    return bool(stream.get("extents")) and (other or stream["state"] != "ok")


def needs_mft(reading: str) -> bool:
    """Say whether a reading rests on the record of an NTFS volume."""
    return reading in {form.RESIDENT, form.VALID}


def is_mft(row: Row, stream: Row) -> bool:
    """Say whether a row is the stream of the table of records that holds the record of another."""
    place = (row["fs"], row["inode"], row["attr"])
    return place == (stream["fs"], MFT, DATA) and "name" not in row and row is not stream


def runs_of(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[tuple[int, int], ...], int]:
    """Return the runs of blocks (first, count) that hold ranges, and how many bytes these have.

    Bytes in several ranges count once.
    """
    runs: list[tuple[int, int]] = []
    held = merge(ranges)
    for offset, length in held:
        first, stop = offset // BLOCK, -(-(offset + length) // BLOCK)
        if runs and first <= sum(runs[-1]):
            runs[-1] = (runs[-1][0], stop - runs[-1][0])
        else:
            runs.append((first, stop - first))
    return tuple(runs), total(held)


def _extents(extents: Iterable[Sequence[int]], medium: Touched) -> Iterator[bytes]:
    for offset, length in extents:
        if offset == HOLE:
            yield from _zeros(length)
        else:
            yield from medium.read(offset, length)


def _need_modest(extents: Iterable[Sequence[int]]) -> None:
    """Refuse extents that a hostile file system made to keep a reader busy for ever."""
    places = [(offset, length) for offset, length in extents if offset != HOLE]
    asked = total(places)
    there = total(merge(places))
    if asked > MAX_CONTENT:
        raise NoContentError(f"{asked} bytes in sectors are too many here", wrong=False)
    if asked > REPEATS * there + SLACK:
        raise NoContentError("the row names the same sectors again and again", wrong=False)


def _zeros(length: int) -> Iterator[bytes]:
    for at in range(0, length, CHUNK):
        yield _ZEROS[: length - at]


def _part(extents: Iterable[Sequence[int]], start: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the extents of a part of a stream; shorter than asked for when the stream is."""
    at = 0
    for offset, span in extents:
        low, high = max(start, at), min(start + length, at + span)
        if low < high:
            yield (offset if offset == HOLE else offset + low - at), high - low
        at += span


def _attribute(rows: Rows, medium: Touched, *, resident: bool) -> mftrecord.Attribute:
    """Return the attribute of the stream, out of its record on the medium."""
    system, stream, mft = rows.filesystem, rows.stream, rows.mft
    if mft is None or system["type"] != "ntfs":
        raise NoContentError("without the row of `$MFT` its record cannot be found", wrong=True)
    boot = b"".join(medium.read(system["offset"], mftrecord.BOOT))
    size = mftrecord.record_size(boot)
    if size is None:
        raise NoContentError("the boot sector is not one of an NTFS volume", wrong=True)
    parts = list(_part(mft.get("extents", []), stream["inode"] * size, size))
    record = b"".join(_extents(parts, medium))
    found = mftrecord.find_attribute(record, stream["seq"], stream["attr"], stream["attr_id"])
    if found is None or found.resident != resident or found.size != stream.get("size"):
        raise NoContentError(
            f"record {stream['inode']} does not hold this attribute by itself", wrong=True
        )
    return found
