"""Replay of the events of the station and of cases as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.custody.state import Case, Officer

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State


def case_of(state: State, name: str) -> Case:
    """Return the case, made when an event names it for the first time."""
    found = state.cases.get(name)
    if found is None:
        found = state.cases[name] = Case(id=name)
    return found


def _station(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    state.station = {**fact.fields, "entry": fact.index}
    statement = fact.text("statement")
    if statement is None:
        for subject in fact.event.subjects:
            statement = subject.digests.get("sha256") or statement
    state.statement_id = statement


def _enrol(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    slug = fact.text("officer")
    if slug is None:
        return
    state.officers[slug] = Officer(
        officer=slug,
        name=fact.text("name") or slug,
        rank=fact.text("rank"),
        badge=fact.text("badge"),
        roles=fact.words("roles"),
        certificate=fact.text("certificate"),
        enrolled_entry=fact.index,
    )


def _revoke(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    officer = state.officers.get(fact.text("officer") or "")
    if officer:
        officer.revoked_entry = fact.index


def _open(fact: Fact, state: State, findings: Findings) -> None:
    if fact.case is None:
        return
    case = case_of(state, fact.case)
    if case.opened_entry is not None:
        text = f"entry {fact.index} opens case `{case.id}`, which entry {case.opened_entry} opened"
        findings.add("case-opened-twice", text, case.opened_entry, fact.index)
        return
    case.opened_entry, case.opening = fact.index, fact.event_id
    case.opened = clock.format_utc(fact.start)
    case.fields, case.heads, case.personal = fact.fields, fact.heads, fact.personal


def _close(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    if fact.case is not None:
        case_of(state, fact.case).closed_entry = fact.index


HANDLERS: dict[str, Callable[[Fact, State, Findings], None]] = {
    "station": _station,
    "enrol": _enrol,
    "revoke": _revoke,
    "case-open": _open,
    "case-close": _close,
}


def close(state: State, findings: Findings) -> None:
    """Look at every case once all events are in."""
    for case in state.cases.values():
        if not case.entries:
            continue
        if case.opened_entry is None:
            text = f"case `{case.id}` has entries from {case.entries[0]} on, but no opening"
            findings.add("case-not-open", text, case.entries[0])
        elif case.entries[0] < case.opened_entry:
            text = f"entry {case.entries[0]} is of case `{case.id}`, opened by {case.opened_entry}"
            findings.add("case-not-open", text, case.entries[0], case.opened_entry)
        if case.closed_entry is not None:
            for index in case.entries:
                if index > case.closed_entry:
                    text = f"entry {index} is of case `{case.id}`, closed by {case.closed_entry}"
                    findings.add("after-close", text, case.closed_entry, index)
