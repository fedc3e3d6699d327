"""The replayed state: kept while the ledger is the same, made again when it has grown."""

from __future__ import annotations

from stations import note, register


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
