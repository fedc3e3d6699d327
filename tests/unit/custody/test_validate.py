"""Validation: procedure is recorded, malformed values are refused."""

from __future__ import annotations

import datetime as dt

import pytest

from evkit.core.errors import UsageError
from evkit.custody.compose import Typed, compose
from evkit.custody.profile import load_profile
from evkit.custody.validate import DEVIATIONS, Context, complete, people_count, validate
from evkit.ledger.event import Deviation, Draft, Happened

PK = load_profile("pk")
NOW = dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC)


def draft(kind="seal", **values):
    return compose(Typed(kind=kind, case="C1", exhibits=("C1/E1",), values=values))


def codes(found):
    return [deviation.code for deviation in found]


def test_what_the_profile_asks_for_is_a_deviation_with_a_reason():
    found = validate(draft(place="Karachi"), PK, Context(reason="nobody came"))
    assert codes(found) == ["missing-fields", "missing-witnesses"]
    assert "`seal`" in found[0].text
    assert "`place`" not in found[0].text
    assert {deviation.reason for deviation in found} == {"nobody came"}


def test_without_a_reason_it_says_so():
    assert {d.reason for d in validate(draft(), PK)} == {"not stated"}


def test_nothing_is_asked_for_without_a_profile():
    assert validate(draft(), None) == []


def test_given_as_a_commitment_counts_as_given():
    values = {"witnesses": ["A", "B"], "seal": "S-1", "condition": "good", "place": "x"}
    assert validate(draft(**values), PK) == []


def test_a_stated_departure_is_kept():
    found = validate(draft(), None, Context(reason="the street was flooded", now=NOW))
    assert codes(found) == ["stated"]
    assert found[0].reason == "the street was flooded"


def test_completing_twice_adds_nothing():
    once = complete(draft(), PK, Context(reason="night"))
    assert complete(once, PK) == once
    assert complete(once, PK, Context(reason="night")) == once


def test_an_unusual_role():
    assert codes(validate(draft(), None, Context(role="prosecutor"))) == ["unusual-role"]
    assert validate(draft(), None, Context(role="officer")) == []
    assert validate(draft("note", text="x"), None, Context(role="prosecutor")) == []


def test_clocks():
    late = compose(
        Typed(kind="note", case="C1", values={"text": "x"}, happened="2026-11-20", offset="+05:00")
    )
    context = Context(now=NOW, last_recorded=NOW + dt.timedelta(minutes=1))
    assert codes(validate(late, PK, context)) == ["clock-backwards", "late-entry"]
    future = Draft(
        kind="note", case="C1", fields={"text": "x"},
        happened=Happened("2027-01-01T00:00:00.000Z", "day", "officer"),
    )  # fmt: skip
    assert codes(validate(future, PK, Context(now=NOW))) == ["future"]


def test_an_unknown_authority():
    found = validate(draft("note", text="x", authority_type="whim"), PK)
    assert codes(found) == ["unknown-authority"]


@pytest.mark.parametrize(
    "bad",
    [
        Draft(kind="teleport", case="C1"),
        Draft(kind="seal", case="C1"),
        Draft(kind="seal", exhibits=("C1/E1",)),
        Draft(kind="seal", case="C1", exhibits=("C2/E1",)),
        Draft(kind="seal", case="C1", exhibits=("C1/E1/A1",)),
        Draft(kind="seal", case="C1", exhibits=("C1/E1", "C1/E1")),
        Draft(kind="seal", case="C1", exhibits=("nonsense",)),
        Draft(kind="verify", case="C1", fields={"result": "pass"}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), fields={"colour": "red"}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), fields={"seal": "S-1"}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), fields={"seal_condition": "fine"}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), fields={"witnesses": ["A"]}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), sensitive={"seal": "S-1"}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), sensitive={"nobody.1": "x"}),
        Draft(kind="seal", case="C1", exhibits=("C1/E1",), place=""),
        Draft(kind="correct", case="C1", fields={"text": "x"}),
        Draft(kind="incident", case="C1"),
        Draft(
            kind="note", case="C1", fields={"text": "x", "remarks": "x"}, sensitive={"remarks": "x"}
        ),
        Draft(kind="note", case="C1", happened=Happened("2026-11-22T00:00:00.000Z", "week", "x")),
    ],
)
def test_what_cannot_be_signed_is_refused(bad):
    with pytest.raises(UsageError):
        validate(bad, PK)


def test_an_existing_deviation_is_not_repeated_whatever_its_reason():
    first = validate(draft(), PK)
    kept = Draft(
        kind="seal", case="C1", exhibits=("C1/E1",),
        deviations=tuple(Deviation(d.code, d.text, "another") for d in first),
    )  # fmt: skip
    assert validate(kept, PK) == []


def test_people_are_counted_by_number():
    assert (
        people_count(["witnesses.1.name", "witnesses.1.cnic", "witnesses.2.name"], "witnesses") == 2
    )
    assert people_count(["owner.name"], "witnesses") == 0


def test_every_code_is_described(repository):
    page = (repository / "docs" / "spec" / "custody-findings.md").read_text()
    for code, text in DEVIATIONS.items():
        assert f"| `{code}` | {text} |" in page


def test_one_witness_is_not_two():
    values = {"seal": "S-1", "condition": "good", "place": "x"}
    assert codes(validate(draft(witnesses=["A"], **values), PK)) == ["missing-witnesses"]
