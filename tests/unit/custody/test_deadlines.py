"""Deadlines of a profile."""

from __future__ import annotations

import datetime as dt

from evkit.custody.deadlines import MET, OVERDUE, RUNNING, due
from evkit.custody.profile import load_profile

PK = load_profile("pk")


def at(day, hour):
    return dt.datetime(2026, 11, day, hour, tzinfo=dt.UTC)


def test_the_report_to_the_court(ledger):
    ledger.add("case-open", title="x")
    ledger.add(
        "register", "E1", what="phone", authority_type="notice_31", at="2026-11-22T04:02:00.000Z"
    )
    found = due(ledger.replay(), PK, at(22, 12))
    assert [(d.id, d.state, d.started_by) for d in found] == [("court-24h", RUNNING, 1)]
    assert found[0].due == "2026-11-23T04:02:00.000Z"
    assert due(ledger.replay(), PK, at(24, 12))[0].state == OVERDUE
    met = ledger.add("note", text="told", meets="court-24h", at="2026-11-23T09:00:00.000Z")
    done = due(ledger.replay(), PK, at(24, 12))[0]
    assert (done.state, done.met_by, done.late) == (MET, met, True)
    assert "late" in done.sentence()


def test_an_acquisition_takes_the_authority_of_its_exhibit(ledger):
    ledger.add("case-open", title="x")
    ledger.add("register", "E1", what="phone", authority_type="notice_31")
    ledger.add("acquire-end", _acquisitions=["E1/A1"], result="complete")
    assert [d.started_by for d in due(ledger.replay(), PK, at(22, 12))] == [1, 2]


def test_other_authorities_start_nothing(ledger):
    ledger.add("case-open", title="x")
    ledger.add("register", "E1", what="phone", authority_type="warrant_33")
    assert due(ledger.replay(), PK, at(22, 12)) == []


def test_started_by_hand(ledger):
    ledger.add("case-open", title="x")
    ledger.add("note", text="owner asks for an image", starts="owner-image-7d")
    found = due(ledger.replay(), PK, at(22, 12))
    assert [d.id for d in found] == ["owner-image-7d"]
    assert "days" in found[0].sentence()
    assert due(ledger.replay(), load_profile("int"), at(22, 12)) == []


def test_a_report_before_the_start_meets_nothing(ledger):
    ledger.add("case-open", title="x")
    ledger.add("note", text="told early", meets="court-24h")
    ledger.add("register", "E1", what="phone", authority_type="notice_31")
    assert [d.state for d in due(ledger.replay(), PK, at(22, 12))] == [RUNNING]
