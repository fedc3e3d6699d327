"""What lies in a cloud is never opened; holes are not read; files that move are said."""

from __future__ import annotations

import hashlib
import os
from types import SimpleNamespace

import inventorykit as kit
import pytest

from evkit.inventory.archives.stated import Stated
from evkit.inventory.trees import filestream, tree
from evkit.inventory.trees.filestream import Files, Rows
from evkit.inventory.trees.placeholders import is_placeholder


class Kept:
    """Takes what a sender takes."""

    def __init__(self):
        self.rows, self.others = [], []

    def row(self, fields):
        self.rows.append(dict(fields))

    def send(self, kind, *content):
        self.others.append((kind, *content))

    def beat(self, done):
        pass


def _files(sender, **more):
    return Files(Rows(sender), ("md5", "sha256"), None, **more)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, False), ({"st_file_attributes": 0x20}, False), ({"st_file_attributes": 0x1000}, True),
        ({"st_file_attributes": 0x400000}, True), ({"st_file_attributes": 0x40000}, True),
        ({"st_file_attributes": 0x400, "st_reparse_tag": 0x9000601A}, True),
        ({"st_file_attributes": 0x400, "st_reparse_tag": 0xA000000C}, False),
        ({"st_reparse_tag": 0x80000017}, False), ({"st_flags": 0x40000000}, True),
        ({"st_flags": 0x20}, False),
    ],
)  # fmt: skip
def test_marks(facts, expected):
    assert is_placeholder(SimpleNamespace(**facts)) is expected


def test_a_placeholder_is_never_opened(tmp_path, monkeypatch):
    (tmp_path / "cloud.jpg").write_bytes(b"x" * 99)
    real = os.lstat

    def fake(path):
        found = real(path)
        return SimpleNamespace(
            **{name: getattr(found, name) for name in dir(found) if name.startswith("st_")},
            st_flags=0x40000000,
        )

    def refuse(path):
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(filestream, "open_evidence", refuse)
    monkeypatch.setattr(tree, "open_evidence", refuse)
    monkeypatch.setattr(filestream.os, "lstat", fake)
    sender = Kept()
    _files(sender).stream(os.fsencode(tmp_path / "cloud.jpg"), 1, b"/cloud.jpg")
    (row,) = sender.rows
    assert (row["state"], row["reason"], row["size"]) == ("skipped", "cloud-placeholder", 99)
    assert "digests" not in row
    rows = Rows(sender)
    tree.Folders(_files(sender), rows, Stated(("md5",))).run(os.fsencode(tmp_path))
    listed = [row for row in sender.rows if row["row"] == "directory"]
    assert (listed[0]["state"], listed[0]["reason"]) == ("skipped", "cloud-placeholder")


def test_holes_are_zeros_that_are_not_read(tmp_path, monkeypatch):
    path = tmp_path / "sparse"
    with open(path, "wb") as handle:
        handle.truncate(64 << 20)
        handle.seek(20 << 20)
        handle.write(b"data" * 1000)
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("the file system keeps no holes")
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    read = []
    real = os.read
    monkeypatch.setattr(
        filestream.os, "read", lambda fd, size: read.append(data := real(fd, size)) or data
    )
    sender = Kept()
    _files(sender).stream(os.fsencode(path), 1, b"/sparse")
    (row,) = sender.rows
    assert row["digests"]["sha256"] == whole
    assert row["flags"] == ["sparse"]
    assert row["size"] == row["bytes_digested"] == 64 << 20
    assert sum(map(len, read)) < 1 << 20


def test_where_holes_are_not_told_all_is_read(tmp_path, monkeypatch):
    path = tmp_path / "sparse"
    with open(path, "wb") as handle:
        handle.truncate(3 << 20)
        handle.seek(2 << 20)
        handle.write(b"data")

    def refuse(*_):
        raise OSError(22, "invalid")

    real = os.lseek
    monkeypatch.setattr(
        filestream.os,
        "lseek",
        lambda fd, at, how: refuse() if how not in (0, 1, 2) else real(fd, at, how),
    )
    sender = Kept()
    _files(sender).stream(os.fsencode(path), 1, b"/sparse")
    assert sender.rows[0]["digests"]["md5"] == hashlib.md5(path.read_bytes()).hexdigest()


def test_a_file_that_grows_for_ever_ends(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"1" * 10)
    monkeypatch.setattr(filestream.os, "read", lambda fd, size: b"x" * size)
    sender = Kept()
    _files(sender).stream(os.fsencode(path), 1, b"/log")
    assert sender.rows[0]["state"] == "damaged"


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"1" * 10)
    real = os.read

    def read(descriptor, size):
        data = real(descriptor, size)
        with open(path, "ab") as handle:
            handle.write(b"2")
        return data

    monkeypatch.setattr(filestream.os, "read", read)
    sender = Kept()
    _files(sender).stream(os.fsencode(path), 1, b"/log")
    assert (sender.rows[0]["state"], sender.rows[0]["reason"]) == ("damaged", "changed-while-read")


def test_streams_that_are_stored_are_not_read_again(tmp_path, monkeypatch):
    (tmp_path / "t").mkdir()
    for number in range(4):
        (tmp_path / "t" / f"{number}.bin").write_bytes(b"PK\x03\x04" + bytes([number]) * 100_000)
    whole, again = Kept(), Kept()
    for sender, stored in ((whole, 0), (again, 7)):
        rows = Rows(sender)
        files = Files(rows, ("md5",), None, archives=True, stored=stored)
        tree.Folders(files, rows, Stated(("md5",))).run(os.fsencode(tmp_path / "t"))
    assert len(whole.rows) == len(again.rows)
    states = [row.get("reason", row["state"]) for row in again.rows if row["row"] == "stream"]
    assert states == ["stored", "stored", "ok", "ok"]  # rows 4 and 6 are below 7
    assert whole.others == again.others  # archives are told all the same


def test_a_folder_with_a_link_to_itself_ends(tmp_path):
    folder = tmp_path / "t" / "a"
    folder.mkdir(parents=True)
    os.symlink("..", folder / "up")
    os.symlink(".", folder / "here")
    os.symlink("loop", folder / "loop")
    with kit.scan(tmp_path / "t", tmp_path / "i.db") as inventory:
        assert inventory.coverage()["directories"]["found"] == 2
        assert inventory.coverage()["result"] == "complete"
