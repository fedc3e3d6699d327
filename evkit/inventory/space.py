"""Space rows: slack behind files, unallocated runs, what lies behind a file system (child only).

They are made when asked for. A row has one run of bytes, its digests and whether it is all zeros;
where there are more rows than allowed, the last one counts what was left out.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.core.ranges import complement, merge
from evkit.hashing.digests import MultiDigest
from evkit.inventory import native
from evkit.inventory.volumes.freeruns import FreeMap
from evkit.inventory.volumes.freespace import free_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evkit.inventory.driver import Answer
    from evkit.inventory.native import Native
    from evkit.inventory.tsk import Image
    from evkit.inventory.volume import Job, Volume

MAX_RUNS = 100_000  # rows of unallocated space of a volume
MAX_SLACK = 1_000_000  # pieces behind one file
_MAX_RECORDS = 50_000_000  # that are looked at where there is no map of free space
READ = 1 << 20


class Run(NamedTuple):
    """A run of bytes of the image."""

    offset: int
    size: int


class Spaces:
    """Makes the space rows of one volume, or of the gaps between volumes.

    Args:
        job: the request; `fs` 0 for what lies in no file system.
        image: the medium.
        out: takes the rows.
        most: rows at most; 0 for the limits above.
    """

    def __init__(self, job: Job, image: Image, out: Answer, most: int = 0) -> None:
        self._job, self._image, self._out = job, image, out
        self._most = most
        self._left = out.budget

    def unallocated(self, free: FreeMap, derived: str) -> None:
        """Give a row for each free run.

        Args:
            free: which units are free.
            derived: `bitmap` or `runs`.
        """
        start = self._job.offset + free.start
        runs = (
            Run(start + first * free.unit, length * free.unit) for first, length in free.runs
        )  # fmt: skip
        self._capped(runs, {"what": "unallocated", "derived": derived}, self._most or MAX_RUNS)

    def behind(self, claimed: int) -> None:
        """Give a row for what lies in the volume behind the end of its file system."""
        end = min(self._job.offset + self._job.size, self._image.get_size())
        start = min(self._job.offset + claimed, end)
        if end > start:
            self._row(Run(start, end - start), {"what": "volume-slack", "derived": "size"})

    def gaps(self, parts: Iterable[tuple[int, int, int]]) -> None:
        """Give a row for each gap: (partition, offset, size)."""
        for partition, offset, size in parts:
            more = {"what": "gap", "derived": "size", "partition": partition}
            self._row(Run(offset, size), more)

    def nothing(self, what: str, error: InputError | None = None) -> None:
        """Say that there is no map of free space here, or that it cannot be read."""
        row = {"row": "space", **self._fs(), "what": what, "derived": "none", "bytes_digested": 0}
        if error is None:
            self._out.row({**row, "state": "unsupported", "reason": "no-map-of-free-space"})
        else:
            more = {"state": "damaged", "reason": "map-not-readable", "detail": error.message}
            self._out.row(row | more)

    def slack(self, runs: Iterable[tuple[Run, Mapping[str, Any]]]) -> None:
        """Give a row for each run behind a file: (run, fields that name the stream)."""
        left_out = left_bytes = 0
        most = self._most or MAX_SLACK
        for count, (run, fields) in enumerate(runs):
            if count >= most:
                left_out, left_bytes = left_out + 1, left_bytes + run.size
            else:
                self._row(run, {"what": "slack", "derived": "extents", **fields})
        if left_out:
            self._leave_out("slack", "extents", left_out, left_bytes)

    def _capped(self, runs: Iterator[Run], fields: Mapping[str, Any], most: int) -> None:
        left_out = left_bytes = 0
        try:
            for count, run in enumerate(runs):
                if count >= most:
                    left_out, left_bytes = left_out + 1, left_bytes + run.size
                else:
                    self._row(run, fields)
        except (InputError, OSError) as error:
            if isinstance(error, OSError):
                error = InputError(native.clean(error))
            self.nothing(str(fields["what"]), error)
        if left_out:
            self._leave_out(str(fields["what"]), str(fields["derived"]), left_out, left_bytes)

    def _leave_out(self, what: str, derived: str, count: int, size: int) -> None:
        self._out.row({
            "row": "space", **self._fs(), "what": what, "derived": derived, "size": size,
            "bytes_digested": 0, "left_out": count, "state": "skipped", "reason": "over-limit",
        })  # fmt: skip

    def _fs(self) -> dict[str, int]:
        return {"fs": self._job.fs} if self._job.fs else {}

    def _row(self, run: Run, fields: Mapping[str, Any]) -> None:
        end = min(run.offset + run.size, self._image.get_size())
        row: dict[str, Any] = {
            "row": "space",
            **self._fs(),
            **fields,
            "size": run.size,
            "extents": [[run.offset, run.size]],
            "bytes_digested": 0,
        }
        if end < run.offset + run.size:
            row |= {"state": "damaged", "reason": "beyond-end-of-image"}
        elif run.size > self._left:
            row |= {"state": "unreadable", "reason": "read-budget"}
        elif self._unread(run):
            row |= {"state": "damaged", "reason": "unread-sectors"}
        else:
            self._digest(run, row)
        self._out.row(row)

    def _digest(self, run: Run, row: dict[str, Any]) -> None:
        digest, at, zeros = MultiDigest(self._job.hashes), 0, True
        try:
            while at < run.size:
                block = bytes(self._image.read(run.offset + at, min(READ, run.size - at)))
                digest.update(block)
                zeros = zeros and not any(block)
                at += len(block)
                self._out.beat(at)
                if not block:
                    break
        except (*native.ERRORS, InputError) as error:
            row["detail"] = native.clean(error)
        self._out.done += at
        self._left -= at
        self._out.budget -= at
        row["bytes_digested"] = at
        if at == run.size and "detail" not in row:
            row |= {"digests": digest.digests(), "state": "ok"}
            if zeros:
                row["zeros"] = True
        else:
            row |= {"state": "unreadable", "reason": "read-error"}

    def _unread(self, run: Run) -> bool:
        unread = self._job.unread
        after = bisect.bisect_left(unread, (run.offset + run.size, 0)) if unread else 0
        return bool(after and sum(unread[after - 1]) > run.offset)


def give(volume: Volume, what: str, inode: int, out: Answer) -> None:
    """Give the space rows of a volume that a task asks for.

    Args:
        volume: the file system.
        what: `slack` of a record, or `unallocated`.
        inode: the record.
        out: takes the rows.
    """
    spaces = Spaces(volume.job, volume.image, out)
    if what == "slack":
        spaces.slack(slack_of(volume, inode))
        return
    give_unallocated(volume, spaces)
    spaces.behind(int(volume.handle.info.block_count) * volume.block_size)


def give_unallocated(volume: Volume, spaces: Spaces) -> None:
    """Give the unallocated space of a volume: from its own map, else what no record occupies."""
    try:
        free = free_map(volume)
    except InputError as error:
        spaces.nothing("unallocated", error)
        return
    if free is not None:
        spaces.unallocated(free, "bitmap")
    elif volume.plain_blocks:
        spaces.unallocated(_unclaimed(volume), "runs")
    else:
        spaces.nothing("unallocated")


def slack_of(volume: Volume, inode: int) -> list[tuple[Run, dict[str, Any]]]:
    """Return what lies between the end of each stream of a record and the end of its blocks."""
    from evkit.inventory.streams import wanted

    try:
        file = volume.handle.open_meta(inode)
        meta = file.info.meta
        attributes = list(file)
    except native.ERRORS:
        return []  # its stream row says so
    if not int(meta.flags) & native.META_ALLOCATED or not volume.plain_blocks:
        return []
    found = []
    for attribute in attributes:
        bits = int(attribute.info.flags)
        plain = bits & native.ATTR_NONRESIDENT and not bits & native.ATTR_COMPRESSED
        if (
            not plain
            or not wanted(int(attribute.info.type), int(meta.type))
            or _bad(inode, attribute)
        ):
            continue
        fields = {
            "inode": inode,
            "seq": int(meta.seq) if volume.has_sequence else 0,
            "attr": int(attribute.info.type),
            "attr_id": int(attribute.info.id),
        }
        found += [(run, fields) for run in _beyond(volume, attribute)]
    return found


def _bad(inode: int, attribute: Native) -> bool:
    return inode == 8 and attribute.info.name == b"$Bad"  # noqa: PLR2004 - $BadClus of NTFS


def _beyond(volume: Volume, attribute: Native) -> Iterator[Run]:
    block, size = volume.block_size, int(attribute.info.size)
    for run in attribute:
        if int(run.flags) & native.RUN_HOLE or int(run.len) <= 0:
            continue
        begin, length = int(run.offset) * block, int(run.len) * block
        skipped = min(max(size - begin, 0), length)
        if skipped < length:
            place = volume.job.offset + int(run.addr) * block
            yield Run(place + skipped, length - skipped)


def _unclaimed(volume: Volume) -> FreeMap:
    """Return the blocks that no record in use occupies."""
    info = volume.handle.info
    total = min(int(info.block_count), volume.job.size // volume.block_size)
    claimed = [(0, 0)]
    first, last = int(info.first_inum), int(info.last_inum)
    for inode in range(first, min(last, first + _MAX_RECORDS) + 1):
        try:
            file = volume.handle.open_meta(inode)
            if not int(file.info.meta.flags) & native.META_ALLOCATED:
                continue
            for attribute in list(file):
                if int(attribute.info.flags) & native.ATTR_NONRESIDENT:
                    claimed += [
                        (int(run.addr), int(run.len))
                        for run in attribute
                        if not int(run.flags) & native.RUN_HOLE and int(run.len) > 0
                    ]
        except native.ERRORS:
            continue
        if len(claimed) > MAX_SLACK:
            claimed = merge(claimed)
    inside = [(start, min(length, total - start)) for start, length in merge(claimed)
              if start < total]  # fmt: skip
    return FreeMap(0, volume.block_size, iter(complement(inside, total)))
