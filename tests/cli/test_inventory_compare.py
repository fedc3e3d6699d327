"""`evkit inventory compare`: words, exit codes, documents."""

from __future__ import annotations

import json
import os
import zipfile

import acquirekit
import pytest


def _folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.fixture
def two(run, tmp_path):
    """An exhibit taken in twice: one file changed, one moved, one new, one gone."""
    for name, files in (
        ("one", {"same": b"s", "changed": b"1", "d/moved": b"content", "gone": b"g"}),
        ("two", {"same": b"s", "changed": b"22", "e/moved": b"content", "new\x1b": b"n"}),
    ):
        acquirekit.intake_with(run.made, _folder(tmp_path / name / "export", files))
    for number in (1, 2):
        run("inventory", "run", f"C1/E1/A{number}", "--no-types")
    return tmp_path


def test_two_acquisitions(run, two):
    out = run("inventory", "compare", "C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("DIFFERENT  C1/E1/A1 and C1/E1/A2\n")
    assert "content was compared by sha256" in out
    assert "    -> " in out
    assert "new\\x1b" in out
    assert "\x1b" not in out
    found = json.loads(run("inventory", "compare", "C1/E1/A1", "C1/E1", "--json", expect=4))
    assert found["schema"] == "evkit/inventory-comparison/1"
    assert found["verdict"] == "different"
    counts = found["counts"]
    assert (counts["changed"], counts["moved"], counts["cannot-be-compared"]) == (1, 1, 0)
    moved = next(one for one in found["differences"] if one["kind"] == "moved")
    assert moved["first"]["path"].endswith("d/moved")
    assert moved["second"]["path"].endswith("e/moved")
    assert found["file_systems"][0]["counts"] == counts


def test_the_same_is_0(run, two):
    assert run("inventory", "compare", "C1/E1/A1", "C1/E1/A1").startswith("SAME  ")


def test_paths_and_what_lies_beside(run, tmp_path):
    folder = _folder(tmp_path / "export", {"a": b"a"})
    assert "none beside it" in run("inventory", "compare", folder, folder, expect=14)
    run("inventory", "run", folder)
    assert run("inventory", "compare", folder, f"{folder}.inventory.db").startswith("SAME")
    assert "none beside it" in run("inventory", "compare", folder / "a", folder, expect=14)
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\x00" + os.urandom(4096))
    run("inventory", "compare", "./x.db", folder, expect=14)


def test_what_cannot_be_compared_is_5(run, tmp_path):
    folder = _folder(tmp_path / "export", {"a": b"a"})
    run("inventory", "run", folder, "-o", "one.db", "--hash", "sha1")
    run("inventory", "run", folder, "-o", "two.db", "--hash", "sha256")
    out = run("inventory", "compare", "./one.db", "./two.db", expect=5)
    assert out.startswith("UNDECIDED")
    assert "no digest was made in both" in out


def test_the_limit(run, tmp_path):
    for name in ("one", "two"):
        run("inventory", "run", _folder(tmp_path / name, {f"{name}{n}": name.encode() + bytes([n])
                                                          for n in range(5)}))  # fmt: skip
    out = run("inventory", "compare", "./one", "./two", "--limit", "2", expect=4)
    assert out.count("… 3 more") == 2
    assert "more" not in run("inventory", "compare", "./one", "./two", "--limit", "0", expect=4)


def test_no_such_thing(run):
    run("inventory", "compare", "C1/E1", "C1/E1/A9", expect=10)
    run("inventory", "compare", "C1/E1", expect=2)


def test_members_of_archives_are_said_to_be_left_out(run, tmp_path):
    packed = tmp_path / "export" / "a.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("member", b"content")
    run("inventory", "run", packed.parent)
    out = run("inventory", "compare", packed.parent, packed.parent)
    assert "not by what lies in them" in out
    found = json.loads(run("inventory", "compare", packed.parent, packed.parent, "--json"))
    assert found["insides_left_out"] == 2
