"""Times counted in bins whose width grows until they fit: hours, then days, then longer.

The final width depends on the times alone and not on their order, so that a page is the same
whenever it is made.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR, DAY = 3600, 86_400
WIDTHS = (HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY, 3640 * DAY)
MOST = 20_000  # bins of one series
LETTERS = "macb"
NS = 10**9


class Series:
    """How many times lie in each bin; bin `i` of width `w` is [i·w, i·w + w) seconds since 1970."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._level = 0
        self._bins: Counter[int] = Counter()
        self.count = 0

    def add(self, nanoseconds: int) -> None:
        """Count one time."""
        self.count += 1
        self._bins[nanoseconds // (self.width * NS)] += 1
        while len(self._bins) > self._most and self._level + 1 < len(WIDTHS):
            self._coarser()

    @property
    def width(self) -> int:
        """Width of a bin in seconds."""
        return WIDTHS[self._level]

    def bins(self) -> list[tuple[int, int]]:
        """Return (number of the bin, count) in order of time."""
        return sorted(self._bins.items())

    def years(self) -> Counter[int]:
        """Return counts by year (UTC) of the beginning of a bin."""
        found: Counter[int] = Counter()
        for number, count in self._bins.items():
            found[_year(number * self.width)] += count
        return found

    def document(self) -> dict[str, Any]:
        """Return width, and (distance from the bin before, count) one after the other."""
        flat: list[int] = []
        last = 0
        for number, count in self.bins():
            flat += (number - last, count)
            last = number
        return {"width": self.width, "bins": flat}

    def _coarser(self) -> None:
        old = self.width
        self._level += 1
        merged: Counter[int] = Counter()
        for number, count in self._bins.items():
            merged[number * old // self.width] += count
        self._bins = merged


class Activity:
    """The series of an inventory, by zone and letter; local times of unknown zone stay apart."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.series: dict[tuple[str, str], Series] = {}

    def take(self, name: Mapping[str, Any]) -> None:
        """Count the times of a name row."""
        times = name.get("times")
        if not times:
            return
        zone = str(name.get("zone", "utc"))
        for letter, text in times.items():
            key = (zone, letter)
            if key not in self.series:
                self.series[key] = Series(self._most)
            self.series[key].add(int(text))

    def document(self) -> dict[str, dict[str, Any]]:
        """Return zone -> letter -> series."""
        found: dict[str, dict[str, Any]] = {}
        for zone, letter in sorted(self.series):
            found.setdefault(zone, {})[letter] = self.series[zone, letter].document()
        return found

    def years(self) -> list[tuple[str, list[tuple[int, list[int]]]]]:
        """Return, by zone, (year, counts of m, a, c, b); for readers without script."""
        found = []
        for zone in sorted({zone for zone, _ in self.series}):
            by_letter = {
                letter: self.series[zone, letter].years()
                for letter in LETTERS
                if (zone, letter) in self.series
            }
            all_years = sorted({year for counts in by_letter.values() for year in counts})
            rows = [
                (year, [by_letter.get(letter, Counter())[year] for letter in LETTERS])
                for year in all_years
            ]
            found.append((zone, rows))
        return found


def _year(seconds: int) -> int:
    """Return the year (proleptic Gregorian) of seconds since 1970."""
    days = seconds // DAY + 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return int(year + era * 400 + ((5 * of_year + 2) // 153 >= 10))  # noqa: PLR2004 - January on
