"""Stated times: what an officer types, how exact it is, and the span that it leaves open.

A statement is kept as the first instant of its span in UTC together with its precision, so
`2026-11-22` in Karachi is `2026-11-21T19:00:00.000Z`, precision `day`.
"""

from __future__ import annotations

import datetime as _dt
import re
from dataclasses import dataclass
from typing import NamedTuple

from evkit.core import clock
from evkit.core.errors import InputError, UsageError

PRECISIONS = ("second", "minute", "hour", "day", "month")
_WHEN = re.compile(
    r"(?P<month>[0-9]{4}-[0-9]{2})"
    r"(?:-(?P<day>[0-9]{2})"
    r"(?:[T ](?P<hour>[0-9]{2})"
    r"(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,6})?)?)?)?)?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_HINT = "write 2026-11-22T14:05:00+05:00, 2026-11-22 14:05, 2026-11-22 or 2026-11"
_STEP = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, kw_only=True)
class When:
    """A stated time: `time` as RFC 3339 UTC with milliseconds, and a word of `PRECISIONS`."""

    time: str
    precision: str


class Span(NamedTuple):
    """The first instant a statement allows and the first one it does not, both UTC."""

    start: _dt.datetime
    end: _dt.datetime


def parse_when(text: str, offset: str) -> When:
    """Read a stated time.

    Args:
        text: a time, a day or a month, with or without an offset.
        offset: `+05:00`, used when the text has none.

    Raises:
        UsageError: the text is no such time.
    """
    match = _WHEN.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"`{text}` is not a time", hint=_HINT)
    precision = next(name for name in PRECISIONS if match[name] is not None)
    zone = match["offset"] or offset
    hour, minute, second = (match[name] or "00" for name in ("hour", "minute", "second"))
    full = f"{match['month']}-{match['day'] or '01'}T{hour}:{minute}:{second}{zone}"
    try:
        moment = clock.parse(full)
        return When(time=clock.format_utc(moment), precision=precision)
    except (InputError, OverflowError) as error:
        raise UsageError(f"`{text}` is not a valid time", hint=_HINT) from error


def has_offset(text: str) -> bool:
    """Say whether a stated time names its UTC offset; False for what is no time."""
    match = _WHEN.fullmatch(text.strip())
    return bool(match and match["offset"])


def span(time: str, precision: str) -> Span:
    """Return the span of a statement; an unknown precision counts as a second.

    Raises:
        InputError: `time` is not RFC 3339.
    """
    start = clock.parse(time).astimezone(_dt.UTC)
    seconds = 31 * 86400 if precision == "month" else _STEP.get(precision, 1)
    try:
        return Span(start, start + _dt.timedelta(seconds=seconds))
    except OverflowError:
        return Span(start, start)


def local_text(moment: _dt.datetime, offset: str, precision: str = "minute") -> str:
    """Return a time for people in the zone of `offset`, cut to its precision."""
    shown = local(moment, offset)
    pattern = {
        "month": "%Y-%m",
        "day": "%Y-%m-%d",
        "hour": "%Y-%m-%d %Hh",
        "second": "%Y-%m-%d %H:%M:%S",
    }.get(precision, "%Y-%m-%d %H:%M")
    return shown.strftime(pattern)


def local(moment: _dt.datetime, offset: str) -> _dt.datetime:
    """Return an aware time in the zone of `offset` (`+05:00`); UTC when that is malformed."""
    match = re.fullmatch("([+-])([0-9]{2}):([0-9]{2})", offset, re.ASCII)
    if match is None or int(match[2]) > 23:  # noqa: PLR2004 - hours of a day
        return moment.astimezone(_dt.UTC)
    minutes = int(match[2]) * 60 + int(match[3])
    delta = _dt.timedelta(minutes=-minutes if match[1] == "-" else minutes)
    try:
        return moment.astimezone(_dt.timezone(delta))
    except (OverflowError, ValueError):
        return moment
