"""Corrections in a replay: applied to the entries they name, the latest first, and described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.custody.facts import HEADS, overlay
from evkit.custody.history import shown
from evkit.custody.when import local_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings


def apply(facts: Sequence[Fact], findings: Findings) -> None:
    """Give every corrected entry its right values; say what changed, or that nothing is there."""
    by_id = {fact.event_id: fact for fact in facts}
    for fact in reversed(facts):
        if fact.kind != "correct":
            continue
        target = _target(fact, by_id)
        if target is None:
            text = f"entry {fact.index} corrects an entry that is not among those of its case"
            findings.add("correction-of-unknown", text, fact.index)
            continue
        changed = overlay(target, fact.part("values"), fact.index)
        parts = [_change(name, old, new) for name, old, new in changed]
        text = f"{_named(target)} was corrected by entry {fact.index}"
        if parts:
            text += ": " + "; ".join(parts)
        if fact.text("text"):
            text += f" ({fact.text('text')})"
        for exhibit in target.exhibits or (None,):
            findings.add("corrected", text, target.index, fact.index, exhibit=exhibit)


def described(facts: Sequence[Fact]) -> dict[str, str]:
    """Return a sentence for each correction, by its event id; call before `apply`.

    Each names its target with the exhibits, and each value as it stood before that correction.
    """
    by_id = {fact.event_id: fact for fact in facts}
    values: dict[str, dict[str, object]] = {}
    found: dict[str, str] = {}
    for fact in facts:
        if fact.kind != "correct":
            continue
        target = _target(fact, by_id)
        if target is None:
            found[fact.event_id] = "correction of an entry that is not here"
            continue
        known = values.setdefault(target.event_id, _signed(target))
        right = fact.part("values")
        parts = [_change(name, known.get(name), new) for name, new in right.items()]
        known.update(right)
        text = f"correction of {_named(target)}"
        found[fact.event_id] = text + (": " + "; ".join(parts) if parts else "")
    return found


def _target(fact: Fact, by_id: Mapping[str, Fact]) -> Fact | None:
    target = by_id.get(fact.text("corrects") or "")
    if target is None or target.case != fact.case or target.index >= fact.index:
        return None
    return target


def _named(target: Fact) -> str:
    about = ", ".join(target.exhibits) or target.case
    return f"entry {target.index} ({target.kind}" + (f", {about})" if about else ")")


def _signed(target: Fact) -> dict[str, object]:
    known: dict[str, object] = {**target.fields}
    known |= {name: target.heads[name] for name in HEADS if name in target.heads}
    if target.happened:
        known["happened"] = local_text(target.happened.start, target.offset, target.precision)
    return known


def _change(name: str, old: object, new: object) -> str:
    return f"{name}: {shown(old) if old is not None else 'nothing'} became {shown(new)}"
