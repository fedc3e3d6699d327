"""When was an entry made? Its own clock is a claim; the order of the ledger bounds it.

An entry names the certificate that signed it, so it was made after the certificate. An entry that
stands after it in the ledger was made later. So one later entry whose time lies within a validity
shows that the entry was made within it too, whatever a clock with an empty battery said.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from evkit.ledger.event import Entry


class Placed(Enum):
    """How an entry lies to a validity."""

    INSIDE = "its own time lies inside"
    BRACKETED = "its own time lies outside, that of a later entry inside"
    OPEN = "its own time lies outside, and the entries around it do not decide"
    OUTSIDE = "its own time lies outside, as those of the entries around it"


class Times:
    """The stated times of the entries at hand, in the order of the ledger."""

    def __init__(self, entries: Mapping[int, Entry]) -> None:
        self._order = sorted(entries)
        self._at = {index: entries[index].event.recorded.moment() for index in self._order}

    @property
    def end(self) -> int:
        """An index after all entries."""
        return self._order[-1] + 1 if self._order else 0

    def at(self, index: int) -> dt.datetime:
        """Return the stated time of an entry."""
        return self._at[index]

    def within(self, start: dt.datetime, end: dt.datetime) -> Window:
        """Return what places entries in a validity; both ends belong to it."""
        inside = [index for index in self._order if start <= self._at[index] <= end]
        return Window(self, start, end, (inside[0], inside[-1]) if inside else None)

    def earlier_reach(self, index: int, moment: dt.datetime) -> bool:
        """Say whether an entry before this one states `moment` or later."""
        return any(self._at[other] >= moment for other in self._order if other < index)

    def later_precede(self, index: int, moment: dt.datetime) -> bool:
        """Say whether an entry after this one states a time before `moment`."""
        return any(self._at[other] < moment for other in self._order if other > index)

    def beside(self, index: int) -> list[dt.datetime]:
        """Return the times of the entries next to this one, before and after."""
        before = [other for other in self._order if other < index][-1:]
        after = [other for other in self._order if other > index][:1]
        return [self._at[other] for other in (*before, *after)]


class Window:
    """One validity among the times of a ledger."""

    def __init__(
        self, times: Times, start: dt.datetime, end: dt.datetime, inside: tuple[int, int] | None
    ) -> None:
        self._times = times
        self.start, self.end = start, end
        self._inside = inside

    def place(self, index: int, moment: dt.datetime | None = None) -> Placed:
        """Place an entry, or something made at `moment` when the ledger had `index` entries."""
        at = self._times.at(index) if moment is None else moment
        if self.start <= at <= self.end:
            return Placed.INSIDE
        first, last = self._inside or (index, index)
        if last > index:
            return Placed.BRACKETED
        early = at < self.start
        if early and first < index:
            return Placed.OPEN
        beside = self._times.beside(index)
        same = [other < self.start if early else other > self.end for other in beside]
        return Placed.OUTSIDE if same and all(same) else Placed.OPEN
