"""Single reads of a rescue: one goes to the taker and into the map, or it fails and is counted.

Which read comes next is decided in `evkit.acquire.rescue`. A device that went away may answer every
read with the error of a bad sector; so after many failures in a row a place that was readable
before is read again, and if that fails too the failures are taken back and the work ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire.mapfile import BAD, FINISHED, MAX_RANGES
from evkit.core import aligned, clock
from evkit.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.medium import Medium

STOPPED, GAVE_UP, TOO_MANY = "stopped", "gave-up", "too-many-places"
_SPARE = 64  # ranges that one read and what is taken back after it can add
DOUBT = 32  # failures in a row


class HaltError(Exception):
    """The work ends between two reads; carries `stopped`, `gave-up` or `too-many-places`."""


class NoMoreError(Exception):
    """The medium ended before the size that it stated; the map says so by now."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What a rescue calls.

    Attributes:
        take: receives (offset, bytes) of what was read.
        checkpoint: called after each change of the map.
        stop: asked before each read; True ends the work.
    """

    take: Callable[[int, memoryview], None]
    checkpoint: Callable[[], None]
    stop: Callable[[], bool]


class Attempts:
    """Reads from a medium and keeps the map.

    Args:
        medium: what is read.
        rescue_map: where the work stands.
        calls: who takes what was read.
        block: bytes of the longest read.
        give_up_seconds: limit of `trouble`, or None.

    Attributes:
        reads: reads of many sectors.
        sector_reads: reads of single sectors.
        failed: reads of both kinds that gave nothing.
        ends_at: the medium has no more from here, or None.
    """

    def __init__(
        self,
        medium: Medium,
        rescue_map: RescueMap,
        calls: Calls,
        block: int,
        give_up_seconds: float | None,
    ) -> None:
        self._medium = medium
        self._map = rescue_map
        self._calls = calls
        self._block = block
        self._limit = give_up_seconds
        self._sector = medium.sector_size
        self._held: memoryview | None = None
        self._trouble = 0.0
        self._began: float | None = None
        self._good: int | None = None  # a sector that could be read
        self._doubtful: list[tuple[int, int, str]] = []  # failures in a row, their status before
        self.reads = self.sector_reads = self.failed = 0
        self.ends_at: int | None = None

    def trouble(self) -> float:
        """Return the seconds for failed reads, and for everything since `only_trouble_left`."""
        since = 0.0 if self._began is None else clock.monotonic() - self._began
        return self._trouble + since

    def only_trouble_left(self) -> None:
        """Count all time from now on as trouble."""
        self._began = clock.monotonic()

    def stand(self, phase: str, number: int, position: int) -> None:
        """Note where the work stands, before a read.

        Raises:
            HaltError: it is to end here.
        """
        chart = self._map
        chart.phase, chart.number, chart.position = phase, number, position
        if self._calls.stop():
            raise HaltError(STOPPED)
        if len(chart) > MAX_RANGES - _SPARE:
            raise HaltError(TOO_MANY)
        if self._limit is not None:
            spent = self.trouble()
            if spent and spent >= self._limit:
                raise HaltError(GAVE_UP)

    def copy(self, offset: int, length: int) -> int:
        """Read and hand on what can be had from `offset`; 0 when that is nothing.

        Raises:
            NoMoreError: the medium has nothing there.
            StorageError: the device is gone.
        """
        lead = offset % self._sector
        wanted = lead + length
        wanted += -wanted % self._sector
        whole = self._whole()
        self.reads += 1
        before = clock.monotonic()
        try:
            count = self._medium.read(offset - lead, whole[:wanted])
        except OSError:
            count = -1
        got = min(count - lead, length)
        if got > 0:
            self._give(offset, whole[lead : lead + got])
            return got
        self.failed += 1
        if self._began is None:
            self._trouble += clock.monotonic() - before
        if count >= 0:
            self._end_at(offset - lead + count)
        return 0

    def sector(self, offset: int, length: int) -> bool:
        """Read the bytes of one sector that the map does not have; mark them as read or bad.

        Raises:
            NoMoreError: the medium has nothing there.
            StorageError: the device is gone.
        """
        lead = offset % self._sector
        whole = self._whole()
        self.sector_reads += 1
        try:
            count = self._medium.read_sector(offset - lead, whole[: self._sector])
        except OSError:
            count = -1
        got = min(count - lead, length)
        if got > 0:
            self._give(offset, whole[lead : lead + got])
        if got == length:
            return True
        self.failed += 1
        if count >= 0:
            self._end_at(offset - lead + count)
        self.fail(offset, length, BAD)
        return False

    def fail(self, offset: int, length: int, status: str) -> None:
        """Change the map where a read failed in a pass over ranges of the present phase.

        Raises:
            StorageError: the medium answers no more at all.
        """
        self._doubtful.append((offset, length, self._map.phase))
        self.mark(offset, length, status)
        if len(self._doubtful) >= DOUBT:
            self.settle()

    def settle(self) -> None:
        """When reads failed in a row: see whether the medium answers at all.

        Raises:
            StorageError: it does not; the failures are taken back.
        """
        places = self._readable()
        if self._doubtful and places:
            self._ask_again(places)

    def _readable(self) -> list[int]:
        """Return sectors that were readable, in this run or else in an earlier one."""
        if self._good is not None:
            return [self._good]
        if len(self._doubtful) < DOUBT:
            return []
        found = [sum(one) - 1 for one in self._map.ranges(FINISHED)]
        chosen = dict.fromkeys([*found[:1], *found[len(found) // 2 :][:1], *found[-1:]])
        return [at // self._sector * self._sector for at in chosen]

    def mark(self, offset: int, length: int, status: str) -> None:
        """Change the map."""
        self._map.mark(offset, length, status)
        self._calls.checkpoint()

    def _whole(self) -> memoryview:
        """Return the buffer of all reads, aligned to a page."""
        if self._held is None:
            self._held = memoryview(aligned.buffers(1, self._block)[0])
        return self._held

    def _give(self, offset: int, view: memoryview) -> None:
        self._calls.take(offset, view)
        self._good = (offset + len(view) - 1) // self._sector * self._sector
        self._doubtful.clear()
        self.mark(offset, len(view), FINISHED)

    def _ask_again(self, offsets: list[int]) -> None:
        """Read sectors that were readable; what failed since then was not bad if they fail too."""
        for offset in offsets:
            self.sector_reads += 1
            try:
                self._medium.read_sector(offset, self._whole()[: self._sector])
            except OSError:
                self.failed += 1
            else:
                self._doubtful.clear()
                return
        for start, length, before in self._doubtful:
            self.mark(start, length, before)
        raise StorageError(
            f"the source answers no more: byte {offsets[0]}, which was read before, fails too",
            hint="what was read so far is kept; check power and cable, then go on",
        )

    def _end_at(self, offset: int) -> None:
        """All from `offset` on is bad: there is no medium."""
        if self.ends_at is None or offset < self.ends_at:
            self.ends_at = offset
        self._map.spoil(offset)
        self._calls.checkpoint()
        raise NoMoreError
