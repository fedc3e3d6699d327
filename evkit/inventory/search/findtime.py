"""Looking for times: `FROM..TO`, dates or times with an offset, against times of any zone.

A date means that whole day: of UTC for times in UTC, of the writer's clock for local times of
unknown zone, which are compared as they were written. A time with an offset is a moment; a local
time of unknown zone fits when it can be that moment somewhere on earth (UTC-12 to UTC+14).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

LETTERS = "macb"
_NS = 10**9
_DAY = 86_400 * _NS
_WEST, _EAST = 12 * 3600 * _NS, 14 * 3600 * _NS
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HINT = "write 2026-11-01..2026-11-22, 2026-11-22, or 2026-11-22T14:05:00+05:00.. with an offset"


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """From `first` to before `end`, nanoseconds since 1970; None is open.

    Attributes:
        first, end: for times in UTC.
        local_first, local_end: for local times of unknown zone, given as if they were UTC.
        widened: a bound has an offset, so that such times may lie outside although they fit.
    """

    first: int | None
    end: int | None
    local_first: int | None
    local_end: int | None
    widened: bool

    def holds(self, value: int, zone: str) -> bool:
        """Say whether a time lies in the range, or can."""
        if zone == "utc":
            first, end = self.first, self.end
        else:
            first, end = self.local_first, self.local_end
        return (first is None or value >= first) and (end is None or value < end)

    def fits(self, name: Mapping[str, Any], letters: str = LETTERS) -> bool:
        """Say whether one of the times of a name row that are asked for lies in the range."""
        zone = name.get("zone", "utc")
        return any(
            letter in letters and self.holds(int(text), zone)
            for letter, text in name.get("times", {}).items()
        )


def parse_times(text: str) -> TimeRange:
    """Read `FROM..TO`, `FROM..`, `..TO`, or one day or moment.

    Raises:
        UsageError: the text is no such range, or an empty one.
    """
    first_text, dots, end_text = text.strip().partition("..")
    if not first_text and not end_text:
        raise UsageError(f"`{escape(text)}` is not a range of times", hint=_HINT)
    first = _bound(first_text, text) if first_text else None
    last = _bound(end_text if dots else first_text, text) if end_text or not dots else None
    begin, local_begin = (None, None) if first is None else (first[0], first[0] - first[2])
    end, local_end = (None, None) if last is None else (last[1], last[1] + last[3])
    if begin is not None and end is not None and begin >= end:
        raise UsageError(f"`{escape(text)}` is an empty range")
    return TimeRange(
        first=begin,
        end=end,
        local_first=local_begin,
        local_end=local_end,
        widened=any(bound is not None and bound[2] for bound in (first, last)),
    )


def parse_letters(text: str) -> str:
    """Read which times count: letters of `macb`, also with commas.

    Raises:
        UsageError: another letter, or none.
    """
    found = text.replace(",", "").replace(" ", "").lower()
    if not found or set(found) - set(LETTERS):
        raise UsageError(
            f"`{escape(text)}` does not name times",
            hint="give one or more of m (content), a (access), c (record), b (created)",
        )
    return "".join(letter for letter in LETTERS if letter in found)


def _bound(text: str, whole: str) -> tuple[int, int, int, int]:
    """Return (beginning, end, how far a local time may lie before, how far behind)."""
    try:
        if _DATE.fullmatch(text):
            day = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
            begin = _ns(day)
            return begin, begin + _DAY, 0, 0
        moment = _ns(clock.parse(text))
    except (ValueError, InputError) as error:
        raise UsageError(f"`{escape(whole)}` is not a range of times", hint=_HINT) from error
    return moment, moment + 1, _WEST, _EAST


def _ns(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1) * 1000
