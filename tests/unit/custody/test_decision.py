"""What is left out by decision: what, why and who, from the events; any JSON may stand there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.custody.decision import Side, decide

REF = "C1/E1/A1"
PART = {"words": "partition 2: bytes 1,024 to 2,048 of 4,096", "offset": 1024, "length": 1024}
START = Side(
    {"type": "partition", "scope": "data partition", "reason": "the rest is empty"}, "SI A"
)


def words(start, end):
    return [decision.sentence for decision in decide(REF, start, end)]


def end(fields, deviations=(), who="SI B"):
    return Side({"result": "complete", **fields}, who, deviations)


def test_a_part():
    (found,) = words(START, end({"type": "partition", "part": PART}))
    assert found.startswith(f"{REF} is partial by decision: {PART['words']}; why: data partition; ")
    assert found.endswith("; the rest is empty; who: SI A")


def test_without_a_start_the_end_counts():
    assert words(None, end({"type": "range", "part": PART}))[0].endswith(
        "why: not stated; who: SI B"
    )
    assert words(None, end({"type": "range"}))[0].startswith(
        f"{REF} is partial by decision: range;"
    )


@pytest.mark.parametrize("result", ["failed", "stopped", None, 3])
def test_nothing_is_said_where_nothing_was_taken(result):
    fields = {"result": result, "type": "partition", "part": PART}
    assert decide(REF, START, Side(fields, "SI B")) == []


def test_a_full_acquisition_with_gaps_is_no_decision():
    fields = {"result": "with-gaps", "type": "full", "unread": {"bytes": 512, "untried": 512}}
    assert decide(REF, Side({"type": "full"}, "SI A"), Side(fields, "SI B")) == []


def test_a_running_system():
    found = words(Side({"type": "live", "scope": "s"}, "SI A"), end({"type": "live"}))
    assert found == [
        f"{REF} was taken from a running system: of no single moment; why: s; who: SI A"
    ]


def test_closed_by_decision():
    stated = [{"code": "closed-as-partial", "text": "t", "reason": "the disk is dying"}]
    fields = {"result": "with-gaps", "type": "full", "unread": {"bytes": 99, "untried": 77}}
    found = decide(REF, Side({"type": "full"}, "SI A"), Side(fields, "SI B", stated))
    assert [one.sentence for one in found] == [
        f"{REF} was closed by decision with 77 bytes not tried; why: the disk is dying; who: SI B"
    ]
    both = Side({**fields, "type": "partition", "part": PART}, "SI B", stated)
    assert [one.kind for one in decide(REF, START, both)] == ["partial", "closed"]
    assert decide(REF, START, Side({**fields, "unread": {"untried": 0}}, "", stated)) == []


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"seen": {"files": 9, "whole": True}}, "targeted: 1 file, 5 bytes of 9 files seen"),
        ({"seen": {"files": 9}}, "targeted: 1 file, 5 bytes of at least 9 files seen"),
        ({"not_there": 2}, "not counted; 2 of the list not there"),
        ({"live": True}, "of no single moment"),
    ],
)
def test_files_of_a_list(selection, words):
    fields = {"type": "targeted", "files": 1, "bytes": 5, "selection": selection}
    found = decide(REF, None, end(fields))
    assert any(words in one.words for one in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = ("type", "part", "scope", "reason", "selection", "unread", "files", "bytes")
FIELDS = st.dictionaries(st.sampled_from(NAMES), JSON)


@given(FIELDS, FIELDS, st.lists(st.dictionaries(st.sampled_from(("code", "reason")), JSON)))
def test_any_json(start, fields, deviations):
    whole = {**fields, "result": "complete", "unread": {"untried": 1}}
    stated = [*deviations, {"code": "closed-as-partial", "reason": fields.get("scope")}]
    for one in decide(REF, Side(start, "A"), Side(whole, "B", stated)):
        assert one.sentence.startswith(REF)
        assert set(one.document()) == {"kind", "acquisition", "what", "why", "who"}
