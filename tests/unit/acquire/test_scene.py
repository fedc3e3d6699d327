"""Which questions are open, and what becomes of *not known*."""

from __future__ import annotations

import pytest

from evkit.acquire import log, scene
from evkit.custody.kinds import kind_of


def test_every_answer_has_a_place():
    fields = kind_of("acquire-start").fields
    for question in (*scene.QUESTIONS, *scene.BLOCKER_QUESTIONS, scene.WHY_NONE):
        place = (
            question.name in log.ASKED or question.name in fields or question.name in scene.HEADS
        )
        assert place, question
    assert scene.FIELD in fields


def test_nothing_that_was_given_is_asked():
    assert [q.name for q in scene.open_questions({})] == [q.name for q in scene.QUESTIONS]
    given = scene.flat(
        {
            "write_blocker": {"none": "x"},
            "witnesses.1": "A",
            "place": "lab",
            "label": {"serial": "S"},
        }
    )
    left = [q.name for q in scene.open_questions(given)]
    assert left == [
        "source.power_state",
        "source.seals",
        "source.clock",
        "label.make",
        "label.model",
        "authority",
        "purpose",
    ]


@pytest.mark.parametrize("word", ["not known", "Not Known", " ? ", "?"])
def test_not_known_is_an_answer_and_counts_as_nothing_given(word):
    fields = scene.settle(
        {
            "source.seals": word,
            "authority": word,
            "witnesses.1.name": word,
            "place": "lab",
            "not_known": "battery",
        }
    )
    assert fields == {
        "source.seals": "not known",
        "place": "lab",
        "not_known": ["authority", "battery", "source.seals", "witnesses"],
    }
    items, rest = log.stated(fields)
    assert items == {"source.seals": "not known"}
    assert "authority" not in rest


def test_the_log_has_a_state_for_it():
    document = log.build(
        "C1/E1/A1",
        {"source.hidden_areas": "neither HPA nor DCO"},
        {
            "source.seals": "Not known",
            "source.hidden_areas": "not known",
            "source.clock": "right",
        },
    )
    items = document["items"]
    assert items["source.seals"] == {"state": "not-known"}
    assert items["source.hidden_areas"]["by"] == "evkit"
    assert items["source.power_state"] == {"state": "not-asked"}
    assert log.decode(log.encode(document)) == document
    counted = log.summary(document)
    assert counted["not-known"] == ("source.seals",)
    states = [counted[name] for name in ("could-not-check", "not-known", "not-asked")]
    assert counted["recorded"] + sum(map(len, states)) == len(log.ITEMS)


def test_nothing_is_added_when_all_is_known():
    assert scene.settle({"place": "lab"}) == {"place": "lab"}


def test_the_label():
    fields = {"label": {"serial": "S", "make": "?"}, "label.model": "M", "x": {"serial": "no"}}
    assert scene.label_of(fields) == {"serial": "S", "model": "M"}
