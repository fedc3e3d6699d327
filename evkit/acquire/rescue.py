"""The passes of a rescue: what reads well first, then ever smaller, until each sector has answered.

1. copy forward in large blocks; after an error skip ahead in growing steps,
2. copy what was skipped, backwards, skipping likewise; 3. what is still untried, without skipping,
4. trim: single sectors from both edges of a block that failed, up to the first bad one,
5. scrape: single sectors between, 6. try bad sectors again as often as the policy says.

A medium without errors is read in pass 1 alone, in order, in blocks of `Policy.block`. No threads
and no files: bytes go to the caller, what is known stands in the map at every moment, so a rescue
goes on from its map after any stop. `docs/spec/rescue-map.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire.attempts import Attempts, Calls, HaltError, NoMoreError
from evkit.acquire.mapfile import BAD, FINISHED, NON_SCRAPED, NON_TRIMMED, UNTRIED
from evkit.core import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.medium import Medium

DONE = "done"
_SKIP_PART = 100  # no step over 1 % of the medium


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How hard to try.

    Attributes:
        block: bytes of a read where all is well; `small` doubled any number of times.
        small: bytes of a read after an error; the unit in which errors are first known.
        skip_min: first step ahead after an error; it doubles with each error that follows.
        skip_max: longest step; never over 1 % of the medium.
        retries: rounds over bad sectors at the end.
        give_up_seconds: time for failed reads of pass 1 and everything after it; None for ever.
    """

    block: int = aligned.BLOCK
    small: int = 64 << 10
    skip_min: int = 64 << 10
    skip_max: int = 1 << 30
    retries: int = 0
    give_up_seconds: float | None = None

    def __post_init__(self) -> None:
        times, rest = divmod(self.block, self.small)
        if rest or times < 1 or times & (times - 1) or self.small % aligned.ALIGNMENT:
            raise ValueError("block is not small doubled, or small is not a page")
        if not 0 < self.skip_min <= self.skip_max or self.skip_min % aligned.ALIGNMENT:
            raise ValueError("the steps are out of range or not whole pages")

    def longer(self, skip: int, size: int) -> int:
        """Return the step that follows `skip` on a medium of `size` bytes."""
        most = min(self.skip_max, max(size // _SKIP_PART, self.skip_min))
        return min(skip * 2, most - most % aligned.ALIGNMENT)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run did; what it found is in the map.

    Attributes:
        ended: `done` (every sector is read or bad), `stopped`, `gave-up` or `too-many-places` (the
            map would have more ranges than are read).
        reads: large reads that were made.
        sector_reads: reads of single sectors.
        failed: reads of both kinds that gave nothing.
        trouble_seconds: time for failed reads of pass 1 and everything after it.
        ends_at: the medium gave no more bytes from here, although it stated a larger size; None
            when no such place was met.
    """

    ended: str
    reads: int
    sector_reads: int
    failed: int
    trouble_seconds: float
    ends_at: int | None


class Rescue:
    """One run over a medium and its map.

    Args:
        medium: what is read.
        rescue_map: where the work stands; of the medium's size. It changes as the work goes on.
        policy: how hard to try.
    """

    def __init__(
        self,
        medium: Medium,
        rescue_map: RescueMap,
        policy: Policy | None = None,
    ) -> None:
        if rescue_map.size != medium.size:
            raise ValueError("the map is not of the medium's size")
        self.map = rescue_map
        self.policy = policy or Policy()
        self._medium = medium

    def run(
        self,
        take: Callable[[int, memoryview], None],
        on_checkpoint: Callable[[], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Report:
        """Read what the map does not have, until there is an answer for every sector.

        Args:
            take: receives (offset, bytes) of everything that was read, each byte once, in pass 1
                in order. The bytes are its own only until it returns; they lie at the start of a
                buffer that is aligned to a page unless the map began within a sector.
            on_checkpoint: called after each change of the map. All that is marked as read then
                was taken; whoever saves the map has to make the bytes durable first.
            stop: asked before each read; True ends the run.

        Raises:
            StorageError: the device is gone; the map stands as it was before that read. What
                `take` raises passes through in the same way.
        """
        calls = Calls(
            take=take,
            checkpoint=on_checkpoint or _nothing,
            stop=stop or _never,
        )
        policy = self.policy
        attempts = Attempts(self._medium, self.map, calls, policy.block, policy.give_up_seconds)
        try:
            _Passes(attempts, self.map, policy, self._medium.sector_size).all()
            ended = DONE
        except HaltError as halt:
            ended = str(halt)
        attempts.settle()
        return Report(
            ended=ended,
            reads=attempts.reads,
            sector_reads=attempts.sector_reads,
            failed=attempts.failed,
            trouble_seconds=attempts.trouble(),
            ends_at=attempts.ends_at,
        )


class _Passes:
    """Which read comes next."""

    def __init__(
        self, attempts: Attempts, rescue_map: RescueMap, policy: Policy, sector: int
    ) -> None:
        self._attempts = attempts
        self._map = rescue_map
        self._policy = policy
        self._sector = sector

    def all(self) -> None:
        chart = self._map
        phase, number, position = chart.phase, chart.number, chart.position
        if phase != UNTRIED or number == 1:
            self._forward(1, position if phase == UNTRIED else 0, skipping=True)
        self._attempts.only_trouble_left()
        self._backward()
        self._forward(3, 0, skipping=False)
        self._each(NON_TRIMMED, self._trim)
        self._each(NON_SCRAPED, self._scrape)
        if phase != BAD:
            number, position = 1, 0
        for again in range(number, self._policy.retries + 1):
            self._retry(again, position)
            position = 0
        chart.phase, chart.number, chart.position = FINISHED, 1, 0

    def _forward(self, number: int, at: int, *, skipping: bool) -> None:
        policy, chart = self._policy, self._map
        reach, skip = policy.block, policy.skip_min
        wary = 0  # up to here something is known to fail: no larger reads, each failure takes long
        while (found := chart.next(UNTRIED, at)) is not None:
            at, left = found
            length = min(left, reach - at % reach)
            self._attempts.stand(UNTRIED, number, at)
            try:
                got = self._attempts.copy(at, length)
            except NoMoreError:
                continue
            if got < length and length > policy.small:
                reach, wary = policy.small, at + length
            elif got:
                reach = policy.small if at + got < wary else min(reach * 2, policy.block)
            else:
                self._attempts.fail(at, length, NON_TRIMMED)
                at, wary = at + length, 0
                if skipping:
                    at += skip
                    skip = policy.longer(skip, chart.size)
            if got:
                at += got
                skip = policy.skip_min

    def _backward(self) -> None:
        policy, chart = self._policy, self._map
        end, reach, skip = chart.size, policy.block, policy.skip_min
        wary = end  # down to here something is known to fail
        while (found := chart.previous(UNTRIED, end)) is not None:
            end = sum(found)
            at = max(found[0], (end - 1) // reach * reach)
            length = end - at
            self._attempts.stand(UNTRIED, 2, end)
            try:
                got = self._attempts.copy(at, length)
            except NoMoreError:
                continue
            if got < length and length > policy.small:
                reach, wary = policy.small, at + got
            elif got == length:
                reach = policy.small if at > wary else min(reach * 2, policy.block)
                end, skip = at, policy.skip_min
            elif not got:
                self._attempts.fail(at, length, NON_TRIMMED)
                end, wary = at - skip, chart.size
                skip = policy.longer(skip, chart.size)

    def _each(self, status: str, work: Callable[[int, int], None]) -> None:
        at = 0
        while (found := self._map.next(status, at)) is not None:
            at = found[0]
            try:
                work(*found)
            except NoMoreError:
                continue
            at = sum(found)

    def _trim(self, offset: int, length: int) -> None:
        end = offset + length
        for at, size in self._sectors(offset, end):
            offset = at + size
            if not self._try(NON_TRIMMED, at, size):
                break
        while end > offset:
            at = max(offset, (end - 1) // self._sector * self._sector)
            good = self._try(NON_TRIMMED, at, end - at)
            end = at
            if not good:
                break
        if end > offset:
            self._attempts.mark(offset, end - offset, NON_SCRAPED)

    def _scrape(self, offset: int, length: int) -> None:
        for at, size in self._sectors(offset, offset + length):
            self._try(NON_SCRAPED, at, size)

    def _retry(self, number: int, at: int) -> None:
        while (found := self._map.next(BAD, at)) is not None:
            at = sum(found)
            for start, size in self._sectors(found[0], at):
                try:
                    self._try(BAD, start, size, number)
                except NoMoreError:
                    return

    def _try(self, phase: str, offset: int, length: int, number: int = 1) -> bool:
        self._attempts.stand(phase, number, offset)
        return self._attempts.sector(offset, length)

    def _sectors(self, offset: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of the sectors in a range; the first and last may be parts."""
        while offset < end:
            size = min(self._sector - offset % self._sector, end - offset)
            yield offset, size
            offset += size


def _nothing() -> None:
    """Do nothing."""


def _never() -> bool:
    return False
