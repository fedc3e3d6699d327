"""An event as the replay sees it: its values after corrections, and the span when it happened."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.core.errors import EvkitError
from evkit.custody.when import Span, local_text, span

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.ledger.event import Event

HEADS = ("authority", "purpose", "place")


@dataclass(frozen=True, kw_only=True)
class Who:
    """The signing officer as the event names him or her."""

    officer: str
    name: str
    rank: str | None
    badge: str | None
    role: str | None

    def __str__(self) -> str:
        return f"{self.rank} {self.name}" if self.rank else self.name

    def is_named(self, text: str) -> bool:
        """Say whether free text names this officer: slug, badge, or the name within the text."""
        words = _words(text)
        if words in (_words(self.officer), _words(self.badge or "")):
            return bool(words)
        name = _words(self.name)
        return bool(name) and f" {name} " in f" {words} "


@dataclass(kw_only=True)
class Fact:
    """One entry.

    Attributes:
        index, event_id: its place and name in the ledger.
        event: what was signed.
        fields, heads: values with corrections applied; `heads` holds authority, purpose, place.
        personal: names of the commitments, dotted.
        happened: the span stated, or None.
        recorded: the station's time, UTC.
        corrected_by: entries that correct this one, in order.
    """

    index: int
    event_id: str
    event: Event
    kind: str
    case: str | None
    exhibits: tuple[str, ...]
    acquisitions: tuple[str, ...]
    fields: dict[str, Any]
    heads: dict[str, str]
    personal: tuple[str, ...]
    who: Who
    happened: Span | None
    precision: str
    recorded: _dt.datetime
    offset: str
    corrected_by: list[int] = field(default_factory=list)
    overlaid: set[str] = field(default_factory=set)

    @property
    def start(self) -> _dt.datetime:
        """The first instant at which it can have happened."""
        return self.happened.start if self.happened else self.recorded

    @property
    def end(self) -> _dt.datetime:
        """The first instant at which it must have happened."""
        return self.happened.end if self.happened else self.recorded

    def when(self) -> str:
        """Return the time of the happening for people, in the station's zone."""
        if self.happened:
            return local_text(self.happened.start, self.offset, self.precision)
        return local_text(self.recorded, self.offset)

    def text(self, name: str) -> str | None:
        """Return a text value or None; a value of another type counts as absent."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty when absent."""
        value = self.fields.get(name)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, (list, tuple)):
            return tuple(item for item in value if isinstance(item, str))
        return ()

    def flag(self, name: str) -> bool:
        """Return whether a flag is set."""
        return self.fields.get(name) is True

    def part(self, name: str) -> Mapping[str, Any]:
        """Return an object value; empty when absent."""
        value = self.fields.get(name)
        return value if isinstance(value, Mapping) else {}

    def numbered(self, name: str, exhibit: str) -> tuple[str, ...]:
        """Return the texts that hold for one exhibit: `E1:S-7` only for E1, plain ones for all."""
        own = exhibit.rpartition("/")[2]
        result = []
        for item in self.words(name):
            head, colon, rest = item.partition(":")
            if colon and head[:1] == "E" and head[1:].isdigit():
                if head == own:
                    result.append(rest.strip())
            else:
                result.append(item)
        return tuple(result)


def fact_of(index: int, event: Event, event_id: str) -> Fact:
    """Return the fact of one event, without corrections."""
    actor = event.actor
    exhibits = list(event.exhibits)
    for acquisition in event.acquisitions:
        exhibit = acquisition.rpartition("/")[0]
        if exhibit and exhibit not in exhibits:
            exhibits.append(exhibit)
    stated = event.happened
    heads = {name: getattr(event, name) for name in HEADS if getattr(event, name)}
    return Fact(
        index=index,
        event_id=event_id,
        event=event,
        kind=event.kind,
        case=event.case,
        exhibits=tuple(exhibits),
        acquisitions=tuple(event.acquisitions),
        fields=dict(event.fields),
        heads=heads,
        personal=tuple(sorted(event.commitments)),
        who=Who(
            officer=actor.officer,
            name=actor.name,
            rank=actor.rank or None,
            badge=actor.badge or None,
            role=actor.role or None,
        ),
        happened=_span(stated.time, stated.precision) if stated else None,
        precision=stated.precision if stated else "minute",
        recorded=clock.parse(event.recorded.utc).astimezone(_dt.UTC),
        offset=event.recorded.offset,
    )


def overlay(fact: Fact, values: Mapping[str, Json], by: int) -> list[tuple[str, object, object]]:
    """Apply a correction; return `(field, old, new)` of what changes. The latest correction wins.

    Call with the corrections from the latest to the earliest.
    """
    changed: list[tuple[str, object, object]] = []
    fact.corrected_by.insert(0, by)
    for name, value in values.items():
        if name in fact.overlaid:
            continue
        fact.overlaid.add(name)
        changed.append((name, _old(fact, name), value))
        if name == "happened" and isinstance(value, Mapping):
            time, precision = value.get("time"), value.get("precision")
            if isinstance(time, str) and isinstance(precision, str):
                fact.happened, fact.precision = _span(time, precision), precision
        elif name in HEADS:
            if isinstance(value, str):
                fact.heads[name] = value
        else:
            fact.fields[name] = value
    return changed


def _old(fact: Fact, name: str) -> object:
    if name == "happened":
        return fact.when() if fact.happened else None
    return fact.heads.get(name) if name in HEADS else fact.fields.get(name)


def _span(time: str, precision: str) -> Span | None:
    try:
        return span(time, precision)
    except EvkitError:
        return None


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
