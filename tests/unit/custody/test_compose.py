"""From typed text to drafts: types, personal values, hostile input."""

from __future__ import annotations

import datetime as dt

import pytest

from evkit.core.errors import UsageError
from evkit.custody.compose import Typed, compose


def register(**values):
    return compose(
        Typed(
            kind="register", case="C1", exhibits=("C1/E1",),
            values={"what": "phone", **values}, offset="+05:00",
        )
    )  # fmt: skip


def test_texts_get_their_types():
    draft = register(
        quantity="2", imei="356938035643809, 356938035643810", nature="copy",
        derived_from="C1/E2,C1/E3/A1", search_start="2026-11-22 14:05", place="Karachi",
        happened="2026-11-22",
    )  # fmt: skip
    assert draft.fields["quantity"] == 2
    assert draft.fields["imei"] == ["356938035643809", "356938035643810"]
    assert draft.fields["derived_from"] == ["C1/E2", "C1/E3/A1"]
    assert draft.fields["search_start"] == "2026-11-22T09:05:00.000Z"
    assert draft.place == "Karachi"
    assert draft.happened.time == "2026-11-21T19:00:00.000Z"
    assert draft.happened.precision == "day"
    assert "place" not in draft.fields
    assert "happened" not in draft.fields


def test_persons_become_dotted_texts():
    draft = register(
        witnesses=["First Witness", {"name": "Second", "cnic": "17301-1234567-1"}],
        **{"seized_from": "Accused", "owner.phone": "0300 1234567", "owner.name": "X"},
    )
    assert draft.sensitive == {
        "witnesses.1.name": "First Witness",
        "witnesses.2.name": "Second",
        "witnesses.2.cnic": "17301-1234567-1",
        "seized_from.name": "Accused",
        "owner.phone": "0300 1234567",
        "owner.name": "X",
    }
    assert "witnesses" not in draft.fields


def test_persons_by_number():
    draft = register(**{"witnesses.1": "A", "witnesses.1.cnic": "1", "witnesses.2.name": "B"})
    assert sorted(draft.sensitive) == ["witnesses.1.cnic", "witnesses.1.name", "witnesses.2.name"]


def test_any_text_can_be_marked_sensitive():
    typed = Typed(
        kind="note", case="C1", values={"text": "open", "sensitive": {"remarks": "closed"}},
        sensitive={"reference": "12"},
    )  # fmt: skip
    draft = compose(typed)
    assert draft.sensitive == {"remarks": "closed", "reference": "12"}
    assert draft.fields == {"text": "open"}


def test_a_day_from_yaml():
    draft = compose(
        Typed(kind="note", case="C1", values={"text": "x", "happened": dt.date(2026, 11, 22)})
    )
    assert draft.happened.precision == "day"


def test_the_option_wins_over_the_file():
    draft = compose(
        Typed(kind="note", case="C1", values={"text": "x", "happened": "2026-11-21"},
              happened="2026-11-22")
    )  # fmt: skip
    assert draft.happened.time.startswith("2026-11-22")


@pytest.mark.parametrize(
    "values",
    [
        {"colour": "red"},
        {"serial": 83},  # YAML reads 0123 as 83: numbers must be in quotes
        {"serial": True},
        {"serial": ["a"]},
        {"serial": ""},
        {"serial": "x" * 5000},
        {"serial": "bad \udcff byte"},
        {"serial.1": "x"},
        {"quantity": "two"},
        {"quantity": 2**60},
        {"quantity": True},
        {"imei": []},
        {"imei": [356938035643809]},
        {"nature": "fake"},
        {"part_of": "C1"},
        {"derived_from": "C1/E2, x"},
        {"search_start": "yesterday"},
        {"search_start": "2026-02-30"},
        {"witnesses": []},
        {"witnesses": [{"nickname": "x"}]},
        {"witnesses": [{"cnic": 17301}]},
        {"witnesses": [{}]},
        {"witnesses.x": "A"},
        {"witnesses.0": "A"},
        {"witnesses.1.nickname": "A"},
        {"witnesses.1.name.x": "A"},
        {"witnesses": ["A"], "witnesses.1.name": "B"},
        {"seized_from": 3},
        {"happened": dt.datetime(2026, 11, 22, 1, 2)},
        {"happened": "noon"},
        {"place": 3},
        {"attachments": "x"},
        {"sensitive": "x"},
        {"sensitive": {"quantity": "1"}},
        {"sensitive": {"what": "phone"}},
        {"sensitive": {"seized_from.name": "A"}, "seized_from": "B"},
    ],
)
def test_malformed_values_are_refused(values):
    with pytest.raises(UsageError):
        register(**values)


def test_a_wrong_name_is_suggested():
    with pytest.raises(UsageError) as caught:
        register(seriel="x")
    assert caught.value.hint == "did you mean `serial`?"
