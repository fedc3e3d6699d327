"""`evkit hash` and `evkit audit` as a user types them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest

from evkit.cli.main import run
from evkit.hashing import reading


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "d").mkdir(parents=True)
    (root / "a").write_bytes(b"one")
    (root / "d" / "b").write_bytes(b"two")
    (root / "new\nline").write_bytes(b"three")
    (root / "bidi\u202egnp").write_bytes(b"four")
    with open(os.fsencode(root) + b"/inv\xff", "wb") as handle:
        handle.write(b"five")
    os.symlink("a", root / "link")
    return root


def unreadable(monkeypatch, name):
    """Make one file unreadable, also for root."""
    real = reading.open_evidence

    def refuse(path):
        if os.path.basename(path) == name:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(reading, "open_evidence", refuse)


@pytest.mark.parametrize("form", ["hashdeep", "sha256sum", "jsonl"])
def test_a_list_on_stdout_audits_clean(tree, tmp_path, form):
    command = [sys.executable, "-m", "evkit", "hash", "--format", form, str(tree)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    (tmp_path / "list").write_bytes(done.stdout)
    assert b"digested files: 5" in done.stderr
    assert run(["audit", str(tmp_path / "list"), str(tree)]) == 0


def test_names_are_the_same_in_every_run(tree, tmp_path):
    texts = []
    for number in range(2):
        path = tmp_path / f"l{number}"
        assert run(["hash", "--format", "jsonl", "-o", str(path), str(tree)]) == 0
        texts.append(path.read_bytes())
    assert texts[0] == texts[1]
    rows = [json.loads(line) for line in texts[0].splitlines()[1:]]
    assert [row["path"].rpartition("/")[2] for row in rows] == [
        "a", "bidi\u202egnp", "b", "inv\\xff", "link", "new\nline",
    ]  # fmt: skip


def test_nothing_hostile_reaches_the_screen(tree, tmp_path, capsys):
    listed = tmp_path / "list"
    run(["hash", "-o", str(listed), str(tree)])
    for name in os.listdir(os.fsencode(tree)):
        if name not in {b"d", b"link"}:
            with open(os.path.join(os.fsencode(tree), name), "ab") as handle:
                handle.write(b"!")
    capsys.readouterr()
    assert run(["audit", str(listed), str(tree)]) == 4
    out = capsys.readouterr().out
    assert r"new\x0aline" in out
    assert r"bidi\u{202e}gnp" in out
    assert r"inv\xff" in out
    assert "\u202e" not in out


def test_the_seven_categories(tree, tmp_path, capsys, monkeypatch):
    (tree / "shut").write_bytes(b"shut")
    (tree / "gone").write_bytes(b"gone")
    (tree / "moved-from").write_bytes(b"moved")
    listed = tmp_path / "list"
    assert run(["hash", "-o", str(listed), str(tree)]) == 0
    (tree / "gone").unlink()
    os.rename(tree / "moved-from", tree / "moved-to")
    (tree / "copy").write_bytes(b"one")
    (tree / "fresh").write_bytes(b"fresh")
    (tree / "d" / "b").write_bytes(b"changed")
    unreadable(monkeypatch, b"shut")
    capsys.readouterr()
    assert run(["audit", "--json", str(listed), str(tree)]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "evkit/audit/1"
    assert next(iter(document)) == "schema"
    assert document["result"] == "fail"
    assert document["counts"] == {
        "ok": 5, "modified": 1, "moved": 1, "copied": 1, "new": 1, "missing": 1, "unreadable": 1,
        "not-compared": 0,
    }  # fmt: skip
    modified = next(item for item in document["findings"] if item["category"] == "modified")
    assert modified["expected"]["sha256"] == hashlib.sha256(b"two").hexdigest()
    assert modified["found"]["sha256"] == hashlib.sha256(b"changed").hexdigest()


def test_unreadable_alone_is_exit_3_in_both_commands(tree, tmp_path, capsys, monkeypatch):
    listed = tmp_path / "good"
    assert run(["hash", "-o", str(listed), str(tree)]) == 0
    unreadable(monkeypatch, b"a")
    capsys.readouterr()
    assert run(["audit", str(listed), str(tree)]) == 3
    assert capsys.readouterr().out.startswith("INCOMPLETE  5 ok")
    assert run(["hash", "-o", str(tmp_path / "part"), str(tree)]) == 3
    captured = capsys.readouterr()
    assert "Permission denied" in captured.err
    assert b'"state":"unreadable"' in (tmp_path / "part").read_bytes()
    monkeypatch.undo()
    assert run(["audit", str(tmp_path / "part"), str(tree)]) == 3


def test_json_of_hash(tree, tmp_path, capsys):
    assert run(["hash", "--json", "--hash", "sha512", str(tree / "a")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "evkit/hash/1"
    assert document["rows"][0]["sha512"] == hashlib.sha512(b"one").hexdigest()
    assert run(["hash", "--json", "-o", str(tmp_path / "l"), str(tree)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["list"]["sha256"] == hashlib.sha256((tmp_path / "l").read_bytes()).hexdigest()
    assert document["rows"] == []


def test_a_list_inside_the_tree_is_not_part_of_it(tree):
    assert run(["hash", "-o", str(tree / "list"), str(tree)]) == 0
    assert b".part" not in (tree / "list").read_bytes()
    assert run(["audit", str(tree / "list"), str(tree)]) == 0


def test_a_tree_that_moved_still_compares(tree, tmp_path, capsys):
    listed = tmp_path / "list"
    run(["hash", "-o", str(listed), str(tree)])
    os.rename(tree, tmp_path / "elsewhere")
    capsys.readouterr()
    assert run(["audit", str(listed), str(tmp_path / "elsewhere")]) == 0
    assert "without" in capsys.readouterr().out
    base = ["--base", str(tmp_path)]
    assert run(["audit", *base, str(listed), str(tmp_path / "elsewhere")]) == 4


def test_weak_digests_are_said(tree, tmp_path, capsys):
    listed = tmp_path / "list"
    run(["hash", "--hash", "md5", "-o", str(listed), str(tree)])
    assert "say nothing about tampering" in capsys.readouterr().err
    assert run(["audit", str(listed), str(tree)]) == 0
    assert "says nothing about tampering" in capsys.readouterr().out


def test_an_existing_list_is_not_overwritten(tree, tmp_path, capsys):
    (tmp_path / "list").write_bytes(b"evidence")
    assert run(["hash", "-o", str(tmp_path / "list"), str(tree)]) == 15
    assert (tmp_path / "list").read_bytes() == b"evidence"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["hash"], 2),
        (["hash", "--hash", "crc32", "."], 2),
        (["hash", "--format", "sha256sum", "--hash", "md5,sha256", "."], 2),
        (["hash", "--format", "bagit", "x", "y"], 2),
        (["hash", "/nowhere/at/all"], 14),
        (["audit", "/nowhere/list", "."], 14),
        (["audit", "/dev/null", "."], 14),
        (["audit", "--format", "tar", "x", "."], 2),
    ],
)
def test_wrong_use_says_so(arguments, code, capsys):
    assert run(arguments) == code
    assert capsys.readouterr().err.startswith("evkit: error: ")


def test_a_failed_run_leaves_no_list(tmp_path):
    assert run(["hash", "-o", str(tmp_path / "list"), "/nowhere/at/all"]) == 14
    assert os.listdir(tmp_path) == []


def test_help_has_examples_and_exit_codes(capsys):
    for name in ("hash", "audit"):
        run([name, "--help"])
        out = capsys.readouterr().out
        assert "Examples:" in out
        assert "Exit codes:" in out
