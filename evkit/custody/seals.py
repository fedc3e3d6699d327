"""Seal numbers: those read when an exhibit changes hands against those recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State


def compare(fact: Fact, state: State, findings: Findings) -> None:
    """Compare the seals that an event reads with those recorded, and remark broken ones.

    Over several exhibits, plain numbers are read together: each exhibit's must be among them and
    none may be left over.
    """
    condition = fact.text("seal_condition")
    recorded: dict[str, tuple[int, tuple[str, ...]]] = {}
    for name in fact.exhibits:
        exhibit = state.exhibit(name)
        seal = exhibit.seal if exhibit else None
        if seal and seal.sealed:
            recorded[name] = (seal.entry, seal.numbers)
        if condition in {"broken", "missing"}:
            text = f"the seal of `{name}` was found {condition} (entry {fact.index})"
            events = (seal.entry, fact.index) if seal else (fact.index,)
            findings.add("seal-condition", text, *events, exhibit=name)
    if not fact.words("seal"):
        return
    known = {_norm(number) for _, numbers in recorded.values() for number in numbers}
    for name in fact.exhibits:
        entry, numbers = recorded.get(name, (None, ()))
        read = fact.numbered("seal", name)
        have = {_norm(number) for number in read}
        missing = [number for number in numbers if _norm(number) not in have]
        extra = [number for number in read if _norm(number) not in known]
        if not missing and not extra:
            continue
        events = (fact.index,) if entry is None else (entry, fact.index)
        text = f"`{name}`: entry {fact.index} reads seal {_list(read)}; recorded "
        text += f"by entry {entry}: {_list(numbers)}" if entry is not None else "is none"
        findings.add("seal-mismatch", text, *events, exhibit=name)


def _norm(number: str) -> str:
    return "".join(number.split()).casefold()


def _list(numbers: tuple[str, ...]) -> str:
    return ", ".join(numbers) if numbers else "none"
