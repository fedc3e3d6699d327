"""The only source of time. Everything that stamps, waits or measures asks this module.

A station's clock is a claim, not a proof: an `Instant` carries the offset of the place and the
source of the time, and the ledger bounds it by the anchors before and after.
"""

from __future__ import annotations

import datetime as _dt
import os
import re
import time as _time
from typing import NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape

FIXED = "EVKIT_CLOCK"  # tests and reproducible documents: an RFC 3339 time that never moves
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)


class Instant(NamedTuple):
    """A point in time as a station states it.

    Attributes:
        utc: aware datetime in UTC.
        offset: local offset as `+05:00`.
        source: `system` or `fixed` (test clock).
    """

    utc: _dt.datetime
    offset: str
    source: str

    def text(self) -> str:
        """Return UTC as RFC 3339 with milliseconds and `Z`."""
        return format_utc(self.utc)

    @property
    def posix(self) -> int:
        """Whole seconds since 1970 UTC."""
        return int(self.utc.timestamp())

    @property
    def offset_minutes(self) -> int:
        """Minutes east of UTC."""
        sign = -1 if self.offset.startswith("-") else 1
        hours, minutes = self.offset[1:].split(":")
        return sign * (int(hours) * 60 + int(minutes))

    def local(self) -> str:
        """Return the local time of the station as RFC 3339 with its offset, whole seconds."""
        sign = -1 if self.offset.startswith("-") else 1
        hours, minutes = self.offset[1:].split(":")
        delta = _dt.timedelta(hours=int(hours), minutes=int(minutes)) * sign
        return (self.utc + delta).replace(tzinfo=None).isoformat(timespec="seconds") + self.offset


def now() -> Instant:
    """Return the present moment with the offset of the local time zone."""
    fixed = os.environ.get(FIXED)
    if fixed:
        moment = parse(fixed)
        return Instant(moment.astimezone(_dt.UTC), _offset(moment), "fixed")
    local = _dt.datetime.now(_dt.UTC).astimezone()
    return Instant(local.astimezone(_dt.UTC), _offset(local), "system")


def monotonic() -> float:
    """Return seconds from an arbitrary start that never go backwards; for measuring only."""
    return _time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    _time.sleep(seconds)


def format_utc(moment: _dt.datetime) -> str:
    """Return an aware datetime as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    moment = moment.astimezone(_dt.UTC)  # the C library's %Y has no leading zeros
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def format_ns(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 UTC as RFC 3339 with nine decimals and `Z`.

    Raises:
        InputError: it is outside the years 1 to 9999.
    """
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        moment = _dt.datetime(1970, 1, 1) + _dt.timedelta(seconds=seconds)  # noqa: DTZ001 - UTC
    except OverflowError as error:
        raise InputError("a time is outside the years 1 to 9999") from error
    return f"{moment.isoformat(timespec='seconds')}.{rest:09d}Z"


def parse(text: str) -> _dt.datetime:
    """Read RFC 3339 strictly (ASCII digits, an offset is required, no leap second, no hour 24).

    Raises:
        InputError: the text is not a valid time, or in UTC not one of the years 1 to 9999.
    """
    if _RFC3339.fullmatch(text) is None:
        raise InputError(
            f"`{escape(text)}` is not a time like 2026-11-22T14:05:00+05:00",
            hint="give date, time and offset; `Z` means UTC",
        )
    try:
        moment = _dt.datetime.fromisoformat(text)
        moment.astimezone(_dt.UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"`{text}` is not a valid time: {error}") from error
    return moment


def _offset(moment: _dt.datetime) -> str:
    delta = moment.utcoffset() or _dt.timedelta()
    minutes = round(delta.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{sign}{hours:02d}:{rest:02d}"
