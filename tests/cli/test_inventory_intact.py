"""Inventories are compared with their record, or with themselves, before anybody is shown them."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3

import acquirekit
import pytest

from evkit.actions.inventory_files import events_about, on_record
from evkit.core.errors import StorageError
from evkit.inventory.database.reader import Inventory
from evkit.manifest import rows
from evkit.merkle.tree import root
from evkit.station import Station

NAMED = "is not the one that entry"
ITSELF = "checked against itself only: no entry here records this inventory"
NOT_CHECKED = "not checked: it may have been changed since it was made"
FORMS = ("jsonl", "csv", "dfxml", "bodyfile")


@pytest.fixture(autouse=True)
def taken(run, tmp_path):
    """`C1/E1/A1` holds a.txt and b.txt."""
    (tmp_path / "taken").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "taken" / name).write_text(name)
    acquirekit.intake_with(run.made, tmp_path / "taken")


@pytest.fixture
def listed(run):
    run("inventory", "run", "C1/E1", "--no-types")
    return run.folder / "A1" / "inventory.db"


def change(path, *statements):
    os.chmod(path, 0o644)
    with contextlib.closing(sqlite3.connect(path)) as base:
        for statement in statements:
            assert base.execute(statement).rowcount
        base.commit()


def forge(path):
    """Rename a file in the rows and make root and key as they would be: it agrees with itself."""
    change(path, "UPDATE rows SET row = replace(row, 'a.txt', 'z.txt')")
    with contextlib.closing(sqlite3.connect(path)) as base:
        found = base.execute("SELECT salt, row FROM rows ORDER BY n").fetchall()
    new = root([rows.row_leaf(salt, text.encode()) for salt, text in found]).hex()
    from evkit.inventory.database.tables import name_key

    old, key = name_key(b"a.txt"), name_key(b"z.txt")
    change(
        path,
        f"UPDATE meta SET value = '{new}' WHERE key = 'row_root'",
        f"UPDATE name_keys SET name = {key} WHERE name = {old}",
    )
    with Inventory(os.fsencode(path)) as inventory:
        assert inventory.problems() == []


def test_the_recorded_one_is_shown_without_a_word(run, listed, tmp_path):
    for arguments in (("list",), ("list", "--problems"), ("find", "--name", "a.txt")):
        verb, *more = arguments
        out = run("inventory", verb, "C1/E1/A1", *more)
        assert "checked" not in out
        found = json.loads(run("inventory", verb, "C1/E1/A1", *more, "--json"))
        assert found["checked"]["against"] == "record"
        assert found["checked"]["entry"] == json.loads(run("ledger", "show", "--json"))["size"] - 1
    (one,) = json.loads(run("inventory", "find", "C1", "--name", "a.txt", "--json"))["searched"]
    assert one["checked"]["against"] == "record"
    out = json.loads(run("inventory", "export", "C1/E1", "-o", tmp_path / "x.csv", "--json"))
    assert out["checked"]["against"] == "record"
    out = json.loads(run("inventory", "report", "C1/E1", "-o", tmp_path / "x.html", "--json"))
    assert out["checked"]["against"] == "record"
    # its path says as much as its name
    assert "checked" not in run("inventory", "list", listed)


def test_another_than_the_recorded_one_is_not_shown(run, listed, tmp_path):
    forge(listed)
    for arguments in (
        ("list", "C1/E1"), ("list", "C1/E1", "--problems"), ("list", listed),
        ("find", "C1/E1/A1", "--name", "z.txt"), ("report", "C1/E1", "-o", "x.html"),
        ("compare", "C1/E1/A1", "C1/E1/A1"),
        ("export", "C1", "--name", "z.txt", "-o", "x.jsonld"),
        *(("export", "C1/E1", "--format", form, "-o", f"x.{form}") for form in FORMS),
    ):  # fmt: skip
        out = run("inventory", *arguments, expect=4)
        assert NAMED in out
        assert "z.txt" not in out
        assert "expected: sha256:" in out
    assert sorted(os.listdir(tmp_path)) == ["station", "taken"]


def test_it_is_shown_when_the_check_is_waived_and_that_is_said(run, listed):
    forge(listed)
    for arguments in (("list", "C1/E1"), ("find", "C1/E1/A1", "--name", "z.txt")):
        out = run("inventory", *arguments, "--no-check")
        assert "z.txt" in out
        assert NOT_CHECKED in out
        found = json.loads(run("inventory", *arguments, "--no-check", "--json"))
        assert found["checked"] == {"against": "nothing", "entry": None}
    for name in ("z.txt", "nowhere"):
        assert NOT_CHECKED in run("inventory", "find", "C1", "--name", name, "--no-check")
        out = run("inventory", "find", "--name", name, "--no-check")
        assert "1 of them were not compared with a record before" in out


def test_it_is_not_searched_and_the_others_are(run, listed, tmp_path):
    (tmp_path / "more.txt").write_text("more")
    acquirekit.intake_with(run.made, tmp_path / "more.txt")
    run("inventory", "run", "C1/E1/A2", "--no-types")
    forge(listed)
    for what in (["C1"], ["C1/E1"], []):
        out = run("inventory", "find", *what, "--name", "*.txt", expect=4)
        assert "C1/E1/A1: not searched, the inventory of `C1/E1/A1` " + NAMED in out
        assert "C1/E1/A2: 1 found" in out
        found = json.loads(run("inventory", "find", *what, "--name", "*", "--json", expect=4))
        assert not found["complete"]
        assert [one["acquisition"] for one in found["not_intact"]] == ["C1/E1/A1"]
    os.unlink(run.folder / "A2" / "inventory.db")
    out = run("inventory", "find", "C1", "--name", "*.txt", expect=4)  # 4 stands above 3
    assert "C1/E1/A2: not searched, it has no inventory" in out


def test_without_a_record_it_is_compared_with_itself(run, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise StorageError("no room for the event")

    with monkeypatch.context() as patch:
        patch.setattr(Station, "record", fail)
        run("inventory", "run", "C1/E1", "--no-types", expect=16)
    assert ITSELF in run("inventory", "list", "C1/E1")
    out = run("inventory", "export", "C1", "--name", "a.txt", "-o", "x.jsonld")
    assert f"C1/E1/A1: {ITSELF}" in out
    run("inventory", "run", tmp_path / "taken", "-o", "x.db", "--no-types")
    for arguments in (
        ("list", "./x.db"), ("find", "./x.db", "--name", "a.txt"),
        ("export", "./x.db", "-o", "x.csv"), ("report", "./x.db", "-o", "x.html"),
    ):  # fmt: skip
        assert ITSELF in run("inventory", *arguments)
    assert f"./x.db: {ITSELF}" in run("inventory", "compare", "./x.db", "./x.db")
    found = json.loads(run("inventory", "compare", "./x.db", "C1/E1", "--json", expect=4))
    assert found["first"]["checked"] == {"against": "itself", "entry": None}


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE rows SET salt = zeroblob(16) WHERE n = 1", "root"),
        ("DELETE FROM name_keys WHERE n = (SELECT max(n) FROM name_keys)", "keys"),
        ("DELETE FROM stream_keys WHERE n = (SELECT max(n) FROM stream_keys)", "keys"),
    ],
)
def test_one_that_contradicts_itself_is_not_shown(run, tmp_path, statement, word):
    run("inventory", "run", tmp_path / "taken", "-o", "x.db", "--no-types")
    change("x.db", statement)
    for arguments in (
        ("list",), ("find", "--name", "a.txt"), ("report", "-o", "y.html"),
        *(("export", "--format", form, "-o", f"y.{form}") for form in FORMS),
    ):  # fmt: skip
        verb, *more = arguments
        out = run("inventory", verb, "./x.db", *more, expect=4)
        assert "`./x.db` does not agree with itself" in out.replace(f"{tmp_path}/", "./")
        assert word in out
    run("inventory", "compare", "./x.db", "./x.db", expect=4)
    (tmp_path / "wanted").write_text("5a" * 32 + "\n")
    wanted = ("--name", "own", "--kind", "known", "-o", tmp_path / "own.hashset")
    run("hashset", "import", tmp_path / "wanted", *wanted)
    mark = ("inventory", "mark", "./x.db", "--hashset", "./own.hashset")
    assert "does not agree with itself" in run(*mark, expect=4)
    assert [name for name in os.listdir(tmp_path) if "marks" in name] == []
    assert not list(tmp_path.glob("y.*"))
    assert NOT_CHECKED in run("inventory", "list", "./x.db", "--no-check")


def test_files_of_a_case_are_not_chosen_silently(run, listed, tmp_path):
    (tmp_path / "more.txt").write_text("more")
    acquirekit.intake_with(run.made, tmp_path / "more.txt")
    target = tmp_path / "x.jsonld"
    choose = ("inventory", "export", "C1", "-o", target, "--json")
    found = json.loads(run(*choose, "--name", "*.txt", expect=3))
    assert found["notes"] == ["C1/E1/A2: not searched, it has no inventory"]
    target.unlink()
    run("inventory", "run", "C1/E1/A2", "--no-types", "--hash", "sha1")
    sha1 = "0" * 40
    found = json.loads(run(*choose, "--digest", sha1, expect=5))
    assert found["notes"] == ["C1/E1/A1: not searched, its inventory was made without sha1 digests"]
    target.unlink()
    out = run(*choose, "--digest", "0" * 128, expect=10)
    assert "no inventory to choose files from" in out
    assert "made without sha512 digests" in out
    json.loads(run(*choose, "--name", "*.txt"))


def test_entries_about_an_acquisition_are_the_same_with_a_state_at_hand(run, listed, tmp_path):
    (tmp_path / "more.txt").write_text("more")
    acquirekit.intake_with(run.made, tmp_path / "more.txt")
    for _ in range(2):
        run("inventory", "run", "C1/E1/A2", "--no-types")
    with run.made.open() as station:
        replayed = station.state()
        for name, count in (("C1/E1/A1", 1), ("C1/E1/A2", 2), ("C1/E1/A3", 0)):
            found = list(events_about(station, "inventory", name))
            assert found == list(events_about(station, "inventory", name, replayed))
            assert len(found) == count
            assert all(event.acquisitions == (name,) for _, event in found)
        assert [item.name for item in on_record(station, "C1/E1/A2", replayed)] == [
            "inventory.db",
            "inventory-2.db",
        ]
