"""A rescue into a raw image: passes over a failing medium, bytes to their places, map on disk."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine, mapfile
from evkit.acquire.attempts import TOO_MANY
from evkit.acquire.medium import OpenedMedium
from evkit.acquire.output.branch import Written
from evkit.acquire.output.checkpoint import MAP as MAP_PART
from evkit.acquire.output.rawout import Places, parts_of
from evkit.acquire.rescue import DONE, Policy, Rescue
from evkit.core import clock, durable
from evkit.core.errors import InputError, InterruptedByUserError
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.hashing import pieces
from evkit.hashing.digests import digest_file
from evkit.images.raw import RawImage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.acquire.engine import Tally
    from evkit.acquire.imaging import Order
    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.rescue import Report
    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop
    from evkit.core.progress import Progress

TASK, FILL = "rescue", "take over"
SAVE_SECONDS = 5.0
SMALL = 50_000  # small reads whose digests are kept at most
_STOPPED = "stopped"


class Passes:
    """One rescue.

    Args:
        opened: the source.
        order: where to, and how hard to try.
        chart: where each range stands; it changes as the work goes on.
        tally: takes the pieces of blocks that are read whole.
        progress: hears how much is read.
        saved: what checkpoints saved before, and the function that saves more.

    Attributes:
        storm: what was begun as an E01 goes on as this raw image.
        small_reads: reads of single sectors.
        report: what the passes did, None before their end.
    """

    def __init__(
        self,
        opened: Opened,
        order: Order,
        chart: RescueMap,
        tally: Tally,
        progress: Progress,
        saved: tuple[Mapping[str, Any], Callable[[dict[str, Any]], None]],
    ) -> None:
        self.storm = saved[0].get("storm") is True
        self.small_reads = 0
        self.report: Report | None = None
        self._order = order
        self._chart = chart
        self._tally = tally
        self._progress = progress
        self._state = {key: value for key, value in saved[0].items() if key == "blocks"}
        self._save = saved[1]
        self._medium = OpenedMedium(opened)
        self._places: Places | None = None
        self.size = chart.size
        self._parts = list(parts_of(chart.size, order.split))
        self.names = [name for name, _ in self._parts]
        self._wrong: list[tuple[int, int]] = []
        self._small: dict[int, tuple[int, bytes]] = {}
        self._saved = clock.monotonic()

    def open(self, *, again: bool) -> None:
        """Open the files of the image; `again` goes on with those that are there.

        Raises:
            StorageError: no destination is left.
        """
        order = self._order
        self._places = Places(order.branches, self._chart.size, order.split, again=again)

    def fill(self, image: bytes) -> None:
        """Take over what the map says was read by another tool.

        Raises:
            InputError: that image cannot be read, or is shorter than its map says.
        """
        self._progress.begin(FILL, self._chart.total(mapfile.FINISHED))
        done = 0
        try:
            with open(image, "rb", buffering=0) as handle:
                for offset, length in list(self._chart.ranges(mapfile.FINISHED)):
                    for at in range(offset, offset + length, engine.BLOCK):
                        count = min(engine.BLOCK, offset + length - at)
                        data = os.pread(handle.fileno(), count, at)
                        if len(data) < count:
                            raise InputError(
                                f"`{escape_bytes(image)}` ends at byte {at + len(data)}, its map "
                                "says that more was read",
                                hint="is it the map of another rescue?",
                            )
                        if data.strip(b"\0"):
                            self._put(at, memoryview(data))
                        done += count
                        self._progress.update(FILL, done)
        except OSError as error:
            raise InputError(
                f"cannot read `{escape_bytes(image)}`: {error.strerror or error}"
            ) from error
        self._progress.end(FILL, done)

    @property
    def done(self) -> int:
        """Bytes that were read so far."""
        return self._chart.total(mapfile.FINISHED)

    def run(self, stop: Stop) -> None:
        """Read what the map does not have.

        Raises:
            StorageError: the device is gone, or no destination is left.
            InterruptedByUserError: the user stops; the map is saved.
        """
        self._progress.begin(TASK, self._chart.size)
        self.keep()
        rescue = Rescue(self._medium, self._chart, self._order.policy or Policy())
        report = self.report = rescue.run(self._take, self._maybe_keep, lambda: stop.asked)
        self.small_reads = report.sector_reads
        self.keep()
        self._progress.end(TASK, self.done)
        if report.ended == _STOPPED:
            raise InterruptedByUserError("stopped by the user")
        if report.ended != DONE:
            lost = in_words(self._chart.size - self.done)
            many = ": too many separate places fail for a map" if report.ended == TOO_MANY else ""
            self._progress.warn(f"gave up with {lost} not read{many}")

    def keep(self) -> None:
        """Make the bytes durable, then the map, then say so in the journal.

        Raises:
            StorageError: no destination is left.
        """
        if self._places is not None:
            self._places.sync()
            self._compare_small()
        path = os.path.join(self._order.folder, MAP_PART)
        durable.replace(path, mapfile.encode(self._chart), mode=0o600)
        state = {**self._state, "map": True, "at": self.done}
        self._save({**state, "storm": True} if self.storm else state)
        self._saved = clock.monotonic()

    def blank(self) -> None:
        """Make zeros of what was not read, whatever another tool or a stopped run put there.

        Raises:
            StorageError: no destination is left.
        """
        if self._places is None:
            return
        for offset, length in self._chart.ranges(*mapfile.UNREAD):
            self._places.clear(offset, length)
        self._places.sync()

    def close(self) -> None:
        """Close the files of the image."""
        if self._places is not None:
            self._places.close()
        self._medium.close()

    def differing(self, read: Callable[[int, int], bytes]) -> list[tuple[int, int]]:
        """Return where the image does not hold what small reads of this run gave."""
        for offset, (length, digest) in sorted(self._small.items()):
            if hashlib.sha256(read(offset, length)).digest() != digest:
                self._wrong.append((offset, length))
        self._small.clear()
        return self._wrong

    def files(self) -> list[Written]:
        """Return the files of the image; those of several parts are digested."""
        branch = next(one for one in self._order.branches if one.error is None)
        found = []
        for name, size in self._parts:
            digest = None
            if self._order.split is not None:
                digest = digest_file(branch.part(name), ("sha256",))[1]["sha256"]
            found.append(Written(name=name, size=size, sha256=digest))
        return found

    def _take(self, offset: int, view: memoryview) -> None:
        self._put(offset, view)
        number, inside = divmod(offset, engine.BLOCK)
        whole = not inside and len(view) == min(engine.BLOCK, self._chart.size - offset)
        if whole:
            leaves = None if self._tally.leaves is None else bytearray()
            self._tally.nodes[number] = pieces.hash_groups(view, leaves)
            if leaves is not None and self._tally.leaves is not None:
                self._tally.leaves[number] = bytes(leaves)
        else:
            self._small[offset] = (len(view), hashlib.sha256(view).digest())
        self._progress.update(TASK, self.done)

    def _put(self, offset: int, view: memoryview) -> None:
        if self._places is not None:
            self._places.put(offset, view)

    def _compare_small(self) -> None:
        """Compare and forget: a failing disk gives millions of small reads."""
        if not self._small:
            return
        branch = next((one for one in self._order.branches if one.error is None), None)
        if branch is None:
            return
        with RawImage([branch.part(name) for name in self.names]) as image:
            self.differing(image.read)

    def _maybe_keep(self) -> None:
        full = len(self._small) >= SMALL
        if full or clock.monotonic() - self._saved > SAVE_SECONDS:
            self.keep()
