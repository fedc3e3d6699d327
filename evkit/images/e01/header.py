"""Case details in an E01: `header2` in any language, `header` in ASCII for old readers.

Both are tables of text, one line of names and one of values, and both are covered by no digest: the
signed manifest is where details count. What a value cannot hold there is replaced, and the names of
replaced or shortened values are returned so that nothing changes unseen.
"""

from __future__ import annotations

import datetime as _dt
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UNITS: Final = 2999  # UTF-16 units of a value; more is cut by EnCase 7
_BREAKS = re.compile("[\x00-\x1f\x7f]")  # tab and line ends part values; NUL ends a text early
_SURROGATE = re.compile("[\ud800-\udfff]")
_ALONE = "\ufffd"
_EPOCH = _dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the text of `header` is local time without a zone

# `header2` and `header` as EnCase 6 orders them; the last line of each stays empty
_NAMES2 = ("a", "c", "n", "e", "t", "md", "sn", "av", "ov", "m", "u", "p", "dc")
_NAMES = ("c", "n", "a", "e", "t", "av", "ov", "m", "u", "p")
_SOURCES2 = (
    "srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n\n"
    "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n\n"
)
_FIELDS = (
    ("a", "description"), ("c", "case_number"), ("n", "evidence_number"), ("e", "examiner"),
    ("t", "notes"), ("md", "model"), ("sn", "serial"), ("av", "tool_version"), ("ov", "system"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the container says about the acquisition.

    Attributes:
        acquired: POSIX seconds, when reading the medium began.
        utc_offset: minutes east of UTC, for the local time that `header` states.
        system_time: POSIX seconds of the system clock, or None for the same.
        tool_version: program and version; EnCase shows 11 characters.
        system: operating system; EnCase shows 23 characters.
    """

    case_number: str = ""
    evidence_number: str = ""
    description: str = ""
    examiner: str = ""
    notes: str = ""
    model: str = ""
    serial: str = ""
    acquired: int
    utc_offset: int = 0
    system_time: int | None = None
    tool_version: str = ""
    system: str = ""


class Headers(NamedTuple):
    """The bodies of the two sections, and the names of values that are not there as given."""

    header2: bytes
    header: bytes
    altered: tuple[str, ...]


def build(details: Details) -> Headers:
    """Return the bodies of `header2` and `header`.

    `altered` names the fields that `header2` holds shortened or with characters replaced; what
    only `header` cannot hold is not named, since readers use it when there is no `header2`.

    Raises:
        UsageError: a time is outside the years 1 to 9999.
    """
    values: dict[str, str] = {}
    altered: list[str] = []
    for name, field in _FIELDS:
        given: str = getattr(details, field)
        values[name] = _fit(_SURROGATE.sub(_ALONE, _BREAKS.sub(" ", given)))
        if values[name] != given:
            altered.append(field)
    system_time = details.acquired if details.system_time is None else details.system_time
    times = {"m": details.acquired, "u": system_time}
    return Headers(
        zlib.compress(_header2(values, times)),
        zlib.compress(_header(values, times, details.utc_offset)),
        tuple(altered),
    )


def _header2(values: dict[str, str], times: dict[str, int]) -> bytes:
    row = values | {name: str(seconds) for name, seconds in times.items()} | {"p": "0", "dc": ""}
    text = f"3\nmain\n{_line(_NAMES2)}\n{_line(row[name] for name in _NAMES2)}\n\n{_SOURCES2}"
    return b"\xff\xfe" + text.encode("utf-16-le")


def _header(values: dict[str, str], times: dict[str, int], utc_offset: int) -> bytes:
    plain = {
        name: value.encode("ascii", "replace").decode("ascii") for name, value in values.items()
    }
    row = plain | {name: _local(at, utc_offset) for name, at in times.items()} | {"p": "0"}
    text = f"1\r\nmain\r\n{_line(_NAMES)}\r\n{_line(row[name] for name in _NAMES)}\r\n\r\n"
    return text.encode("ascii")


def _line(values: tuple[str, ...] | Iterator[str]) -> str:
    return "\t".join(values)


def _local(seconds: int, utc_offset: int) -> str:
    try:
        at = _EPOCH + _dt.timedelta(seconds=seconds, minutes=utc_offset)
    except OverflowError as error:
        raise UsageError(
            f"time `{seconds}` is outside the years 1 to 9999",
            hint="set the clock of this computer",
        ) from error
    return f"{at.year} {at.month} {at.day} {at.hour} {at.minute} {at.second}"


def _fit(value: str) -> str:
    """Cut to `MAX_UNITS` UTF-16 units, never inside a pair."""
    raw = value.encode("utf-16-le")
    return (
        value if len(raw) <= 2 * MAX_UNITS else raw[: 2 * MAX_UNITS].decode("utf-16-le", "ignore")
    )
