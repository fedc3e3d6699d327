"""Replay of equipment, media and hash sets; of the first two a later entry adds, value by value."""

from __future__ import annotations

import datetime as _dt
from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.custody.state import ListedSet, Medium, Piece, PieceTest

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.custody.facts import Fact
    from evkit.custody.findings import Findings
    from evkit.custody.state import State

_OF_A_TEST = frozenset(("tested", "test_result", "test_report", "tested_by"))


def _equipment(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    name = fact.text("name")
    if name is None:
        return
    piece = state.equipment.setdefault(name.casefold(), Piece(name=name))
    piece.fields.update(
        {key: value for key, value in fact.fields.items() if key not in {"name", *_OF_A_TEST}}
    )
    piece.entries.append(fact.index)
    day = fact.text("tested")
    if day is not None and _is_day(day):
        test = PieceTest(
            day=day,
            result=fact.text("test_result"),
            report=fact.text("test_report"),
            by=fact.text("tested_by"),
            entry=fact.index,
        )
        piece.tests = sorted([*piece.tests, test], key=lambda each: each.day)


def _is_day(text: str) -> bool:
    try:
        return _dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _medium(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    label = fact.text("label")
    if label is None:
        return
    medium = state.media.setdefault(
        label.casefold(), Medium(label=label, added=clock.format_utc(fact.start))
    )
    medium.fields.update({key: value for key, value in fact.fields.items() if key != "label"})
    medium.entries.append(fact.index)


def _hashset(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    name = fact.text("name")
    if name is not None:
        fields = {key: value for key, value in fact.fields.items() if key != "name"}
        state.hashsets[name] = ListedSet(name=name, fields=fields, entry=fact.index)


def _hashset_remove(fact: Fact, state: State, findings: Findings) -> None:  # noqa: ARG001
    known = state.hashsets.get(fact.text("name") or "")
    if known is not None:
        known.removed_entry = fact.index


HANDLERS: dict[str, Callable[[Fact, State, Findings], None]] = {
    "equipment": _equipment,
    "medium": _medium,
    "hashset": _hashset,
    "hashset-remove": _hashset_remove,
}
