"""Which known files lie in places of the medium that could not be read.

Asked of a finished inventory: its stream rows hold the extents. What lies in no listed file is free
space, a directory, or another structure of a file system; the rows do not tell these apart.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from evkit.core.ranges import merge
from evkit.core.text import shorten
from evkit.inventory.search.find import of_streams
from evkit.manifest.rows import HOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.core.ejson import Json
    from evkit.inventory.database.reader import Inventory

SHOWN = 40  # files that an event names; `evkit inventory list --problems` has them all
_WIDTH = 160
_COLUMN = 50


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A stream with content in an unread place.

    Attributes:
        path: escaped, cut in the middle when it is long.
        row: number of the stream row.
        bytes: of its content that lie there.
        deleted: the record is not in use, the place may be another file's by now.
    """

    path: str
    row: int
    bytes: int
    deleted: bool


@dataclass(frozen=True, kw_only=True)
class UnreadFiles:
    """What lies in the unread places of a medium.

    Attributes:
        bytes, ranges: of the unread places.
        files: streams of records in use that lie there, at least in part.
        deleted: streams of deleted records that do.
        file_bytes: unread bytes that lie in any of these streams, each counted once.
        table_bytes: unread bytes of partition tables, and in none of them.
        other_bytes: the rest: free space, directories, other structures, gaps.
        uncertain: streams of which not all extents are known, and no known one is hit.
        first: the first streams, those in use before deleted ones.
        whole: all unread places are known.
    """

    bytes: int
    ranges: int
    files: int
    deleted: int
    file_bytes: int
    table_bytes: int
    other_bytes: int
    uncertain: int
    first: tuple[Hit, ...]
    whole: bool

    def lines(self) -> list[str]:
        """Return sentences for people, at most 80 columns wide, and the first files, indented."""
        least = "" if self.whole else "at least "
        what = "range" if self.ranges == 1 else "ranges"
        lines = [f"not read {least}{self.bytes:,} bytes in {self.ranges:,} {what}"]
        parts = f"in listed files {self.file_bytes:,} + in partition tables {self.table_bytes:,}"
        lines.append(f"  = {parts} + elsewhere {self.other_bytes:,}")
        count = f"{least}{self.files:,} in use, {self.deleted:,} deleted"
        lines.append(f"files that lie in unread sectors: {count}")
        lines += [
            f"  {shorten(hit.path, _COLUMN)}: {hit.bytes:,} {'byte' if hit.bytes == 1 else 'bytes'}"
            f"{', deleted' if hit.deleted else ''}"
            for hit in self.first
        ]
        more = self.files + self.deleted - len(self.first)
        if more:
            lines.append(f"  … {more:,} more")
        if self.uncertain:
            lines.append(f"  of {self.uncertain:,} more that is not known")
        return lines

    def fields(self) -> dict[str, Json]:
        """Return what the event says."""
        return {
            "bytes": self.bytes,
            "ranges": self.ranges,
            "files": self.files,
            "deleted": self.deleted,
            "file_bytes": self.file_bytes,
            "table_bytes": self.table_bytes,
            "other_bytes": self.other_bytes,
            "uncertain": self.uncertain,
            "whole": self.whole,
            "first": [
                {"path": hit.path, "row": hit.row, "bytes": hit.bytes, "deleted": hit.deleted}
                for hit in self.first
            ],
        }


class _Places:
    """Ranges that answer how many bytes of another range lie in them."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self.ranges = merge(ranges)
        self._starts = [start for start, _ in self.ranges]
        self._before = [0, *accumulate(length for _, length in self.ranges)]

    def within(self, offset: int, length: int) -> int:
        """Return the bytes of [offset, offset + length) that lie in the ranges."""
        return self._below(offset + length) - self._below(offset)

    def sum(self, ranges: Iterable[tuple[int, int]]) -> int:
        """Return the bytes of ranges that lie in these."""
        return sum(self.within(offset, length) for offset, length in ranges)

    def _below(self, offset: int) -> int:
        index = bisect_right(self._starts, offset)
        if not index:
            return 0
        start, length = self.ranges[index - 1]
        return self._before[index - 1] + min(length, offset - start)


def unread_files(
    inventory: Inventory, unread: Sequence[tuple[int, int]], *, whole: bool = True
) -> UnreadFiles:
    """Find the streams that lie in unread ranges (offset, length) of the medium.

    Args:
        inventory: of the same medium.
        unread: the places.
        whole: these are all places that could not be read.
    """
    places = _Places(unread)
    hit: list[tuple[int, int]] = []
    counts = {False: 0, True: 0}
    first: dict[bool, list[tuple[int, dict[str, Any], int]]] = {False: [], True: []}
    uncertain = 0
    for number, row in inventory.rows("stream"):
        extents = [(place, n) for place, n in row.get("extents", ()) if place != HOLE]
        lost = places.sum(extents)
        if not lost:
            uncertain += "extents_left_out" in row
            continue
        deleted = row["basis"] != "allocated"
        counts[deleted] += 1
        hit += [(place, n) for place, n in extents if places.within(place, n)]
        if len(first[deleted]) < SHOWN:
            first[deleted].append((number, row, lost))
    tables = [
        (row["offset"], row["size"])
        for _, row in inventory.rows("partition")
        if row["kind"] == "metadata"
    ]
    size = sum(length for _, length in places.ranges)
    in_files, known = places.sum(merge(hit)), places.sum(merge([*hit, *tables]))
    return UnreadFiles(
        bytes=size,
        ranges=len(places.ranges),
        files=counts[False],
        deleted=counts[True],
        file_bytes=in_files,
        table_bytes=known - in_files,
        other_bytes=size - known,
        uncertain=uncertain,
        first=tuple(_hit(inventory, *item) for item in [*first[False], *first[True]][:SHOWN]),
        whole=whole,
    )


def _hit(inventory: Inventory, number: int, row: dict[str, Any], lost: int) -> Hit:
    entries = sorted(of_streams(inventory, [(number, row)]), key=lambda entry: entry.deleted)
    return Hit(
        path=shorten(entries[0].shown, _WIDTH),
        row=number,
        bytes=lost,
        deleted=row["basis"] != "allocated",
    )
