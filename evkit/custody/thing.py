"""Replay of what happens to the thing itself: registration, hands, store, seals, court, end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.core.refs import is_ref
from evkit.custody import hands, seals
from evkit.custody.office import case_of
from evkit.custody.state import COURT, ENDED, HELD, LOST, OUT, STORED, Exhibit, Seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State

_TRANSPORT = ("road_certificate_date", "dispatched", "received")


def exhibit_of(state: State, ref: str) -> Exhibit:
    """Return the exhibit `CASE/E1`, made when an event names it for the first time."""
    case = case_of(state, ref.partition("/")[0])
    found = case.exhibits.get(ref)
    if found is None:
        found = case.exhibits[ref] = Exhibit(ref=ref)
    return found


def _moved(fact: Fact, state: State) -> Iterator[Exhibit]:
    """Yield the exhibits of a movement, and the parts that have never moved without them."""
    queue = list(fact.exhibits)
    seen: set[str] = set()
    while queue:
        name = queue.pop(0)
        if name in seen:
            continue
        seen.add(name)
        exhibit = exhibit_of(state, name)
        if name in fact.exhibits:
            container = exhibit.fields.get("part_of")
            exhibit.moved_alone |= container is not None and container not in fact.exhibits
            yield exhibit
        elif exhibit.registered_entry is not None and not exhibit.moved_alone:
            yield exhibit
        queue.extend(exhibit.parts)


def _register(fact: Fact, state: State, findings: Findings) -> None:
    for name in fact.exhibits:
        exhibit = exhibit_of(state, name)
        if exhibit.registered_entry is not None:
            text = f"`{name}` was registered by entry {exhibit.registered_entry} and again"
            text += f" by entry {fact.index}"
            findings.add(
                "registered-twice", text, exhibit.registered_entry, fact.index, exhibit=name
            )
            continue
        exhibit.registered_entry, exhibit.registration = fact.index, fact.event_id
        exhibit.registered = clock.format_utc(fact.start)
        exhibit.fields, exhibit.heads = dict(fact.fields), fact.heads
        exhibit.personal = fact.personal
        numbers = fact.numbered("seal", name)
        if numbers:
            exhibit.seal = Seal(sealed=True, numbers=numbers, entry=fact.index)
            exhibit.fields["seal"] = list(numbers)
        if "sensitive_material" in fact.fields and exhibit.sensitive is None:
            exhibit.sensitive = fact.flag("sensitive_material")
        _contained(name, fact, state, findings)
        holder = fact.text("seized_by")
        if holder is None or fact.who.is_named(holder):
            hands.take(exhibit, fact, HELD)
        else:
            hands.give(exhibit, fact, holder, HELD)
        _sources(exhibit, fact, findings)


def _contained(name: str, fact: Fact, state: State, findings: Findings) -> None:
    """Note what the exhibit is a part of; only an exhibit of the same case moves it along."""
    container = fact.text("part_of")
    if container is None or container == name:
        return
    case, slash, own = container.partition("/")
    if slash and "/" not in own and is_ref(container) and case == fact.case:
        exhibit_of(state, container).parts.append(name)
        return
    text = f"`{name}` is said to be part of `{container}`, which is no other exhibit of its case"
    findings.add("source-not-registered", text, fact.index, exhibit=name)


def _sources(exhibit: Exhibit, fact: Fact, findings: Findings) -> None:
    if fact.text("nature") == "copy" and not fact.words("derived_from"):
        text = f"`{exhibit.ref}` is registered as a copy (entry {fact.index}); no source is named"
        findings.add("derived-without-source", text, fact.index, exhibit=exhibit.ref)


def _mark(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    for name in fact.exhibits:
        exhibit_of(state, name).marks.append((fact.text("mark") or "", fact.index))


def _sensitive(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    for name in fact.exhibits:
        exhibit_of(state, name).sensitive = fact.flag("sensitive_material")


def _seal(fact: Fact, state: State, findings: Findings) -> None:
    hands.touch(fact, state, findings)
    for name in fact.exhibits:
        exhibit = exhibit_of(state, name)
        if exhibit.seal and exhibit.seal.sealed:
            text = f"`{name}` was sealed by entry {fact.index}; it was sealed since entry "
            text += f"{exhibit.seal.entry} and no unsealing is recorded"
            findings.add("seal-while-sealed", text, exhibit.seal.entry, fact.index, exhibit=name)
        numbers = fact.numbered("seal", name)
        exhibit.seal = Seal(sealed=True, numbers=numbers, entry=fact.index)


def _unseal(fact: Fact, state: State, findings: Findings) -> None:
    hands.touch(fact, state, findings)
    seals.compare(fact, state, findings)
    for name in fact.exhibits:
        exhibit = exhibit_of(state, name)
        if exhibit.seal is None or not exhibit.seal.sealed:
            text = f"entry {fact.index} opens a seal of `{name}`; no seal is recorded"
            findings.add("unseal-without-seal", text, fact.index, exhibit=name)
        exhibit.seal = Seal(sealed=False, numbers=(), entry=fact.index)


def _receive(fact: Fact, state: State, findings: Findings) -> None:
    """Store and check-in: from the recorded holder into the store."""
    seals.compare(fact, state, findings)
    keeper = fact.text("keeper")
    for exhibit in _moved(fact, state):
        if fact.kind == "check-in" and exhibit.state not in {OUT, COURT, LOST, None}:
            text = f"entry {fact.index} takes `{exhibit.ref}` back; no handing out is recorded"
            findings.add("check-in-without-check-out", text, fact.index, exhibit=exhibit.ref)
        hands.compare_giver(exhibit, fact, findings)
        if keeper is None or fact.who.is_named(keeper):
            hands.take(exhibit, fact, STORED)
        else:
            hands.give(exhibit, fact, keeper, STORED)


def _check_out(fact: Fact, state: State, findings: Findings) -> None:
    seals.compare(fact, state, findings)
    receiver = fact.text("to")
    for exhibit in _moved(fact, state):
        now = exhibit.now
        if now and now.state in {OUT, COURT}:
            text = f"entry {fact.index} hands `{exhibit.ref}` out; it was out since entry "
            text += f"{now.start_entry}"
            findings.add(
                "check-out-while-out", text, now.start_entry, fact.index, exhibit=exhibit.ref
            )
        hands.give(exhibit, fact, receiver, OUT)


def _produce(fact: Fact, state: State, findings: Findings) -> None:
    hands.touch(fact, state, findings)
    seals.compare(fact, state, findings)
    for exhibit in _moved(fact, state):
        if exhibit.ref in fact.exhibits:
            exhibit.produced.append(fact.index)
            mark = fact.text("mark")
            if mark:
                exhibit.marks.append((mark, fact.index))
        if fact.flag("kept"):
            hands.give(exhibit, fact, fact.text("court") or "the court", COURT)


def _end(fact: Fact, state: State, findings: Findings) -> None:
    """Return and dispose: custody ends."""
    hands.touch(fact, state, findings)
    seals.compare(fact, state, findings)
    for exhibit in _moved(fact, state):
        tried = any(a.result in {"complete", "with-gaps"} for a in exhibit.acquisitions.values())
        if not tried and exhibit.registered_entry is not None and not exhibit.parts:
            word = "returned" if fact.kind == "return" else "disposed of"
            text = f"`{exhibit.ref}` was {word} by entry {fact.index}; no data were taken before"
            findings.add("returned-unexamined", text, fact.index, exhibit=exhibit.ref)
        hands.give(exhibit, fact, None, ENDED)


def _copy_out(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    for name in fact.exhibits:
        exhibit_of(state, name).copies.append(fact.index)
    named = fact.text("acquisition")
    for ref in {*fact.acquisitions, *((named,) if named else ())}:
        acquisition = state.acquisition(ref)
        if acquisition:
            acquisition.copies.append(fact.index)


def _incident(fact: Fact, state: State, findings: Findings) -> None:
    outcome = fact.text("outcome")
    text = f"incident recorded by entry {fact.index}: {fact.text('text') or 'no text'}"
    for name in fact.exhibits or (None,):
        findings.add("incident", text, fact.index, exhibit=name)
    for name in fact.exhibits:
        exhibit = exhibit_of(state, name)
        if outcome == "lost":
            findings.add(
                "lost", f"`{name}` was reported lost by entry {fact.index}", fact.index,
                exhibit=name,
            )  # fmt: skip
            hands.give(exhibit, fact, None, LOST)
        elif outcome == "found":
            hands.give(exhibit, fact, fact.text("holder") or str(fact.who), HELD)
        elif outcome == "seal-broken" and exhibit.seal:
            exhibit.seal = Seal(sealed=False, numbers=(), entry=fact.index)


HANDLERS: dict[str, Callable[[Fact, State, Findings], None]] = {
    "register": _register,
    "mark": _mark,
    "sensitive": _sensitive,
    "seal": _seal,
    "unseal": _unseal,
    "store": _receive,
    "check-in": _receive,
    "check-out": _check_out,
    "copy-out": _copy_out,
    "produce": _produce,
    "return": _end,
    "dispose": _end,
    "incident": _incident,
}


def close(state: State, findings: Findings) -> None:
    """Look at every exhibit once all events are in."""
    for case in state.cases.values():
        for exhibit in case.exhibits.values():
            if exhibit.registered_entry is None:
                if exhibit.entries:
                    listed = ", ".join(str(index) for index in exhibit.entries[:10])
                    text = f"`{exhibit.ref}` is not registered; entries {listed} are about it"
                    findings.add("not-registered", text, *exhibit.entries[:10], exhibit=exhibit.ref)
                elif exhibit.parts:
                    text = f"`{exhibit.ref}`, of which {exhibit.parts[0]} is a part, "
                    text += "is not registered"
                    part = state.exhibit(exhibit.parts[0])
                    entry = part.registered_entry if part else None
                    findings.add(
                        "source-not-registered", text, *([] if entry is None else [entry]),
                        exhibit=exhibit.parts[0],
                    )  # fmt: skip
                continue
            _source_known(exhibit, state, findings)
            hands.gaps(exhibit, findings)


def _source_known(exhibit: Exhibit, state: State, findings: Findings) -> None:
    sources = exhibit.fields.get("derived_from")
    for source in sources if isinstance(sources, (list, tuple)) else ():
        known = state.exhibit("/".join(str(source).split("/")[:2]))
        if known is None or known.registered_entry is None:
            text = f"`{exhibit.ref}` names `{source}` as its source, which is not registered here"
            entry = exhibit.registered_entry
            findings.add(
                "source-not-registered", text, *([] if entry is None else [entry]),
                exhibit=exhibit.ref,
            )  # fmt: skip


def transport_dates(fact: Fact, findings: Findings) -> None:
    """Compare the dates of a transport: certificate, dispatch, receipt, in that order."""
    given = [(name, fact.text(name)) for name in _TRANSPORT]
    known = [(name, value) for name, value in given if value]
    for (before, first), (after, second) in itertools.pairwise(known):
        if first > second:
            text = f"entry {fact.index}: `{before}` is {first}, `{after}` is {second}"
            exhibit = fact.exhibits[0] if len(fact.exhibits) == 1 else None
            findings.add("transport-dates", text, fact.index, exhibit=exhibit)


def changes(fact: Fact, findings: Findings) -> None:
    """Remark an unavoidable change of the evidence."""
    change = fact.text("change")
    if change:
        text = f"entry {fact.index} ({fact.kind}) changed the evidence: {change}"
        text += f"; reason: {fact.text('change_reason') or 'not stated'}"
        for name in fact.exhibits or (None,):
            findings.add("evidence-changed", text, fact.index, exhibit=name)
