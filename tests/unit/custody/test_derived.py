"""Conversions and exports: nobody handles the thing, and words about a parent are compared."""

from __future__ import annotations

import pytest

from evkit.custody import derived
from evkit.ledger.event import Subject

AA, BB = "aa" * 32, "bb" * 32


def acquire(ledger, ref, sha256, size=10, **more):
    sources = {name: value for name, value in more.items() if name == "derived_from"}
    ledger.add("acquire-start", _acquisitions=[ref], **sources)
    subject = Subject(f"C1/{ref}", {"sha256": sha256})
    return ledger.add(
        "acquire-end", _acquisitions=[ref], _subjects=(subject,), result="complete",
        media={"size": size, "sha256": sha256}, verification={"state": "match"}, **more,
    )  # fmt: skip


def parent(sha256=AA, size=10, state="equal", name="C1/E1/A1"):
    return {
        "derived_from": [name],
        "parent": {
            "acquisition": name,
            "entry": 3,
            "media": {"size": size, "sha256": sha256},
            "comparison": {"state": state},
        },
    }


def found(ledger):
    return [entry for entry in ledger.replay().findings if entry.code == derived.CODE]


def test_a_conversion_that_agrees(ledger):
    ledger.start("E1")
    acquire(ledger, "E1/A1", AA)
    acquire(ledger, "E1/A2", AA, **parent())
    assert ledger.codes() == []


def test_a_part_has_digests_of_its_own(ledger):
    ledger.start("E1")
    acquire(ledger, "E1/A1", AA)
    acquire(ledger, "E1/A2", BB, size=5, **parent())
    assert found(ledger) == []


def test_what_could_not_be_decoded_may_differ(ledger):
    ledger.start("E1")
    acquire(ledger, "E1/A1", AA)
    acquire(ledger, "E1/A2", BB, **parent(state="equal-where-decoded"))
    assert found(ledger) == []


def test_another_digest_of_the_parent_than_recorded(ledger):
    ledger.start("E1")
    first = acquire(ledger, "E1/A1", AA)
    second = acquire(ledger, "E1/A2", BB, **parent(BB))
    (finding,) = found(ledger)
    assert finding.events == (first, second)
    assert finding.exhibit == "C1/E1"
    assert finding.level == "gap"
    assert "another sha256 of `C1/E1/A1`" in finding.text


def test_said_to_be_equal_with_other_digests(ledger):
    ledger.start("E1")
    acquire(ledger, "E1/A1", AA)
    second = acquire(ledger, "E1/A2", BB, **parent())
    (finding,) = found(ledger)
    assert finding.events == (second,)


def test_a_parent_that_is_not_here_is_not_judged(ledger):
    ledger.start("E1")
    acquire(ledger, "E1/A2", AA, **parent(name="C1/E1/A1"))
    assert found(ledger) == []


def test_a_sealed_thing_stays_sealed(ledger):
    ledger.start("E1")
    acquire(ledger, "E1/A1", AA)
    ledger.add("seal", "E1", seal=["S-1"])
    acquire(ledger, "E1/A2", AA, **parent())
    assert "worked-while-sealed" not in ledger.codes()
    acquire(ledger, "E1/A3", AA)
    assert "worked-while-sealed" in ledger.codes()


@pytest.mark.parametrize(
    "value",
    [{"acquisition": 7}, {"acquisition": "x"}, {"acquisition": "C1/E1/A1", "media": 3},
     {"acquisition": "C1/E1/A1", "media": {"size": []}, "comparison": []}, {"media": {}}],
)  # fmt: skip
def test_any_json(ledger, value):
    ledger.start("E1")
    acquire(ledger, "E1/A1", AA)
    ledger.add("acquire-start", _acquisitions=["E1/A2"])
    ledger.add("acquire-end", _acquisitions=["E1/A2"], _raw={"result": "complete", "parent": value})
    ledger.replay()
