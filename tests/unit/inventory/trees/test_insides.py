"""Archives of a tree, from the parent's side: what a child may say, what is left when it dies."""

from __future__ import annotations

import os
import sys

import archivekit as archives
import inventorykit as kit
import pytest

from evkit.inventory.coverage import problems
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options

HEAD = (
    "import json, os, sys, time\n"
    "request = json.load(sys.stdin)\n"
    "def say(*items):\n"
    "    line = json.dumps(items)\n"
    "    if items[0] == 'row':\n"
    "        line = json.dumps(items[1], sort_keys=True, separators=(',', ':'))\n"
    "    sys.stdout.write(line + '\\n'); sys.stdout.flush()\n"
    "def row(fs, **fields):\n"
    "    say('row', {'fs': fs, 'seq': 0, 'allocated': True, 'state': 'ok', **fields})\n"
    "def stream(fs, inode, size):\n"
    "    say('row', {'row': 'stream', 'fs': fs, 'inode': inode, 'seq': 0, 'attr': 1,\n"
    "        'attr_id': 0,\n"
    "        'bytes_digested': size, 'size': size, 'basis': 'allocated', 'state': 'ok',\n"
    "        'digests': {'md5': '0' * 32}})\n"
    "def archive(fs, type='zip', size=9):\n"
    "    say('archive', {'fs': fs, 'type': type, 'size': size})\n"
    "def top(fs, type='zip', size=9):\n"
    "    row(fs, row='directory', inode=0, path='/', entries=0)\n"
    "    say('fs', {'type': type, 'size': size, 'state': 'ok'})\n"
    "tree = request['task'] == 'tree'\n"
    "if tree:\n"
    "    say('fs', {'type': 'tree', 'size': 0, 'state': 'ok'})\n"
    "    for n in (1, 2, 3):\n"
    "        stream(1, n, 9)\n"
    "        say('archive', {'type': 'zip', 'path': 'L3g=', 'name': 'eA==', 'size': 9,\n"
    "            'mtime': '1'})\n"
    "    row(1, row='directory', inode=0, path='/', entries=3)\n"
    "    say('done'); sys.exit()\n"
    "first = request['archives'] and request['fs']\n"
)
WHOLE = (
    "for n in range(len(request['archives'])):\n    archive(first + n); top(first + n)\n"
    "say('done')\n"
)
NAME = "row(first, row='name', inode=1, path='/a', name='a', parent=0, type='file')\n"


def _scan(tmp_path, body, **limits):
    script = tmp_path / "engine.py"
    script.write_text(HEAD + body)
    (tmp_path / "t").mkdir()
    options = Options(types=False, command=[sys.executable, str(script)], limits=Limits(**limits))
    with kit.scan(tmp_path / "t", tmp_path / "i.db", options) as inventory:
        assert problems(inventory.coverage()) == []
        systems = kit.of_kind(inventory, "filesystem")
        assert [row["fs"] for row in systems if "within" in row] == [2, 3, 4]
        assert [row["within"] for row in systems if "within" in row] == [1, 2, 3]
        return inventory.coverage(), systems, kit.of_kind(inventory, "error")


def test_three_archives(tmp_path):
    coverage, systems, errors = _scan(tmp_path, WHOLE)
    assert [row["state"] for row in systems] == ["ok"] * 4
    assert errors == []
    assert coverage["result"] == "complete"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("archive(first)\nos.abort()\n", "engine-crash"),
        ("os.abort()\n", "engine-crash"),
        ("archive(first)\n" + NAME + "time.sleep(30)\n", "engine-hang"),
        ("say('done')\n", "engine-garbage"),
        ("archive(first)\nsay('done')\n", "engine-garbage"),
        ("archive(first + 1)\n", "engine-garbage"),
        ("archive(first, 'iso')\n", "engine-garbage"),
        ("archive(first, size=-1)\n", "engine-garbage"),
        ("archive(first); row(first, row='filesystem', type='zip', offset=0, size=1)\n",
         "engine-garbage"),
        ("archive(first); row(1, row='directory', inode=0, path='/', entries=0)\n",
         "engine-garbage"),
        ("archive(first); say('fs', {'type': 'zip', 'size': 9, 'state': 'ok', 'within': 1})\n",
         "engine-garbage"),
        ("archive(first); say('fs', {'type': 'zip', 'size': 9, 'state': 'perfect'})\n",
         "engine-garbage"),
        ("archive(first); archive(first + 1)\n", "engine-garbage"),
        ("archive(first); say('type', 'a/b')\n", "engine-garbage"),
        ("say('fs', {'type': 'zip', 'size': 9, 'state': 'ok'})\n", "engine-garbage"),
        ("archive(first); stream(first, 1, 'x')\n", "engine-garbage"),
        ("print('x' * 100)\n", "engine-garbage"),
    ],
)  # fmt: skip
def test_one_archive_never_costs_another(tmp_path, body, reason):
    """The child dies at the first archive; another one goes on with the second."""
    body = (
        "if first == 2:\n    "
        + body.rstrip("\n").replace("\n", "\n    ")
        + "\n    sys.exit()\n"
        + WHOLE
    )
    coverage, systems, errors = _scan(tmp_path, body, silence=10.0 if "sleep(" in body else 60.0)
    assert [row["reason"] for row in errors] == [reason]
    states = {row["fs"]: (row["state"], row.get("reason")) for row in systems}
    assert states[2] == ("damaged", reason)
    assert states[3] == states[4] == ("ok", None)
    assert coverage["result"] == "with-gaps"


def test_archives_open_in_each_other_are_all_closed(tmp_path):
    script = tmp_path / "engine.py"
    script.write_text(
        HEAD + "archive(first); stream(first, 1, 5); archive(first + 1, 'tar'); os.abort()\n"
    )
    (tmp_path / "t").mkdir()
    options = Options(types=False, command=[sys.executable, str(script)])
    with kit.scan(tmp_path / "t", tmp_path / "i.db", options) as inventory:
        systems = [row for row in kit.of_kind(inventory, "filesystem") if "within" in row]
        streams = [number for number, _ in inventory.rows("stream")]
    assert [row["type"] for row in systems] == ["tar", "zip"] * 3
    assert [row["fs"] for row in systems] == [3, 2, 5, 4, 7, 6]
    assert {row["within"] for row in systems} == set(streams)
    assert {row["state"] for row in systems} == {"damaged"}


@pytest.mark.parametrize(
    "fields",
    [
        "{}", "{'type': 'zip'}",
        "{'type': 'iso', 'path': 'L3g=', 'name': 'eA==', 'size': 9, 'mtime': '1'}",
        "{'type': 'zip', 'path': '!', 'name': 'eA==', 'size': 9, 'mtime': '1'}",
        "{'type': 'zip', 'path': 'L3g=', 'name': 'eA==', 'size': -9, 'mtime': '1'}",
        "{'type': 'zip', 'path': 'L3g=', 'name': 'eA==', 'size': 9, 'mtime': 1}",
        "{'type': 'zip', 'path': 'L3g=', 'name': 'eA==', 'size': 9, 'mtime': '9' * 99}",
        "{'type': 'zip', 'path': 7, 'name': 'eA==', 'size': 9, 'mtime': '1'}",
    ],
)  # fmt: skip
def test_an_archive_that_is_none(tmp_path, fields):
    script = tmp_path / "engine.py"
    told = f"    say('archive', {fields})\n    say('done'); sys.exit()\n"
    script.write_text(
        HEAD.partition("    for n in (1, 2, 3):\n")[0] + "    stream(1, 1, 9)\n" + told
    )
    (tmp_path / "t").mkdir()
    options = Options(types=False, command=[sys.executable, str(script)])
    with kit.scan(tmp_path / "t", tmp_path / "i.db", options) as inventory:
        (error,) = kit.of_kind(inventory, "error")
        assert len(kit.of_kind(inventory, "stream")) == 1
    assert error["reason"] == "engine-garbage"
    assert error["detail"] == "an archive that is none"


def test_a_batch_is_never_larger_than_a_request(tmp_path, monkeypatch):
    from evkit.inventory.trees import insides

    monkeypatch.setattr(insides, "_BATCH", 3)
    root = tmp_path / "t"
    root.mkdir()
    for number in range(10):
        (root / f"{number}.zip").write_bytes(archives.zipped({"a": b"%d" % number}))
    with kit.scan(root, tmp_path / "i.db", Options(types=False)) as inventory:
        systems = [row for row in kit.of_kind(inventory, "filesystem") if "within" in row]
        assert [row["fs"] for row in systems] == list(range(2, 12))
        held = [inventory.row(row["within"])["inode"] for row in systems]
    assert held == sorted(held)


def test_a_file_that_changed_before_it_was_looked_into(tmp_path, monkeypatch):
    from evkit.inventory.trees import insides

    root = tmp_path / "t"
    root.mkdir()
    (root / "a.zip").write_bytes(archives.zipped({"a": b"1"}))
    real = insides.Insides.run

    def run(self, beat):
        (root / "a.zip").write_bytes(archives.zipped({"b": b"2" * 99}))
        return real(self, beat)

    monkeypatch.setattr(insides.Insides, "run", run)
    with kit.scan(root, tmp_path / "i.db", Options(types=False)) as inventory:
        system = kit.of_kind(inventory, "filesystem")[-1]
    assert (system["state"], system["reason"]) == ("damaged", "changed-while-read")


def test_types_and_one_file(tmp_path):
    from evkit.actions.inventory_target import Chosen

    data = archives.zipped({"a.txt": b"hello\n", "b.pdf": b"%PDF-1.4\n%x"})
    (tmp_path / "x.zip").write_bytes(data)
    (tmp_path / "other").write_bytes(b"not listed")
    chosen = Chosen.of_path(os.fsencode(tmp_path / "x.zip"), b"")
    with kit.run(chosen.target, tmp_path / "i.db") as inventory:
        paths = [row["path"] for row in kit.of_kind(inventory, "name")]
        types = {inventory.mime(number) for number, _ in inventory.rows("stream")}
    assert paths == ["/", "/x.zip", "/a.txt", "/b.pdf"]
    assert types == {"application/zip", "text/plain", "application/pdf"}


def test_nothing_is_written_but_the_inventory(tmp_path, monkeypatch):
    root = tmp_path / "t"
    root.mkdir()
    inner = archives.zipped({"deep": os.urandom(50_000)})
    (root / "a.tgz").write_bytes(__import__("gzip").compress(archives.tarred({"in.zip": inner})))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scrap"))
    kit.scan(root, tmp_path / "i.db").close()
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert set(after) - set(before) == {tmp_path / "i.db"}
    assert all(after[path] == moment for path, moment in before.items() if path != tmp_path)
