"""What an entry will be remarked for, known before it is signed."""

from __future__ import annotations

import custodykit
import pytest

from evkit.core import clock
from evkit.core.errors import UsageError
from evkit.custody import seals
from evkit.custody.compose import Typed, compose
from evkit.custody.foresee import Next, foresee, summary_of
from evkit.custody.profile import load_profile
from evkit.ledger.event import Actor, Recorded

PK = load_profile("pk")


def draft(kind, *exhibits, **values):
    refs = tuple(f"C1/{e}" for e in exhibits)
    return compose(Typed(kind=kind, case="C1", exhibits=refs, values=values, offset="+05:00"))


def seen(ledger, made, by="first"):
    name, rank, badge, role = custodykit.OFFICERS[by] if by else (None, None, None, None)
    actor = Actor(by, name, role, "cd" * 32, rank, badge) if by else None
    following = Next(
        index=len(ledger.events), actor=actor, recorded=Recorded.of(clock.now())
    )  # fmt: skip
    return {item.code: item for item in foresee(ledger.events, made, following, PK)}


def test_nothing_wrong_nothing_said(ledger):
    ledger.start()
    assert seen(ledger, draft("seal", "E1", seal="S-1")) == {}


def test_what_an_incident_says_is_not_advice(ledger):
    ledger.start()
    assert seen(ledger, draft("incident", "E1", text="lost", outcome="lost")) == {}


def test_a_remark_of_an_earlier_entry_is_not_said_again(ledger):
    ledger.start()
    ledger.add("check-out", "E1", by="second")
    assert "custody-gap" in ledger.codes()
    assert "custody-gap" not in seen(ledger, draft("check-in", "E1", location="safe"), by="second")
    assert seen(ledger, draft("check-out", "E1"), by="second").keys() == {
        "check-out-while-out", "custody-gap",
    }  # fmt: skip


def test_hands_are_compared_only_when_it_is_known_who_signs(ledger):
    ledger.start()
    ledger.add("store", "E1", by="second", location="safe")
    made = draft("seal", "E1", seal="S-1")
    assert seen(ledger, made, by="first")["no-check-out"].command == (
        "evkit custody record check-out C1/E1 --set to=NAME"
    )
    assert seen(ledger, made, by=None) == {}


def test_numbers_from_the_ledger_are_quoted(ledger):
    ledger.start()
    ledger.add("seal", "E1", seal="S 1'; rm -rf x")
    command = seen(ledger, draft("seal", "E1", seal="S-2"))["seal-while-sealed"].command
    assert command.endswith("--set seal='S 1'\\''; rm -rf x'")


def test_a_correction_is_described_before_it_is_signed(ledger):
    ledger.start()
    made = draft("correct", "E1", corrects=custodykit.event_id(1), values={"quantity": "2"})
    text = summary_of(ledger.events, made, 2, Recorded.of(clock.now()))
    assert text == "correction of entry 1 (register, C1/E1): quantity: nothing became 2"


@pytest.mark.parametrize(
    ("numbers", "codes"),
    [
        (["E1:1", "E2:2"], []),
        (["1"], ["seal-shared"]),
        (["E1:1"], ["seal-unnumbered"]),
        (["E1:1", "2"], ["seal-shared"]),
        (["E1:", "E2:2"], ["seal-unnumbered"]),
        ([], []),
    ],
)
def test_numbers_over_several_exhibits(numbers, codes):
    values = {"seal": numbers} if numbers else {}
    assert [code for code, _ in seals.unclear(draft("seal", "E1", "E2", **values))] == codes


def test_a_number_of_another_exhibit_is_refused():
    with pytest.raises(UsageError, match="E9"):
        seals.check_owners(draft("seal", "E1", seal=["E9:S-6"]))
    seals.check_owners(draft("seal", "E1", seal=["E1:S-6", "Evidence:7"]))
