"""Folders and intakes have the rows of a file system."""

from __future__ import annotations

import hashlib
import os

import inventorykit as kit
import pytest

from evkit.core.paths import from_fields
from evkit.inventory.coverage import problems
from evkit.inventory.scan import Options, Target
from evkit.manifest import filelist


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"hello")
    (root / "sub" / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100))
    os.link(root / "a.txt", root / "sub" / "again.txt")
    os.symlink("../a.txt", root / "sub" / "link")
    os.symlink("/", root / "sub" / "loop")
    os.mkfifo(root / "pipe")
    with open(os.path.join(os.fsencode(root), b"bad\xff\n"), "wb") as handle:
        handle.write(b"odd")
    return root


def test_a_folder(tree, tmp_path):
    kept = [p for p in [tree, *tree.rglob("*")] if not p.is_symlink()]
    before = [os.lstat(p).st_atime_ns for p in kept]
    with kit.scan(tree, tmp_path / "i.db") as inventory:
        names = {from_fields(row): row for row in kit.of_kind(inventory, "name")}
        streams = kit.of_kind(inventory, "stream")
        assert problems(inventory.coverage()) == []
        assert inventory.coverage()["result"] == "complete"
        types = {row["size"]: inventory.mime(n) for n, row in inventory.rows("stream")}
    assert set(names) == {b"/", b"/a.txt", b"/sub", b"/sub/b.jpg", b"/sub/again.txt", b"/sub/link",
                          b"/sub/loop", b"/pipe", b"/bad\xff\n"}  # fmt: skip
    assert names[b"/sub/link"]["target"] == "../a.txt"
    assert names[b"/pipe"]["type"] == "fifo"
    assert names[b"/a.txt"]["inode"] == names[b"/sub/again.txt"]["inode"]
    assert len(streams) == 3  # the hard link is digested once, links and pipes not at all
    row = next(r for r in streams if r["inode"] == names[b"/a.txt"]["inode"])
    assert row["digests"]["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert names[b"/a.txt"]["times"]["m"] == str(os.stat(tree / "a.txt").st_mtime_ns)
    assert types[5] == "text/plain"
    assert types[111] == "image/jpeg"
    assert [os.lstat(p).st_atime_ns for p in kept] == before


def test_what_cannot_be_read_is_a_row(tree, tmp_path):
    """A path longer than the system takes: made step by step, not readable in one."""
    handle = os.open(tree, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 240, dir_fd=handle)
        below = os.open("d" * 240, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    with kit.scan(tree, tmp_path / "i.db") as inventory:
        coverage = inventory.coverage()
        assert coverage["result"] == "with-gaps"
        assert coverage["names"]["failed"] + coverage["directories"]["failed"] == 1
        assert problems(coverage) == []
        assert coverage["streams"]["digested"] == 3


def _intake(folder, entries):
    (folder / "files").mkdir(parents=True)
    lines = b""
    for number, (path, content, more) in enumerate(entries, 1):
        fields = {
            "n": number, "path": path.encode(), "type": "file", "state": "ok", "mode": 420,
            "uid": 0, "gid": 0, "mtime_ns": 1626962852123456789,
        }  # fmt: skip
        if content is not None:
            fields |= {
                "name": filelist.neutral_name(number), "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "md5": hashlib.md5(content).hexdigest(),
            }  # fmt: skip
            (folder / fields["name"]).write_bytes(more.pop("stored", content))
        lines += filelist.encode_row(filelist.Row(**fields | more))
    (folder / "files.jsonl").write_bytes(lines)
    return Target(
        name=b"C/E1/A1", root=os.fsencode(folder), listed=os.fsencode(folder / "files.jsonl"),
        acquisition="C/E1/A1",
    )  # fmt: skip


def test_an_intake(tmp_path):
    target = _intake(
        tmp_path / "A1",
        [
            ("phone/chat.txt", b"hello there", {}),
            ("phone/changed.txt", b"was this", {"stored": b"was that"}),
            ("phone/lost.txt", None, {"state": "unreadable", "reason": "permission denied"}),
            ("phone/link", None, {"type": "symlink", "target": b"chat.txt"}),
            ("phone/busy.log", b"so far", {"state": "changed", "reason": "it grew"}),
        ],
    )
    with kit.run(target, tmp_path / "i.db") as inventory:
        found = kit.by_path(inventory)
        names = {row["path"]: row for row in kit.of_kind(inventory, "name")}
        assert kit.of_kind(inventory, "source")[0]["acquisition"] == "C/E1/A1"
        assert inventory.coverage()["streams"] == {
            "listed": 4, "digested": 2, "skipped": 0, "failed": 2,
        }  # fmt: skip
    assert found["phone/chat.txt"]["state"] == "ok"
    assert names["phone/chat.txt"]["stored"] == "files/000001"
    assert names["phone/chat.txt"]["times"] == {"m": "1626962852123456789"}
    assert found["phone/changed.txt"]["reason"] == "differs-from-record"
    assert found["phone/lost.txt"]["state"] == "unreadable"
    assert names["phone/lost.txt"]["detail"] == "permission denied"
    assert names["phone/link"]["target"] == "chat.txt"
    assert "changed" in found["phone/busy.log"]["detail"]


def test_a_copy_that_is_gone_is_a_gap(tmp_path):
    target = _intake(tmp_path / "A1", [("a", b"b", {})])
    (tmp_path / "A1" / "files" / "000001").unlink()
    with kit.run(target, tmp_path / "i.db") as inventory:
        assert kit.by_path(inventory)["a"]["state"] == "unreadable"


def test_files_digested_in_place_keep_the_digests_of_the_intake(tmp_path):
    target = _intake(tmp_path / "A1", [("server/log.txt", b"lines", {"name": None})])
    with kit.run(target, tmp_path / "i.db", Options(types=False)) as inventory:
        row = kit.by_path(inventory)["server/log.txt"]
    assert row["digests"]["sha256"] == hashlib.sha256(b"lines").hexdigest()
    assert "intake" in row["detail"]


@pytest.mark.parametrize("line", [b"{}\n", b"[]\n", b"nonsense\n", b'{"n":1}\n', b"\xff\n", b"{"])
def test_a_damaged_list_is_said(tmp_path, line):
    target = _intake(tmp_path / "A1", [("a", b"b", {})])
    with open(tmp_path / "A1" / "files.jsonl", "ab") as handle:
        handle.write(line)
    with kit.run(target, tmp_path / "i.db") as inventory:
        assert inventory.coverage()["result"] == "with-gaps"
        assert inventory.coverage()["streams"]["digested"] == 1
        assert kit.of_kind(inventory, "filesystem")[0]["state"] == "damaged"


def test_a_list_cannot_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    target = _intake(tmp_path / "A1", [("a", b"secret", {})])
    path = tmp_path / "A1" / "files.jsonl"
    path.write_bytes(path.read_bytes().replace(b"files/000001", b"../secret"))
    with kit.run(target, tmp_path / "i.db") as inventory:
        assert inventory.coverage()["streams"]["digested"] == 0
        assert inventory.coverage()["errors"] == 1
