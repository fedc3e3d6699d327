"""Equipment and media as the replay sees them."""

from __future__ import annotations

import datetime as _dt

import pytest

from evkit.custody import gear
from evkit.custody.findings import Findings
from evkit.custody.state import State


class Fact:
    """As much of a fact as the handlers look at."""

    def __init__(self, index, **fields):
        self.index, self.fields = index, fields
        self.start = _dt.datetime(2026, 11, 22, 9, tzinfo=_dt.UTC)

    def text(self, name):
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None


def replayed(kind, *facts):
    state = State()
    for fact in facts:
        gear.HANDLERS[kind](fact, state, Findings())
    return state


def test_a_later_entry_adds():
    state = replayed(
        "equipment",
        Fact(
            3,
            name="T35u-1",
            what="write-blocker",
            serial="0A17",
            tested="2026-05-01",
            test_result="passed",
        ),
        Fact(5, name="t35U-1", firmware="2.1", tested="2025-01-01", test_result="failed"),
        Fact(9, name="Dock", what="dock"),
    )
    assert list(state.equipment) == ["t35u-1", "dock"]
    piece = state.equipment["t35u-1"]
    assert (piece.name, piece.entries) == ("T35u-1", [3, 5])
    assert piece.fields == {"what": "write-blocker", "serial": "0A17", "firmware": "2.1"}
    assert [(test.day, test.result, test.entry) for test in piece.tests] == [
        ("2025-01-01", "failed", 5),
        ("2026-05-01", "passed", 3),
    ]
    document = state.document()["equipment"][0]
    assert document["tests"][0] == {"day": "2025-01-01", "result": "failed", "entry": 5}


@pytest.mark.parametrize("day", ["2026-13-01", "x", "2026-1-1", "20260101", 5, ""])
def test_days_that_are_none(day):
    assert replayed("equipment", Fact(1, name="A", tested=day)).equipment["a"].tests == []


def test_media():
    state = replayed(
        "medium",
        Fact(2, label="STORE-07", serial="W1"),
        Fact(4, label="store-07", use="master"),
        Fact(5, serial="without label"),
    )
    medium = state.media["store-07"]
    assert medium.document() == {
        "label": "STORE-07",
        "serial": "W1",
        "use": "master",
        "added": "2026-11-22T09:00:00.000Z",
        "entries": [2, 4],
    }
    assert len(state.media) == 1


def test_a_nameless_piece_is_nothing():
    assert replayed("equipment", Fact(1, name=""), Fact(2, name=7), Fact(3)).equipment == {}
