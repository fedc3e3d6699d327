"""Who holds an exhibit: stretches of custody, and what contradicts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.custody.state import COURT, ENDED, HELD, LOST, STORED, Exhibit, Stretch
from evkit.custody.validate import age

if TYPE_CHECKING:
    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State


def take(exhibit: Exhibit, fact: Fact, state: str) -> None:
    """Put the exhibit into the hands of the officer who signed."""
    _begin(exhibit, fact, state, holder=str(fact.who), officer=fact.who.officer)


def give(exhibit: Exhibit, fact: Fact, holder: str | None, state: str) -> None:
    """Put the exhibit into other hands; None: nobody is recorded."""
    officer = fact.who.officer if holder and fact.who.is_named(holder) else None
    _begin(exhibit, fact, state, holder=holder, officer=officer)


def _begin(
    exhibit: Exhibit, fact: Fact, state: str, *, holder: str | None, officer: str | None
) -> None:
    start = clock.format_utc(fact.start)
    now = exhibit.now
    if now is not None:
        now.end, now.end_entry = start, fact.index
    location = fact.text("location") or fact.text("destination") or fact.heads.get("place")
    exhibit.custody.append(
        Stretch(
            holder=holder,
            officer=officer,
            location=location,
            state=state,
            start=start,
            start_entry=fact.index,
        )
    )


def touch(fact: Fact, state: State, findings: Findings) -> None:
    """Compare the officer who acts on exhibits with their recorded holders."""
    for name in fact.exhibits:
        exhibit = state.exhibit(name)
        now = exhibit.now if exhibit else None
        if exhibit is None or now is None or _is_holder(now, fact):
            continue
        if now.state == ENDED:
            text = f"entry {fact.index} ({fact.kind}) is about `{name}`, whose custody ended "
            text += f"with entry {now.start_entry}"
            findings.add("after-end", text, now.start_entry, fact.index, exhibit=name)
        elif now.state == STORED:
            text = f"`{name}` was in the store (entry {now.start_entry}) when {fact.who} acted on "
            text += f"it ({fact.kind}, entry {fact.index}); no check-out is recorded"
            findings.add("no-check-out", text, now.start_entry, fact.index, exhibit=name)
        elif now.holder is not None:
            text = f"`{name}` was last with {now.holder} (entry {now.start_entry}); {fact.who} "
            text += f"acted on it ({fact.kind}, entry {fact.index}); nothing records how it came "
            text += "there"
            findings.add("holder-change", text, now.start_entry, fact.index, exhibit=name)
        if now.state not in {ENDED, COURT}:
            take(exhibit, fact, HELD)


def compare_giver(exhibit: Exhibit, fact: Fact, findings: Findings) -> None:
    """Compare who is said to have brought the exhibit with its recorded holder."""
    now = exhibit.now
    giver = fact.text("received_from")
    if now is None:
        return
    if now.state == ENDED:
        text = f"entry {fact.index} ({fact.kind}) is about `{exhibit.ref}`, whose custody ended "
        text += f"with entry {now.start_entry}"
        findings.add("after-end", text, now.start_entry, fact.index, exhibit=exhibit.ref)
    elif giver and now.holder and not _same_person(now, giver):
        text = f"entry {fact.index} received `{exhibit.ref}` from {giver}; "
        text += f"{now.holder} held it since entry {now.start_entry}"
        findings.add("holder-mismatch", text, now.start_entry, fact.index, exhibit=exhibit.ref)


def gaps(exhibit: Exhibit, findings: Findings) -> None:
    """Remark every stretch without a known holder, the open one included."""
    for stretch in exhibit.custody:
        if stretch.holder is not None or stretch.state in {ENDED, LOST}:
            continue
        if stretch.end is None or stretch.end_entry is None:
            text = f"nobody is recorded as holding `{exhibit.ref}` since {stretch.start} "
            text += f"(entry {stretch.start_entry})"
            findings.add("custody-gap", text, stretch.start_entry, exhibit=exhibit.ref)
            continue
        length = age(clock.parse(stretch.end) - clock.parse(stretch.start))
        text = f"nobody is recorded as holding `{exhibit.ref}` from {stretch.start} "
        text += f"(entry {stretch.start_entry}) to {stretch.end} (entry {stretch.end_entry}), "
        text += length
        findings.add(
            "custody-gap", text, stretch.start_entry, stretch.end_entry, exhibit=exhibit.ref
        )


def _is_holder(now: Stretch, fact: Fact) -> bool:
    if now.state == ENDED:
        return False
    if now.officer is not None:
        return now.officer == fact.who.officer
    return now.holder is not None and fact.who.is_named(now.holder)


def _same_person(now: Stretch, text: str) -> bool:
    """Say whether free text names the holder: the words of one are among those of the other."""
    one = set((now.holder or "").casefold().split())
    other = set(text.casefold().split())
    officer = {now.officer.casefold()} if now.officer else set()
    return bool(one) and (one <= other or other <= one or bool(officer & other))
