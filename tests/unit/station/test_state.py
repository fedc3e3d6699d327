"""Events and the replayed state: read once while the ledger is the same, and again when it grew."""

from __future__ import annotations

import copy
import dataclasses

import pytest
from stations import note, register

from evkit.core.errors import InputError
from evkit.custody.foresee import Next, foresee
from evkit.ledger.event import Draft, Recorded
from evkit.station import reading
from evkit.station import station as station_module


def test_it_is_kept_until_the_ledger_grows(made, station):
    whole, case = station.state(), station.state("C1")
    assert station.state() is whole
    assert station.state("C1") is case
    assert len(case.entries) < len(whole.entries)
    station.record(note("C1", "one"), made.officer)
    assert [entry.kind for entry in station.state("C1").entries][-1] == "note"
    assert len(station.state().entries) == len(whole.entries) + 1


def test_what_another_process_recorded_is_seen(made, station):
    assert station.state("C1").state.exhibit("C1/E2") is None
    with made.open() as other:
        other.record(register("C1/E2"), made.officer)
    assert station.state("C1").state.exhibit("C1/E2") is not None


def test_every_entry_is_read_strictly_once(made, station, monkeypatch):
    read = []

    def counted(entry):
        read.append(entry.index)
        return reading.event_of(entry)

    monkeypatch.setattr(station_module, "event_of", counted)
    first = list(station.events())
    station.state()
    station.record(note("C1", "one"), made.officer)
    assert list(station.events())[:-1] == first
    assert list(station.events("C1"))[-1][1].kind == "note"
    assert read == list(range(len(first) + 1))


def test_other_bytes_are_read_again(station):
    """What is kept belongs to the bytes, not to the number or the id of an entry."""
    entries = list(station.entries())
    list(station.events())
    changed = dataclasses.replace(entries[0], envelope=entries[1].envelope)
    with pytest.raises(InputError, match="is another event"):
        station._event(changed)


def test_more_than_are_kept(station, monkeypatch):
    whole = list(station.events())
    monkeypatch.setattr(station_module, "_KEPT", 1)
    station._events.clear()
    assert list(station.events()) == whole
    assert len(station._events) == 1


def test_nothing_changes_what_is_kept(made, station):
    """Corrections and seals change facts of a replay, never the events themselves."""
    fields = {"what": "a disk", "seal": ["S-1"]}
    register_it = Draft(kind="register", case="C1", exhibits=("C1/E7",), fields=fields)
    first = station.record(register_it, made.officer).event_id
    values = {"what": "another"}
    correct = {"corrects": first, "values": values, "text": "wrong label"}
    station.record(Draft(kind="correct", case="C1", exhibits=("C1/E7",), fields=correct),
                   made.officer)  # fmt: skip
    before = copy.deepcopy(list(station.events()))
    station.state()
    now = Recorded("2031-01-01T00:00:00.000Z", "+05:00", "system")
    following = Next(index=station.head().size, actor=None, recorded=now)
    foresee(station.events("C1"), note("C1", "x"), following, station.profile)
    assert station.state("C1").state.exhibit("C1/E7").fields["what"] == "another"
    assert list(station.events()) == before
