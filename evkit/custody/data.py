"""Replay of what happens to data: attempts, results, inventories, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.custody import derived, hands
from evkit.custody.decision import Side, decide
from evkit.custody.state import Acquisition
from evkit.custody.thing import exhibit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.custody.decision import Decision
    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State

_DISAGREE = ("mismatch", "absent", "unreadable")  # words of the comparison in `expected`
_DIGESTS = ("sha256", "sha512", "sha1", "md5")


def _acquisition(state: State, ref: str, what: str) -> Acquisition:
    exhibit = exhibit_of(state, ref.rpartition("/")[0])
    found = exhibit.acquisitions.get(ref)
    if found is None:
        found = exhibit.acquisitions[ref] = Acquisition(ref=ref, what=what)
    return found


def _start(fact: Fact, state: State, findings: Findings) -> None:
    what = fact.kind.partition("-")[0]
    from_image = what == "acquire" and bool(fact.words("derived_from"))  # nobody touched the thing
    if what == "acquire" and not from_image:
        hands.touch(fact, state, findings)
    for name in fact.exhibits:
        exhibit = exhibit_of(state, name)
        if exhibit.seal and exhibit.seal.sealed and not from_image:
            text = f"data were taken from `{name}` (entry {fact.index}) while it was sealed "
            text += f"since entry {exhibit.seal.entry}"
            findings.add("worked-while-sealed", text, exhibit.seal.entry, fact.index, exhibit=name)
    for ref in fact.acquisitions:
        acquisition = _acquisition(state, ref, what)
        if not _stands(acquisition.started_entry, ref, fact, findings, "started"):
            continue
        acquisition.started_entry = fact.index
        acquisition.started = clock.format_utc(fact.start)
        acquisition.by = str(fact.who)
        acquisition.fields = {**fact.fields, **acquisition.fields}


def _end(fact: Fact, state: State, findings: Findings) -> None:
    for ref in fact.acquisitions:
        acquisition = _acquisition(state, ref, fact.kind.partition("-")[0])
        _one_digest(ref, fact, findings)
        if not _stands(acquisition.ended_entry, ref, fact, findings, "ended"):
            continue
        acquisition.ended_entry = fact.index
        acquisition.decisions = _decisions(ref, acquisition, fact)
        acquisition.ended = clock.format_utc(fact.start)
        acquisition.result = fact.text("result")
        acquisition.by = acquisition.by or str(fact.who)
        acquisition.fields.update(fact.fields)
        acquisition.digests = _digests(fact, ref)
        if acquisition.started_entry is None:
            text = f"entry {fact.index} ends `{ref}`; its start is not recorded"
            findings.add("end-without-start", text, fact.index, exhibit=ref.rpartition("/")[0])
        _outcome(acquisition, fact, findings)
        _delivered(ref, fact, state, findings)


def _decisions(ref: str, acquisition: Acquisition, fact: Fact) -> list[Decision]:
    """Return what was decided; the fields of the acquisition are still those of its start."""
    start = None
    if acquisition.by is not None:
        start = Side(acquisition.fields, acquisition.by)
    stated = [entry._asdict() for entry in fact.event.deviations]
    return decide(ref, start, Side(fact.fields, str(fact.who), stated))


def _stands(other: int | None, ref: str, fact: Fact, findings: Findings, word: str) -> bool:
    """Say whether this entry counts; of two ends (or starts) the one that was recorded first."""
    if other is None:
        return True
    first, second = sorted((other, fact.index))
    text = f"`{ref}` was {word} by entry {first} and again by entry {second}"
    exhibit = ref.rpartition("/")[0]
    findings.add(f"acquisition-{word}-twice", text, first, second, exhibit=exhibit)
    return fact.index == first


def _one_digest(ref: str, fact: Fact, findings: Findings) -> None:
    """Compare the digests that the entry is about with those among its fields, both as signed."""
    media = fact.event.fields.get("media")
    if not isinstance(media, dict):
        return
    for subject in fact.event.subjects if len(fact.acquisitions) == 1 else ():
        for name, digest in subject.digests.items():
            if subject.name == ref and media.get(name, digest) != digest:
                text = f"entry {fact.index} is about `{ref}` with {name} {digest}, but states "
                text += f"{media[name]} for its content"
                exhibit = ref.rpartition("/")[0]
                findings.add("digests-contradict", text, fact.index, exhibit=exhibit)


def _digests(fact: Fact, ref: str) -> dict[str, str]:
    for subject in fact.event.subjects:
        if subject.name == ref:
            return dict(subject.digests)
    media = fact.part("media")
    return {name: str(media[name]) for name in _DIGESTS if name in media}


def _outcome(acquisition: Acquisition, fact: Fact, findings: Findings) -> None:
    exhibit = acquisition.ref.rpartition("/")[0]
    events = [fact.index]
    if acquisition.started_entry is not None:
        events.append(acquisition.started_entry)
    result = acquisition.result
    if result in {"failed", "stopped"}:
        text = f"`{acquisition.ref}` {'failed' if result == 'failed' else 'was stopped'} "
        text += f"(entry {fact.index})"
        if fact.text("error"):
            text += f": {fact.text('error')}"
        findings.add(f"acquisition-{result}", text, *events, exhibit=exhibit)
    if result == "with-gaps":
        text = f"`{acquisition.ref}`: {_unread(fact)} could not be read (entry {fact.index})"
        findings.add("unread-data", text, fact.index, exhibit=exhibit)
    if fact.part("verification").get("state") == "mismatch":
        text = f"`{acquisition.ref}`: the second reading did not agree (entry {fact.index})"
        findings.add("verification-failed", text, fact.index, exhibit=exhibit)
    if acquisition.made_by == "other-tool":
        text = f"`{acquisition.ref}` was made by another tool; its digests are of "
        text += f"{fact.when()} (entry {fact.index})"
        findings.add("foreign-tool", text, fact.index, exhibit=exhibit)
    counts = fact.part("expected").get("counts")
    words = [
        f"{count:,} {word}"
        for word, count in sorted(counts.items() if isinstance(counts, dict) else ())
        if word in _DISAGREE and isinstance(count, int) and count
    ]
    if words:
        text = f"`{acquisition.ref}`: of the digests stated with it, {', '.join(words)} "
        text += f"(entry {fact.index})"
        findings.add("expected-mismatch", text, fact.index, exhibit=exhibit)


def _unread(fact: Fact) -> str:
    unread = fact.part("unread")
    for unit in ("bytes", "sectors", "files", "ranges"):
        count = unread.get(unit)
        if isinstance(count, int) and count:
            return f"{count:,} {unit}"
    return "part of the data"


def _delivered(ref: str, fact: Fact, state: State, findings: Findings) -> None:
    for source in fact.words("derived_from"):
        known = state.exhibit("/".join(source.split("/")[:2]))
        if known is None or known.registered_entry is None:
            text = f"`{ref}` names `{source}` as its source, which is not registered here"
            findings.add("source-not-registered", text, fact.index, exhibit=ref.rpartition("/")[0])


def _inventory(fact: Fact, state: State, findings: Findings) -> None:
    for ref in fact.acquisitions:
        _acquisition(state, ref, "acquire").inventories.append(fact.index)
        if fact.text("result") in {"with-gaps", "stopped", "failed"}:
            text = f"the inventory of `{ref}` is {fact.text('result')} (entry {fact.index})"
            exhibit = ref.rpartition("/")[0]
            findings.add("inventory-incomplete", text, fact.index, exhibit=exhibit)


def _marks(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    for ref in fact.acquisitions:
        _acquisition(state, ref, "acquire").marks.append(fact.index)


def _verify(fact: Fact, state: State, findings: Findings) -> None:
    result = fact.text("result") or "undecided"
    for ref in fact.acquisitions:
        _acquisition(state, ref, "acquire").verifications.append((fact.index, result))
        exhibit = ref.rpartition("/")[0]
        if result == "fail":
            text = f"`{ref}` did not agree with the recorded digests (entry {fact.index})"
            findings.add("verification-failed", text, fact.index, exhibit=exhibit)
        elif result != "pass":
            text = f"a check of `{ref}` could not be completed (entry {fact.index})"
            findings.add("verification-undecided", text, fact.index, exhibit=exhibit)


HANDLERS: dict[str, Callable[[Fact, State, Findings], None]] = {
    "acquire-start": _start,
    "intake-start": _start,
    "acquire-end": _end,
    "intake-end": _end,
    "inventory": _inventory,
    "marks": _marks,
    "verify": _verify,
}


def close(state: State, findings: Findings) -> None:
    """Remark attempts without an end, data never compared again, and contradicted parents."""
    for case in state.cases.values():
        for exhibit in case.exhibits.values():
            for acquisition in exhibit.acquisitions.values():
                _unfinished(acquisition, exhibit.ref, findings)
                _inventories(acquisition, exhibit.ref, findings)
                derived.check(acquisition, state, findings)


def _unfinished(acquisition: Acquisition, exhibit: str, findings: Findings) -> None:
    start, end = acquisition.started_entry, acquisition.ended_entry
    if end is None:
        if start is not None:
            text = f"`{acquisition.ref}` was begun by entry {start} and has no end"
            findings.add("acquisition-unfinished", text, start, exhibit=exhibit)
        return
    verification = acquisition.fields.get("verification")
    state = verification.get("state") if isinstance(verification, dict) else None
    compared = any(answer in {"pass", "fail"} for _, answer in acquisition.verifications)
    if state in (None, "match", "mismatch") or compared:  # any JSON may stand there
        return
    if acquisition.result in {"complete", "with-gaps"}:
        text = f"`{acquisition.ref}` was not compared again after it was taken (entry {end})"
        findings.add("not-verified", text, end, exhibit=exhibit)


def _inventories(acquisition: Acquisition, exhibit: str, findings: Findings) -> None:
    """Remark inventories of what was not yet there, and those that came after another."""
    made, end = sorted(acquisition.inventories), acquisition.ended_entry
    early = [entry for entry in made if end is None or entry < end]
    if early:
        text = f"entry {early[0]} is an inventory of `{acquisition.ref}`, whose end is "
        text += "not recorded" if end is None else f"recorded only by entry {end}"
        findings.add("inventory-without-data", text, *early, exhibit=exhibit)
    if len(made) > 1:
        listed = ", ".join(str(entry) for entry in made)
        text = f"`{acquisition.ref}` was inventoried {len(made)} times (entries {listed}); "
        text += "the last one counts"
        findings.add("inventory-repeated", text, *made, exhibit=exhibit)
