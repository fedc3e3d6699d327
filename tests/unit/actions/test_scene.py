"""Asking before the first read: equipment offered, answers kept per case, never persons."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import stations

from evkit.acquire import log, sysfs, udev
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


def medium(station, made, **values):
    gear.add(station, made.officer, Request(kind="medium", refs=(), values=values))


def test_the_destination_medium_is_asked_where_media_are_on_the_list(station, made):
    medium(station, made, label="STORE-07", make="WD", serial="WX31", wiped="zeros")
    medium(station, made, label="OLD", retired="lost")
    person = Person("?", *REST, "2", "1")
    found = scene.ask(station, "C1/E1", {}, person)
    assert found.asked[-1] == "destination.medium"
    fields = {name: value for name, value in found.fields.items() if name.startswith("dest")}
    assert fields == {
        "destination.medium": "STORE-07: WD",
        "destination.serial": "WX31",
        "destination.wiped": "zeros",
    }
    assert not any("OLD" in note for note in person.notes)
    again = scene.ask(station, "C1/E2", {}, Person(*["?"] * 11, "")).fields
    assert again["destination.serial"] == "WX31"
    given = scene.ask(station, "C1/E2", {"destination.medium": "own"}, Person(*["?"] * 11)).fields
    assert given["destination.medium"] == "own"
    kept = {k: v for k, v in scene.recall(station, "C1").items() if k.startswith("destination")}
    assert kept == {"destination.medium": "own"}


def test_a_medium_is_recognised_by_its_file_system(station, made, tmp_path, monkeypatch):
    medium(station, made, label="STORE-07", serial="WX31", file_system_uuid="3E5C-0B71")
    lists = gear.known(station)
    record = udev.parse(b"E:ID_FS_UUID=3E5C-0B71")
    monkeypatch.setattr(sysfs, "devices_of", lambda folder: {"8:1"} if folder == b"/m" else set())
    monkeypatch.setattr(udev, "read", lambda device: record)
    assert gear.medium_at(lists, b"/m") == {
        "destination.medium": "STORE-07",
        "destination.serial": "WX31",
    }
    assert gear.medium_at(lists, b"/n") == {}
    person = Person(*["?"] * 11)
    found = scene.ask(station, "C1/E1", {}, person, destination=b"/m")
    assert "destination.medium" not in found.asked
