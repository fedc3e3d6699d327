"""`inventory list --problems`: which problems are of what is deleted, and how many are shown."""

from __future__ import annotations

import os

import pytest

from evkit.actions.inventory_said import first_problems
from evkit.actions.inventory_show import listing, problems
from evkit.inventory.coverage import Coverage
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer

DELETED = {"allocated": False, "reallocated": "unknown"}
LOST = {"state": "unreadable", "reason": "read-error"}


def name(inode, **more):
    return {
        "row": "name", "fs": 1, "inode": inode, "seq": 0, "path": f"/{inode}", "name": f"{inode}",
        "parent": 2, "type": "file", "allocated": True, "state": "ok", **more,
    }  # fmt: skip


def stream(inode, basis, **more):
    return {
        "row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0, "size": 9,
        "bytes_digested": 0, "basis": basis, **LOST, **more,
    }  # fmt: skip


OF_DELETED = [
    {"row": "directory", "fs": 1, "inode": 3, "seq": 0, "path": "/3", "entries": 0,
     "allocated": False, **LOST},
    stream(10, "deleted-runs-recorded"),
    stream(11, "none"),
    stream(12, "deleted-contiguous-guess"),
    name(13, **DELETED | {"state": "damaged", "reason": "record-not-in-use"}),
    {"row": "space", "fs": 1, "inode": 10, "seq": 0, "what": "slack", "derived": "size",
     "bytes_digested": 0, "size": 4, **LOST},
]  # fmt: skip
OF_OTHERS = [
    {"row": "error", "stage": "table", "reason": "table-not-read"},
    {"row": "error", "fs": 1, "inode": 99, "stage": "streams", "reason": "read-error"},
    {"row": "partition", "partition": 1, "kind": "partition", "table": "dos", "offset": 0,
     "size": 9, "state": "damaged", "reason": "beyond-end-of-image"},
    {"row": "directory", "fs": 1, "inode": 2, "seq": 0, "path": "/", "entries": 1,
     "allocated": True, **LOST},
    stream(20, "allocated"),
    stream(21, "none"),  # a name in use leads to it as well
    stream(22, "none", seq=7),  # the deleted name is of an earlier file in this record
    stream(23, "none"),  # nobody knows
    name(24, state="damaged", reason="record-not-in-use"),
    {"row": "space", "fs": 1, "what": "unallocated", "derived": "bitmap", "bytes_digested": 0,
     "size": 4, **LOST},
]  # fmt: skip
NAMES = [
    name(10, **DELETED), name(11, **DELETED), name(20), name(21), name(21, **DELETED),
    name(22, **DELETED),
]  # fmt: skip


@pytest.fixture
def database(tmp_path):
    path = os.fsencode(tmp_path / "i.db")
    with Writer(path) as writer:
        writer.add({"row": "source", "kind": "image", "name": "x.raw"})
        for row in (*OF_OTHERS, *OF_DELETED, *NAMES):
            writer.add(row)
        writer.add(
            {"row": "filesystem", "fs": 1, "offset": 0, "size": 9, "type": "ext4", "state": "ok"}
        )
        writer.add(Coverage().row())
        writer.finish({"hashes": "md5"})
    return path


def test_all_of_it(database):
    found = problems(database)
    assert len(found.problems) == len(OF_DELETED) + len(OF_OTHERS)
    assert not found.document()["more"]
    assert found.others == 0


def test_only_what_is_deleted_and_how_much_is_not(database):
    found = problems(database, deleted=True)
    rows = {int(text.split()[1].rstrip(":")) for text in found.problems}
    first = 1 + len(OF_OTHERS)
    assert rows == set(range(first, first + len(OF_DELETED)))
    assert found.document()["other_problems"] == len(OF_OTHERS)
    assert f"not of what is deleted, and not shown: {len(OF_OTHERS)}" in found.lines()
    rest = problems(database, deleted=False)
    assert not set(rest.problems) & set(found.problems)
    assert len(rest.problems) == len(OF_OTHERS)


@pytest.mark.parametrize("deleted", [None, True])
def test_no_more_than_the_limit(database, deleted):
    every = problems(database, deleted=deleted).problems
    for limit in (1, 3, len(every)):
        found = problems(database, deleted=deleted, limit=limit)
        assert found.problems == every[:limit]
        assert found.document()["more"] == (limit < len(every))
        assert ("… more; `--limit` sets how many are shown" in found.lines()) == (
            limit < len(every)
        )
    assert problems(database, deleted=True, limit=1).others == len(OF_OTHERS)


def test_a_run_shows_the_first_and_names_the_command_for_the_rest(database):
    with Inventory(database) as inventory:
        found, more = first_problems(inventory)
    assert found == problems(database).problems[:12]
    assert "evkit inventory list --problems" in more
    shown = listing(database)
    assert shown.document()["problems"] == list(found)
    assert (shown.document()["more"], shown.document()["more_problems"]) == (False, True)
    assert more in shown.lines()
    few = problems(database, deleted=True).document()
    assert (few["more"], few["more_problems"]) == (False, False)


def test_nothing_deleted_is_said_so(tmp_path):
    path = os.fsencode(tmp_path / "i.db")
    with Writer(path) as writer:
        writer.add(OF_OTHERS[0])
        writer.add(Coverage().row())
        writer.finish({})
    said = problems(path, deleted=True).lines()
    assert said[0] == "everything deleted could be read"
    assert "not of what is deleted, and not shown: 1" in said


def _said(path, *rows):
    with Writer(path) as writer:
        writer.add({"row": "source", "kind": "image", "name": "x.raw"})
        for row in rows:
            writer.add(row)
        writer.add(Coverage().row())
        writer.finish({"hashes": "md5"})
    return "\n".join(problems(path).problems)


def _volume(fs, **more):
    return {"row": "filesystem", "fs": fs, "offset": 0, "size": 9, "type": "ext4", "state": "ok",
            **more}  # fmt: skip


def test_a_sentence_names_the_file_that_it_is_about(tmp_path):
    rows = [*NAMES, stream(10, "deleted-runs-recorded"), stream(21, "none"), stream(99, "none"),
            {"row": "error", "fs": 1, "inode": 20, "stage": "streams", "reason": "engine-crash"},
            _volume(1)]  # fmt: skip
    said = _said(os.fsencode(tmp_path / "one.db"), *rows)
    assert "stream /10, record 10, unreadable" in said
    assert "stream /21, record 21, unreadable" in said  # the name in use, not the deleted one
    assert "stream of record 99, unreadable" in said  # no name leads there
    assert "streams, file system 1 /20, record 20:" in said


def test_with_several_volumes_the_volume_is_named_too(tmp_path):
    said = _said(
        os.fsencode(tmp_path / "two.db"),
        name(20), stream(20, "allocated"), name(20, fs=2), stream(20, "allocated", fs=2),
        _volume(1), _volume(2, offset=512),
    )  # fmt: skip
    assert "stream, file system 1 /20, record 20" in said
    assert "stream, file system 2 /20, record 20" in said


def test_what_lies_in_an_archive_is_named_with_the_archive(tmp_path):
    holder = name(7, path="/\x1b[2J.zip", name="\x1b[2J.zip")
    whole = {**stream(7, "allocated"), "state": "ok", "digests": {"md5": "0" * 32},
             "bytes_digested": 9}  # fmt: skip
    del whole["reason"]
    said = _said(
        os.fsencode(tmp_path / "zip.db"),
        holder, whole, name(1, fs=2), stream(1, "allocated", fs=2),
        {"row": "directory", "fs": 2, "inode": 0, "seq": 0, "path": "/", "entries": 1,
         "allocated": True, **LOST},
        _volume(2, type="zip", within=2, state="damaged", reason="no-end-record"),
        _volume(1, type="tree"),
    )  # fmt: skip
    assert r"zip 2 in /\x1b[2J.zip (row 2), damaged: the end of the archive is missing" in said
    assert r"directory /\x1b[2J.zip!/, unreadable" in said
    assert r"stream /\x1b[2J.zip!/1, record 1, unreadable" in said


def test_a_time_says_whether_it_is_one_of_utc(tmp_path):
    path = os.fsencode(tmp_path / "times.db")
    at = {"times": {"m": "1741530600000000000"}}
    rows = [
        name(20, zone="utc", **at), name(21, zone="local-unknown", **at), name(22),
    ]  # fmt: skip
    _said(path, *rows, _volume(1))
    lines = [line[19:] for line in listing(path).lines() if line.endswith(tuple("0123"))]
    shown = {line.split()[-1]: line for line in lines if "/2" in line}
    assert shown["/20"] == "  2025-03-09 14:30Z /20"
    assert shown["/21"] == "  2025-03-09 14:30  /21"
    assert shown["/22"].split() == ["-", "/22"]
