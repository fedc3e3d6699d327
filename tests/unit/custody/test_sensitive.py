"""Which exhibits are sensitive, and which hash sets are in use, as the replay sees it."""

from __future__ import annotations

import pytest

from evkit.custody import gear, thing
from evkit.custody.findings import Findings
from evkit.custody.sensitive import is_sensitive, origins_elsewhere
from evkit.custody.state import Acquisition, Case, Exhibit, State
from evkit.manifest.contents import sensitive_exhibits


class Fact:
    """As much of a fact as the handlers look at."""

    def __init__(self, index, exhibits=(), **fields):
        self.index, self.exhibits, self.fields = index, exhibits, fields

    def text(self, name):
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None

    def flag(self, name):
        return self.fields.get(name) is True


def state(**exhibits) -> State:
    """A state of exhibits of one case: name -> (said, fields)."""
    case = Case(id="C1")
    for name, (said, fields) in exhibits.items():
        ref = f"C1/{name}"
        case.exhibits[ref] = Exhibit(ref=ref, sensitive=said, fields=fields)
    return State(cases={"C1": case})


def test_parts_and_copies_follow_what_they_come_from():
    found = state(
        E1=(True, {}),
        E2=(None, {"part_of": "C1/E1"}),
        E3=(None, {"derived_from": ["C1/E2/A1"]}),
        E4=(False, {"part_of": "C1/E1"}),
        E5=(None, {"part_of": "C1/E4"}),
        E6=(None, {}),
    )
    copied = Acquisition(ref="C1/E6/A1", what="intake", fields={"derived_from": ["C1/E3"]})
    answers = {name: is_sensitive(found, f"C1/{name}") for name in ("E1", "E2", "E3", "E4", "E5")}
    assert answers == {"E1": True, "E2": True, "E3": True, "E4": False, "E5": False}
    assert not is_sensitive(found, "C1/E6")
    found.cases["C1"].exhibits["C1/E6"].acquisitions["C1/E6/A1"] = copied
    assert is_sensitive(found, "C1/E6/A1")
    assert not is_sensitive(found, "C1/E9")


def test_circles_and_other_cases():
    found = state(
        E1=(None, {"part_of": "C1/E2"}),
        E2=(None, {"part_of": "C1/E1", "derived_from": ["C2/E1"]}),
        E3=(None, {"part_of": 5, "derived_from": "x"}),
    )
    assert not is_sensitive(found, "C1/E1")
    assert origins_elsewhere(found, "C1/E1")
    assert not is_sensitive(found, "C1/E3")
    assert not origins_elsewhere(found, "C1/E3")


@pytest.mark.parametrize("value", [True, False, "yes", None, 1])
def test_the_last_word_counts(value):
    found = state(E1=(True, {}))
    fields = {} if value is None else {"sensitive_material": value}
    thing.HANDLERS["sensitive"](Fact(3, ("C1/E1",), **fields), found, Findings())
    assert is_sensitive(found, "C1/E1") is (value is True)


def test_hash_sets_in_use():
    found = State()
    run = gear.HANDLERS
    run["hashset"](Fact(2, name="own", file={"sha256": "a" * 64}), found, Findings())
    run["hashset"](Fact(3, name="nsrl", file="x"), found, Findings())
    run["hashset-remove"](Fact(4, name="own"), found, Findings())
    run["hashset-remove"](Fact(5, name="other"), found, Findings())
    run["hashset"](Fact(6), found, Findings())
    assert {name: item.removed_entry for name, item in found.hashsets.items()} == {
        "own": 4, "nsrl": None,
    }  # fmt: skip
    assert found.hashsets["own"].sha256 == "a" * 64
    assert found.hashsets["nsrl"].sha256 is None
    run["hashset"](Fact(7, name="own", release="2"), found, Findings())
    assert found.hashsets["own"].removed_entry is None
    assert found.document()["hashsets"][0] == {"name": "own", "release": "2", "entry": 7}


def test_the_facts_of_a_manifest_say_it_too():
    def row(kind, exhibits, fields, id_="x"):
        return {"kind": kind, "exhibits": exhibits, "fields": fields, "id": id_}

    yes, no = {"sensitive_material": True}, {"sensitive_material": False}
    rows = [
        row("register", ["C1/E1"], {"what": "phone"}, "1"),
        row("register", ["C1/E2"], yes, "2"),
        row("correct", ["C1/E1"], {"corrects": "1", "values": yes}),
        row("sensitive", ["C1/E3", "C1/E4"], yes),
        row("sensitive", ["C1/E2", "C1/E4"], no),
        row("note", ["C1/E5"], yes),
    ]
    assert sensitive_exhibits({"entries": rows}) == {"C1/E1", "C1/E3"}
    odd = [
        row("sensitive", ["C1/E1"], {"sensitive_material": "yes"}),
        row("correct", ["C1/E1"], []),
        row("correct", ["C1/E1"], {"corrects": [], "values": 5}),
        {"kind": "register"},
    ]
    assert sensitive_exhibits({"entries": odd}) == set()
    assert sensitive_exhibits({}) == set()
