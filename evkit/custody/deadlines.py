"""Time limits of a profile: which run, which are met, which are over.

A limit starts with an event of a kind that the profile names (if the event or the registration of
one of its exhibits has the values asked for) or with an event whose field `starts` names it. An
event of the same case whose field `meets` names it, and that was written later, meets it. Closing
the case does not.
"""

from __future__ import annotations

import datetime as _dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.custody.validate import age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.custody.history import Entry
    from evkit.custody.profile import Deadline, Profile
    from evkit.custody.replay import Replay

RUNNING, OVERDUE, MET = "running", "overdue", "met"


@dataclass(frozen=True, kw_only=True)
class Due:
    """One limit that an entry started.

    Attributes:
        due: RFC 3339 UTC.
        state: `running`, `overdue`, or `met` (by `met_by`, perhaps `late`).
    """

    id: str
    case: str
    text: str
    source: str
    started_by: int
    due: str
    state: str
    met_by: int | None = None
    late: bool = False
    left: str = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def sentence(self) -> str:
        """Return one line for people."""
        text = f"{self.case}: {self.text} ({self.id}, {self.source})"
        if self.state == MET:
            return f"{text}: met by entry {self.met_by}" + (", late" if self.late else "")
        word = "over since" if self.state == OVERDUE else "left:"
        return f"{text}: {word} {self.left}, due {self.due}"


def due(replayed: Replay, profile: Profile, now: _dt.datetime) -> list[Due]:
    """Return every limit that was started, the most urgent first, those met last.

    Args:
        replayed: the result of `replay`.
        profile: whose limits count.
        now: aware.
    """
    found: list[Due] = []
    for entry in replayed.entries:
        if entry.case is None:
            continue
        named = _texts(entry, "starts")
        for limit in profile.deadlines:
            if limit.id in named or _starts(limit, entry, replayed):
                later = [e for e in replayed.entries if e.case == entry.case]
                found.append(_due(limit, entry, later, now))
    return sorted(found, key=lambda item: (item.state == MET, item.due, item.started_by))


def _starts(limit: Deadline, entry: Entry, replayed: Replay) -> bool:
    if entry.kind not in limit.after:
        return False
    for name, wanted in limit.when.items():
        values = [_value(entry, name)]
        for ref in entry.exhibits:
            exhibit = replayed.state.exhibit(ref)
            values.append(exhibit.fields.get(name) if exhibit else None)
        if not any(value in wanted for value in values):
            return False
    return True


def _due(limit: Deadline, entry: Entry, case: Sequence[Entry], now: _dt.datetime) -> Due:
    start = clock.parse(entry.happened or entry.recorded)
    try:
        end = start + _dt.timedelta(hours=limit.hours)
    except OverflowError:
        end = start
    met = next((e for e in case if e.index > entry.index and limit.id in _texts(e, "meets")), None)
    state = MET if met else OVERDUE if now > end else RUNNING
    return Due(
        id=limit.id,
        case=entry.case or "",
        text=limit.text,
        source=limit.source,
        started_by=entry.index,
        due=clock.format_utc(end),
        state=state,
        met_by=met.index if met else None,
        late=bool(met and clock.parse(met.happened or met.recorded) > end),
        left=age(abs(end - now)),
    )


def _value(entry: Entry, name: str) -> object:
    return entry.current.get(name, entry.fields.get(name))


def _texts(entry: Entry, name: str) -> tuple[str, ...]:
    value = _value(entry, name)
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()
