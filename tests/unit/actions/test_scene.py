"""Asking before the first read: equipment offered, answers kept per case, never persons."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import stations

from evkit.acquire import log
from evkit.actions import gear, scene
from evkit.actions.custody import Request
from evkit.custody.compose import Typed, compose
from evkit.station import state


class Person:
    """Answers in order; what is asked and noted is kept."""

    def __init__(self, *answers):
        self.answers, self.asked, self.notes = list(answers), [], []

    def line(self, question, default):
        self.asked.append((question, default))
        answer = self.answers.pop(0)
        return (default or "") if answer == "" else answer

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def made(tmp_path):
    return stations.ready(tmp_path / "station")


@pytest.fixture
def station(made):
    with made.open() as opened:
        yield opened


def blocker(station, made, **more):
    values = {
        "name": "T35u-1",
        "what": "write-blocker",
        "make": "Tableau",
        "model": "T35u",
        "serial": "0A17",
        "tested": "2026-01-02",
        "test_result": "passed",
        **more,
    }
    gear.add(station, made.officer, Request(kind="equipment", refs=(), values=values))


REST = [
    "off",
    "?",
    "no clock",
    "Seagate",
    "ST500",
    "Z2A1B3C4",
    "warrant 12",
    "",
    "lab",
    "First Witness, Second",
]


def test_a_blocker_of_the_station_is_chosen_by_number(station, made):
    blocker(station, made)
    person = Person("1", *REST)
    found = scene.ask(station, "C1/E1", {}, person)
    assert any("T35u-1: write-blocker, Tableau T35u, serial 0A17" in note for note in person.notes)
    fields = dict(found.fields)
    assert fields["write_blocker.tested"] == "2026-01-02, passed"
    assert fields["write_blocker.firmware"] == "not known"
    assert fields["source.seals"] == "not known"
    assert fields["witnesses.2.name"] == "Second"
    assert fields["not_known"] == ["purpose", "source.seals", "write_blocker.firmware"]
    assert found.label == {"make": "Seagate", "model": "ST500", "serial": "Z2A1B3C4"}
    items, rest = log.stated(fields)
    draft = compose(Typed(kind="acquire-start", case="C1", exhibits=("C1/E1",), values=rest))
    assert draft.authority == "warrant 12"
    assert draft.purpose is None
    assert draft.sensitive["witnesses.1.name"] == "First Witness"
    assert items["source.power_state"] == "off"


def test_repeated_answers_are_kept_for_the_case_alone(station, made):
    blocker(station, made)
    scene.ask(station, "C1/E1", {}, Person("1", *REST))
    path = state.file_for("scene", station.origin, "C1")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    raw = Path(os.fsdecode(path)).read_bytes()
    for secret in (b"Witness", b"Z2A1B3C4", b"no clock", b"not known"):
        assert secret not in raw
    assert b"warrant 12" in raw
    again = Person(*[""] * 11)
    fields = scene.ask(station, "C1/E2", {}, again).fields
    assert again.asked[0] == ("write blocker (1, make, or `none`)", "1")
    assert fields["write_blocker.serial"] == "0A17"
    assert (fields["authority"], fields["place"]) == ("warrant 12", "lab")
    assert "source.power_state" in fields["not_known"]
    other = Person(*["?"] * 11)
    scene.ask(station, "C2/E1", {}, other)
    assert all(default is None for _, default in other.asked)


def test_no_blocker_has_a_reason(station):
    person = Person("none", "none fits", *REST)
    fields = scene.ask(station, "C1/E1", {}, person).fields
    assert fields["write_blocker.none"] == "none fits"
    assert scene.recall(station, "C1")["write_blocker.none"] == "none fits"
    fields = scene.ask(station, "C1/E1", {}, Person("Tableau", "T8u", "", "", *REST)).fields
    assert fields["write_blocker.model"] == "T8u"
    assert fields["write_blocker.serial"] == "not known"
    assert "write_blocker.none" not in scene.recall(station, "C1")


def test_wrong_numbers_and_retired_pieces(station, made):
    blocker(station, made)
    blocker(station, made, name="Old", retired="broken")
    person = Person("2", "1", *REST)
    scene.ask(station, "C1/E1", {}, person)
    assert "  there is no such number" in person.notes
    assert not any("Old" in note for note in person.notes)


def test_an_answer_that_cannot_be_signed_is_asked_again(station):
    person = Person("?", "x" * 5000, "off", *REST[1:])
    fields = scene.ask(station, "C1/E1", {}, person).fields
    assert fields["source.power_state"] == "off"
    assert any("4096" in note or "4,096" in note for note in person.notes)


def test_without_a_person_nothing_is_asked(station):
    given = {"label": {"serial": "S1234"}, "authority": "not known", "x": 1}
    found = scene.ask(station, "C1/E1", given)
    assert found.fields == {"label.serial": "S1234", "x": 1, "not_known": ["authority"]}
    assert found.asked == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"schema":"x"}',
        b"\xff" * 50,
        b'{"answers":[1],"schema":"evkit/scene-answers/1"}',
        b'{"answers":{"place":1,"witnesses":"A"},"schema":"evkit/scene-answers/1"}',
    ],
)
def test_damaged_answers_are_none(station, raw):
    path = state.file_for("scene", station.origin, "C1")
    state.prepare(path)
    with open(path, "wb") as handle:
        handle.write(raw)
    assert scene.recall(station, "C1") == {}
    person = Person(*["?"] * 11)
    scene.ask(station, "C1/E1", {}, person)
