"""Seal numbers: those read when an exhibit changes hands against those recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evkit.core.errors import UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State
    from evkit.ledger.event import Draft

_OWNED = re.compile("(E[0-9]+):(.*)", re.ASCII | re.DOTALL)


def check_owners(draft: Draft) -> None:
    """Refuse a seal number of an exhibit that the event does not name.

    Raises:
        UsageError: `E9:S-6` in an event that is not about E9.
    """
    named = _numbers_of_exhibits(draft)
    for text in _texts(draft):
        match = _OWNED.fullmatch(text)
        if match and match[1] not in named:
            listed = ", ".join(named) or "no exhibit"
            raise UsageError(
                f"seal `{escape(text)}` is that of {match[1]}, which is not named in the command",
                hint=f"named: {listed}; name {draft.case}/{match[1]} too, or correct the number",
            )


def unclear(draft: Draft) -> list[tuple[str, str]]:
    """Return deviations of a sealing whose numbers do not say which exhibit has which."""
    if draft.kind != "seal" or not _texts(draft):
        return []
    owned = [(match[1], match[2]) for text in _texts(draft) if (match := _OWNED.fullmatch(text))]
    plain = [text for text in _texts(draft) if _OWNED.fullmatch(text) is None]
    found = []
    if plain and len(draft.exhibits) > 1:
        listed = ", ".join(f"`{text}`" for text in plain)
        text = f"seal {listed} is given for {' and '.join(draft.exhibits)} together"
        found.append(("seal-shared", text))
    with_number = {name for name, number in owned if number.strip()}
    bare = [ref for ref in draft.exhibits if ref.rpartition("/")[2] not in with_number]
    if bare and not plain:
        found.append(("seal-unnumbered", f"no seal number is given for {', '.join(bare)}"))
    return found


def _numbers_of_exhibits(draft: Draft) -> list[str]:
    refs = [*draft.exhibits, *(name.rpartition("/")[0] for name in draft.acquisitions)]
    return list(dict.fromkeys(ref.rpartition("/")[2] for ref in refs))


def _texts(draft: Draft) -> list[str]:
    value = draft.fields.get("seal")
    return (
        [text for text in value if isinstance(text, str)]
        if isinstance(value, (list, tuple))
        else []
    )


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
