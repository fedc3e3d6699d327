"""The projection follows the ledger, is made again at will, and nothing depends on it."""

from __future__ import annotations

import os

import pytest
from stations import note, open_case, register

from evkit.ledger.event import Draft
from evkit.station import layout
from evkit.station.index import Index


def _content(index: Index) -> list[object]:
    cases = index.cases()
    return [cases] + [(index.exhibits(case.case), index.events(case.case)) for case in cases]


def test_it_follows_the_ledger(made, station):
    assert [row.case for row in station.index().cases()] == ["C1"]
    station.record_many([open_case("c0"), register("c0/E1"), note("C1", "n")], made.officer)
    index = station.index()
    assert [(row.case, row.events) for row in index.cases()] == [("c0", 2), ("C1", 3)]
    assert [row.ref for row in index.exhibits("C0")] == ["c0/E1"]
    assert [row.kind for row in index.events("c1")] == ["case-open", "register", "note"]
    assert [row.kind for row in index.events("C1/E1")] == ["register"]
    assert index.events("C9") == []
    close = Draft(kind="case-close", case="C1", fields={"outcome": "convicted"})
    done = station.record(close, made.officer)
    assert {row.case: row.closed for row in station.index().cases()}["C1"] == done.index


def test_rebuilt_is_the_same(made, station):
    station.record_many([open_case("C2"), register("C2/E1"), register("C2/E2")], made.officer)
    kept = _content(station.index())
    path = station.place.path(layout.INDEX)
    rebuilt = Index.rebuild(path, station.store)
    assert _content(rebuilt) == kept
    rebuilt.close()


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_damage_does_not_matter(made, station, content):
    kept = _content(station.index())
    station.close()
    path = station.place.path(layout.INDEX)
    with open(path, "wb") as handle:
        handle.write(content)
    with made.open() as again:
        assert _content(again.index()) == kept


def test_the_index_of_another_ledger_is_thrown_away(made, station, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(made.path, copy)
    station.record_many([open_case("C5"), note("C5", "x")], made.officer)
    kept = _content(station.index())
    from evkit.station import Station

    with Station.open(copy) as other:
        other.index()
        shutil.copyfile(made.path / "index.db", copy / "index.db")
    with Station.open(copy) as other:
        assert [row.case for row in other.index().cases()] == ["C1"]
    assert _content(station.index()) == kept


def test_in_memory_where_it_cannot_be_kept(made, station):
    path = os.path.join(os.fsencode(made.path), b"no-such-folder", b"index.db")
    index = Index.open(path, station.store)
    assert [row.case for row in index.cases()] == ["C1"]
    index.close()
