"""`evkit inventory find` over the whole station, by time and by marks."""

from __future__ import annotations

import json
import os

import acquirekit
import pytest
import stations

from evkit.actions import inventory_intact


@pytest.fixture
def two(run, tmp_path):
    """Two cases: `C1/E1/A1` holds a.txt and old.txt, `C2/E1/A1` holds b.txt."""
    with run.made.open() as station:
        drafts = [stations.open_case("C2"), stations.register("C2/E1")]
        station.record_many(drafts, run.made.officer)
    for exhibit, names in (("C1/E1", ("a.txt", "old.txt")), ("C2/E1", ("b.txt",))):
        folder = tmp_path / exhibit[:2]
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(name.encode())
            when = 1_000_000_000 if name == "old.txt" else 1_740_000_000
            os.utime(folder / name, (when, when))
        acquirekit.intake_with(run.made, folder, exhibit=exhibit)
        run("inventory", "run", exhibit, "--no-types")
    return tmp_path


def test_all_cases(run, two):
    out = run("inventory", "find", "--name", "*.txt")
    assert "C1/E1/A1: 2 found" in out
    assert "C2/E1/A1: 1 found" in out
    assert "2 inventories searched: 3 found, 0 without a hit" in out
    found = json.loads(run("inventory", "find", "--name", "b.*", "--json"))
    assert found["what"] is None
    assert [(one["acquisition"], len(one["entries"])) for one in found["searched"]] == [
        ("C1/E1/A1", 0), ("C2/E1/A1", 1),
    ]  # fmt: skip
    out = run("inventory", "find", "--name", "b.*")
    assert "C1/E1/A1" not in out
    assert "1 without a hit" in out
    few = json.loads(run("inventory", "find", "--name", "*.txt", "--limit", "1", "--json"))
    assert sum(len(one["entries"]) for one in few["searched"]) == 1
    assert all(one["more"] for one in few["searched"])


def test_nothing_to_look_for_and_nowhere(run, tmp_path, monkeypatch):
    assert "nothing to look for" in run("inventory", "find", expect=2)
    assert "--time" in run("inventory", "find", "--deleted", "--time-kind", "m", expect=2)
    assert "has an inventory" in run("inventory", "find", "--deleted", expect=10)
    monkeypatch.delenv("EVKIT_STATION")
    assert "no station" in run("inventory", "find", "--deleted", expect=10)


def test_half_a_type_is_no_search(run, tmp_path):
    said = run("inventory", "find", "C1/E1", "--type", "image", expect=2)
    assert "--type 'image/*'" in said


def test_by_time(run, two):
    found = json.loads(
        run("inventory", "find", "--time", "2001-09-09..2001-09-10", "--time-kind", "m", "--json")
    )
    (entry,) = [entry for one in found["searched"] for entry in one["entries"]]
    assert entry["path"].endswith("old.txt")
    assert "is not a range of times" in run("inventory", "find", "--time", "9/9/2001", expect=2)
    assert "does not name times" in run(
        "inventory", "find", "C1", "--time", "2001-09-09", "--time-kind", "z", expect=2
    )


def test_a_damaged_inventory_does_not_hide_the_others(run, two):
    path = run.made.path / "cases" / "C1" / "E1" / "A1" / "inventory.db"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:50])
    out = run("inventory", "find", "--name", "*.txt", expect=3)
    assert "C1/E1/A1: not searched, `" in out
    assert "C2/E1/A1: 1 found" in out
    found = json.loads(run("inventory", "find", "--name", "*.txt", "--json", expect=3))
    assert found["not_readable"][0]["acquisition"] == "C1/E1/A1"
    assert not found["complete"]


def test_what_has_no_inventory_is_no_answer_over_all_cases_either(run, two):
    os.unlink(run.made.path / "cases" / "C1" / "E1" / "A1" / "inventory.db")
    out = run("inventory", "find", "--name", "*.txt", expect=3)
    assert "C1/E1/A1: not searched, it has no inventory" in out
    assert "C2/E1/A1: 1 found" in out
    found = json.loads(run("inventory", "find", "--name", "*.txt", "--json", expect=3))
    assert (found["complete"], found["not_searched"]) == (False, ["C1/E1/A1"])
    run("inventory", "find", "C2", "--name", "*.txt")
    sha1 = "c9d8072e4ab2969d6a826c908aedac17b6688991"
    run("inventory", "find", "--digest", sha1, expect=5)  # 5 stands above 3


def test_marks_that_were_not_made_are_no_answer(run, two, monkeypatch):
    class Marks:
        def streams(self, category=None):
            return [] if category == "known" else [stream]

    monkeypatch.setattr(
        inventory_intact, "marks_of", lambda path, *_: Marks() if b"/C2/" in path else None
    )
    database = run.made.path / "cases" / "C2" / "E1" / "A1" / "inventory.db"
    import reportkit

    with reportkit.opened(database) as inventory:
        stream = next(number for number, _ in inventory.rows("stream"))
    out = run("inventory", "find", "--notable", expect=5)
    assert "C2/E1/A1: 1 found" in out
    assert "C1/E1/A1: not searched, it was not compared with hash sets" in out
    assert "0 found" in run("inventory", "find", "C2", "--known")
    assert "not compared with hash sets" in run(
        "inventory", "find", "C1/E1/A1", "--known", expect=5
    )
    assert "exclude each other" in run("inventory", "find", "--known", "--notable", expect=2)


def test_a_real_hash_set(run, two):
    """Import, mark, find, report: the set is named, and only its content is a hit."""
    import hashlib

    (two / "bad.txt").write_text(hashlib.sha256(b"b.txt").hexdigest() + "  b.txt\n")
    run("hashset", "import", two / "bad.txt", "--name", "stolen", "--kind", "notable")
    run("inventory", "mark", "C2/E1")
    found = json.loads(run("inventory", "find", "--notable", "--json", expect=5))
    (entry,) = [entry for one in found["searched"] for entry in one["entries"]]
    assert entry["path"].endswith("b.txt")
    assert found["not_marked"] == ["C1/E1/A1"]
    run("inventory", "report", "C2/E1", "-o", two / "r.html")
    page = (two / "r.html").read_text()
    assert "stolen (sha256)" in page
    assert '"mark":[2]' in page


def test_what_was_not_made_is_no_answer(run, two):
    sha1 = "c9d8072e4ab2969d6a826c908aedac17b6688991"
    out = run("inventory", "find", "--digest", sha1, expect=5)
    assert "C1/E1/A1: not searched, its inventory was made without sha1 digests" in out
    found = json.loads(run("inventory", "find", "--digest", sha1, "--json", expect=5))
    assert [one["acquisition"] for one in found["not_made"]] == ["C1/E1/A1", "C2/E1/A1"]
    assert "without sha1" in run("inventory", "find", "C1/E1/A1", "--digest", sha1, expect=5)
    run("inventory", "run", "C1/E1", "--no-types", "--hash", "sha1")
    assert "without file types" in run("inventory", "find", "C1", "--type", "text/*", expect=5)
