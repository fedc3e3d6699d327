"""From events to a state and remarks. Pure: the same events give the same result everywhere.

Events are looked at twice. In ledger order: was it written when and where it should be? Then in the
order in which things happened, so that a late entry takes its place: who held the exhibit, was it
sealed, what became of the data? Corrections are applied before, and shown.
"""

from __future__ import annotations

import datetime as _dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.custody import corrections, data, gear, office, thing
from evkit.custody.facts import Fact, fact_of
from evkit.custody.findings import Finding, Findings
from evkit.custody.history import Entry, entry_of
from evkit.custody.kinds import KINDS
from evkit.custody.state import State, number_of
from evkit.custody.validate import NOT_STATED, age

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.custody.profile import Profile
    from evkit.ledger.event import Event

CLOCK = "system"  # the source of a time that was read from the station's clock
_HANDLERS = {**office.HANDLERS, **gear.HANDLERS, **thing.HANDLERS, **data.HANDLERS}
# kinds that take their place by when they happened; the others stand where they were written
_PLACED = {name for name, kind in KINDS.items() if kind.handles} | {
    "acquire-end", "intake-start", "intake-end", "incident", "copy-out", "case-open",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The result: state, findings by first entry, and every entry as the log shows it."""

    state: State
    findings: tuple[Finding, ...]
    entries: tuple[Entry, ...]

    def findings_of(self, ref: str) -> list[Finding]:
        """Return the findings about an exhibit, or about a case and all its exhibits."""
        if "/" in ref:
            return [finding for finding in self.findings if finding.exhibit == ref]
        case = self.state.cases.get(ref)
        own = set(case.entries) if case else set()
        return [finding for finding in self.findings if own.intersection(finding.events)]

    def entries_of(self, ref: str) -> list[Entry]:
        """Return the entries of a case, or those that name an exhibit or an acquisition."""
        if "/" not in ref:
            return [entry for entry in self.entries if entry.case == ref]
        return [entry for entry in self.entries if ref in (*entry.exhibits, *entry.acquisitions)]


def replay(events: Iterable[tuple[int, Event, str]], profile: Profile | None = None) -> Replay:
    """Replay events given in ledger order as `(index, event, event id)`.

    Args:
        events: the whole ledger, or those of one case as a bundle holds them.
        profile: gives the hours after which an entry is late; None: 24.
    """
    facts = [fact_of(index, event, event_id) for index, event, event_id in events]
    findings = Findings()
    _one_spelling(facts)
    _in_sequence(facts, findings)
    sentences = corrections.described(facts)
    corrections.apply(facts, findings)
    state = State(corrections=sentences)
    for fact in facts:
        _note_entry(fact, state)
    for fact in _in_order(facts, findings):
        handler = _HANDLERS.get(fact.kind)
        if handler:
            handler(fact, state, findings)
    _as_written(facts, state, findings, profile)
    office.close(state, findings)
    thing.close(state, findings)
    data.close(state, findings)
    _by_number(state)
    ordered = sorted(findings.all, key=lambda finding: (finding.events[:1], finding.code))
    return Replay(
        state=state,
        findings=tuple(ordered),
        entries=tuple(entry_of(fact, state) for fact in facts),
    )


def _by_number(state: State) -> None:
    """Put exhibits and acquisitions into the order of their numbers: E1, E2, E10."""
    for case in state.cases.values():
        case.exhibits = {name: case.exhibits[name] for name in sorted(case.exhibits, key=number_of)}
        for exhibit in case.exhibits.values():
            known = exhibit.acquisitions
            exhibit.acquisitions = {name: known[name] for name in sorted(known, key=number_of)}


def _in_sequence(facts: Sequence[Fact], findings: Findings) -> None:
    """Look for entries that are repeated, and for holes in the numbers of each case."""
    seen: dict[str, int] = {}
    last: dict[str, tuple[int, Fact | None]] = {}
    for fact in facts:
        first = seen.setdefault(fact.event_id, fact.index)
        if first != fact.index:
            text = f"entry {fact.index} is the same as entry {first}"
            findings.add("entry-repeated", text, first, fact.index)
        number = fact.event.case_seq
        if fact.case is None or number is None:
            continue
        count, before = last.get(fact.case, (0, None))
        follows = (fact.event.case_prev or "") == (before.event_id if before else "")
        if number != count + 1 or not follows:
            text = f"case `{fact.case}`: entry {fact.index} is number {number} of the case and "
            text += "does not follow " + (f"entry {before.index}" if before else "as the first one")
            text += f", number {count}" if before else ""
            findings.add("entries-missing", text, *([before.index] if before else []), fact.index)
        last[fact.case] = (number, fact)


def _one_spelling(facts: Sequence[Fact]) -> None:
    """Give every case the spelling it was first written in; ids are unique ignoring case."""
    first: dict[str, str] = {}
    for fact in facts:
        if fact.case is None:
            continue
        name = first.setdefault(fact.case.casefold(), fact.case)
        if name != fact.case:
            cut = len(fact.case)
            fact.exhibits = tuple(name + ref[cut:] for ref in fact.exhibits)
            fact.acquisitions = tuple(name + ref[cut:] for ref in fact.acquisitions)
            fact.case = name


def _note_entry(fact: Fact, state: State) -> None:
    """Write the index into the case and the exhibits that the event names."""
    if fact.case is None:
        return
    case = office.case_of(state, fact.case)
    case.entries.append(fact.index)
    for name in fact.exhibits:
        thing.exhibit_of(state, name).entries.append(fact.index)


def _in_order(facts: Sequence[Fact], findings: Findings) -> list[Fact]:
    """Return the facts in order of happening; an entry moves back only past certain later ones."""
    ordered: list[Fact] = []
    for fact in facts:
        position = len(ordered)
        if fact.kind in _PLACED and fact.happened:
            while position and fact.end <= _place(ordered[position - 1]):
                position -= 1
        own = set(fact.exhibits)
        first = next(
            (
                other
                for other in ordered[position:]
                if not own.isdisjoint(other.exhibits) and other.kind in _PLACED
            ),
            None,
        )
        if first is not None:
            text = (
                f"entry {fact.index} ({fact.kind}) is said to have happened {fact.when()}, "
                f"before entry {first.index} ({first.kind}, {first.when()}), "
                "but was recorded after it"
            )
            for exhibit in sorted(own.intersection(first.exhibits)):
                findings.add("happened-earlier", text, fact.index, first.index, exhibit=exhibit)
        ordered.insert(position, fact)
    return ordered


def _place(fact: Fact) -> _dt.datetime:
    return fact.start if fact.kind in _PLACED else fact.recorded


def _as_written(
    facts: Sequence[Fact], state: State, findings: Findings, profile: Profile | None
) -> None:
    """Look at each entry where it stands in the ledger."""
    hours = profile.late_entry_hours if profile else 24
    _clock(facts, findings)
    last: Fact | None = None
    for fact in facts:
        declared = {deviation.code for deviation in fact.event.deviations}
        exhibit = fact.exhibits[0] if len(fact.exhibits) == 1 else None
        for deviation in fact.event.deviations:
            text = f"entry {fact.index} ({fact.kind}): {deviation.text}"
            text += f"; reason: {deviation.reason or NOT_STATED}"
            findings.add("deviation", text, fact.index, exhibit=exhibit, detail=deviation.code)
        if fact.kind not in KINDS:
            text = f"entry {fact.index} is of kind `{fact.kind}`, which this version does not know"
            findings.add("unknown-kind", text, fact.index)
        if last and fact.recorded < last.recorded and "clock-backwards" not in declared:
            text = (
                f"entry {fact.index} was recorded at {clock.format_utc(fact.recorded)}, "
                f"entry {last.index} before it at {clock.format_utc(last.recorded)}"
            )
            findings.add("clock-backwards", text, last.index, fact.index)
        last = fact
        if fact.happened:
            _stated_time(fact, declared, findings, hours)
        _registered(fact, state, findings)
        thing.transport_dates(fact, findings)
        thing.changes(fact, findings)
        known = state.officers if state.station else {fact.who.officer: None}
        if fact.case is not None and fact.who.officer not in known:
            text = f"entry {fact.index} is signed by `{fact.who.officer}`, who is not enrolled here"
            findings.add("unknown-officer", text, fact.index, exhibit=exhibit)


def _clock(facts: Sequence[Fact], findings: Findings) -> None:
    """Remark entries whose time was given to the program (`EVKIT_CLOCK`), all in one."""
    given = [fact.index for fact in facts if fact.event.recorded.source != CLOCK]
    if given:
        listed = ", ".join(str(index) for index in given[:10]) + (" …" if given[10:] else "")
        text = f"{len(given)} of {len(facts)} entries were not recorded by the clock of the "
        text += f"station but at a time given to the program: {listed}"
        findings.add("clock-set", text, *given)


def _stated_time(fact: Fact, declared: set[str], findings: Findings, hours: int) -> None:
    exhibit = fact.exhibits[0] if len(fact.exhibits) == 1 else None
    if fact.start > fact.recorded and "future" not in declared:
        text = f"entry {fact.index} ({fact.kind}) is said to happen after it was recorded"
        findings.add("future", text, fact.index, exhibit=exhibit)
    late = fact.recorded - fact.end
    if hours and late > _dt.timedelta(hours=hours) and "late-entry" not in declared:
        text = (
            f"entry {fact.index} ({fact.kind}) was recorded "
            f"{age(fact.recorded - fact.start)} after it happened"
        )
        findings.add("late-entry", text, fact.index, exhibit=exhibit)


def _registered(fact: Fact, state: State, findings: Findings) -> None:
    for name in fact.exhibits:
        exhibit = state.exhibit(name)
        if exhibit is None or exhibit.registered_entry is None:
            continue
        if fact.index < exhibit.registered_entry:
            text = (
                f"entry {fact.index} ({fact.kind}) is about `{name}`, "
                f"which was registered only by entry {exhibit.registered_entry}"
            )
            findings.add(
                "before-registration", text, fact.index, exhibit.registered_entry, exhibit=name
            )
