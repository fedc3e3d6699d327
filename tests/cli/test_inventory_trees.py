"""`evkit inventory` on folders, exports and single archives, as a person types it."""

from __future__ import annotations

import hashlib
import json

import archivekit as archives
import pytest


@pytest.fixture
def run(evkit, tmp_path, monkeypatch):
    """Run command lines without a station."""
    monkeypatch.chdir(tmp_path)
    return evkit


@pytest.fixture
def export(tmp_path):
    """A phone export: a zip with its statement, mail, a damaged archive."""
    folder = tmp_path / "export"
    folder.mkdir()
    data = archives.zipped({"Dump/DCIM/1.jpg": b"\xff\xd8\xff" * 100, "extra/k.json": b"{}"})
    (folder / "EXTRACTION_FFS.zip").write_bytes(data)
    text = "[Dumps]\nFileDump=EXTRACTION_FFS.zip\n[General]\nUfdVer=1.2\n[SHA256]\n"
    text += f"EXTRACTION_FFS.zip={hashlib.sha256(data).hexdigest().upper()}\n"
    (folder / "EXTRACTION_FFS.ufd").write_text(text)
    return folder


def test_a_whole_export(run, export):
    out = run("inventory", "run", "./export", "-o", "./x.db")
    assert "tree with archives 2 = listed 2" in out
    out = run("inventory", "find", "./x.db", "--name", "1.jpg")
    assert "/EXTRACTION_FFS.zip!/Dump/DCIM/1.jpg" in out
    out = run("inventory", "list", "./x.db")
    assert "zip in row" in out


def test_what_is_wrong_is_said_in_a_sentence(run, export):
    (export / "EXTRACTION_FFS.zip").write_bytes(archives.zipped({"x": b"other"}))
    (export / "cut.zip").write_bytes(archives.zipped({"a": b"1" * 500})[:-30])
    out = run("inventory", "run", "./export", "-o", "./x.db", expect=3)
    words = " ".join(out.split())
    assert "does not have the digest that the export states" in words
    assert "the end of the archive is missing" in words
    document = json.loads(run("inventory", "run", "./export", "-o", "./y.db", "--json", expect=3))
    assert document["coverage"]["filesystems"] == {"found": 3, "failed": 1, "listed": 2}


def test_one_archive_as_a_path(run, tmp_path):
    (tmp_path / "phone.ufdr").write_bytes(archives.zipped({"files/a": b"1"}))
    run("inventory", "run", "./phone.ufdr", "-o", "./x.db")
    assert "/phone.ufdr!/files/a" in run("inventory", "list", "./x.db")
    (tmp_path / "box").write_bytes(b"From a\nFrom: a\nSubject: s\n\nx\n")
    run("inventory", "run", "./box", "-o", "./m.db")
    assert "/box!/000001.eml" in run("inventory", "list", "./m.db")


def test_archives_left_out(run, export):
    out = run("inventory", "run", "./export", "-o", "./x.db", "--no-archives")
    assert "tree with archives" not in out
    assert "!" not in run("inventory", "list", "./x.db")
    document = json.loads(
        run("inventory", "run", "./export", "-o", "./y.db", "--no-archives", "--json")
    )
    assert document["meta"]["archives"] == "no"


def test_names_in_archives_are_escaped(run, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.zip").write_bytes(archives.zipped({"\x1b[2J\u202egpj.exe": b"1"}))
    run("inventory", "run", "./t", "-o", "./x.db")
    out = run("inventory", "list", "./x.db")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "/a.zip!/\\x1b[2J\\u{202e}gpj.exe" in out
