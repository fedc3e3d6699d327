"""The projection of entries into a manifest, and how differences are named."""

from __future__ import annotations

import bundlekit
import pytest

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.manifest import contents, facts


@pytest.fixture(scope="module")
def made():
    ledger, _ = bundlekit.full()
    return facts.facts([row for row in ledger.events() if row[1].case in {None, bundlekit.CASE}])


def test_rows(made):
    assert [row["entry"] for row in made["entries"]] == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 12]
    assert [row["exhibits"] for row in made["exhibits"]] == [["K-7/E1"], ["K-7/E2"]]
    assert [row["acquisition"] for row in made["acquisitions"]] == ["K-7/E1/A1", "K-7/E2/A1"]
    assert made["inventories"][0]["rows"] == 2
    register = made["entries"][4]
    assert register["personal"] == ["owner.name"]
    assert "purpose" not in register
    assert ejson.loads(ejson.dumps(made)) == made


def test_no_personal_value_is_in_it(made):
    assert b"Zainab" not in ejson.dumps(made)


def test_differences():
    def places(stated, made):
        return [place for place, _, _ in facts.differences(stated, made)]

    assert places({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == []
    assert places({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ["a[1].b"]
    assert places({"a": 1}, {}) == ["a"]
    assert places({}, {"a": 1}) == ["a"]
    assert places([1], [1, 2]) == ["[1]"]
    assert places({"a": True}, {"a": 1}) == ["a"]
    assert places({"a": []}, {"a": {}}) == ["a"]
    assert next(iter(facts.differences({"a": None}, {})))[1:] == ("None", "nothing")


def test_expected(made):
    keys = [entry.key for entry in contents.expected(made)]
    assert keys == [
        ("artifact", "K-7/E1/A1", "image.raw"),
        ("artifact", "K-7/E2/A1", "files.jsonl"),
        ("files", "K-7/E2/A1", "files/"),
        ("inventory", "K-7/E1/A1", "inventory.jsonl"),
    ]


def test_the_first_end_counts():
    rows = [
        {"acquisition": "C/E1/A1", "artifacts": [bundlekit.artifact("a", b"1", "image")]},
        {"acquisition": "C/E1/A1", "artifacts": [bundlekit.artifact("b", b"2", "image")]},
    ]
    found = contents.acquisitions({"acquisitions": rows})
    assert [a.name for a in found["C/E1/A1"].artifacts] == ["a"]


@pytest.mark.parametrize(
    "artifacts",
    [
        "x", [1], [{}], [{"name": "a", "role": "image", "size": "1", "sha256": "x"}],
        [{"name": "a", "role": "image", "size": True, "sha256": "x"}],
        [{"name": 1, "role": "image", "size": 1, "sha256": "x"}],
        [bundlekit.artifact("a", b"", "image")] * 2,
    ],
)  # fmt: skip
def test_malformed_artifacts(artifacts):
    rows = {"acquisitions": [{"acquisition": "C/E1/A1", "artifacts": artifacts}]}
    with pytest.raises(InputError):
        contents.acquisitions(rows)
