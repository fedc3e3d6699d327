"""Columns of rows that are alike say what the rows say one by one."""

from __future__ import annotations

import itertools

import pytest

from evkit.inventory.coverage import Coverage
from evkit.inventory.database import tables
from evkit.manifest import rowaccept, rows
from evkit.manifest.rowfacts import Alike, Judged


def _name(number: int, **more) -> bytes:
    row = {
        "row": "name", "fs": 1, "inode": number, "seq": 0, "path": f"/A {number}.TXT",
        "name": f"A {number}.TXT", "parent": 2, "type": "file", "allocated": True, "state": "ok",
    }  # fmt: skip
    return rows.encode(row | more)


def _stream(number: int, *digests: str, **more) -> bytes:
    row = {
        "row": "stream", "fs": 1, "inode": number, "seq": 3, "attr": 1, "attr_id": 0,
        "basis": "allocated", "bytes_digested": number, "size": number, "state": "ok",
        "digests": {name: (f"{number:x}" * 128)[: rows.DIGESTS[name]] for name in digests},
    }  # fmt: skip
    return rows.encode(row | more)


LINES = {
    "names": [_name(number) for number in range(5)],
    "names of two file systems": [_name(1), _name(2), _name(3, fs=2), _name(4, fs=2), _name(5)],
    "names that are not ASCII": [_name(1), _name(2, name="ÄÖ", path="/ÄÖ"), _name(3)],
    "a name that is not usual": [_name(1), _name(2), _name(3, allocated=False, reallocated="no")],
    "streams": [_stream(number, "md5", "sha256") for number in range(5)],
    "streams with other digests": [_stream(1, "md5"), _stream(2, "md5"), _stream(3, "sha1", "md5")],
    "streams without digests": [_stream(1), _stream(2), _stream(3, "sha512")],
    "one row": [_name(7)],
}


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_columns_say_what_rows_say(lines):
    judged = Judged()
    judged.extend(rowaccept.accept_all(lines))
    judged.append(rowaccept.accept(_name(9)))
    judged.extend(rowaccept.accept_all(lines))
    single = [rowaccept.accept(line) for line in (*lines, _name(9), *lines)]
    assert (list(judged), len(judged)) == (single, len(single))
    found = [list(values) for values in tables.keys_of(11, judged)]
    assert found == list(tables.keys(11, single))
    ours, theirs = Coverage(), Coverage()
    theirs.take_all(single)
    for part in judged.parts:
        ours.take_alike(part) if isinstance(part, Alike) else ours.take_all(part)
    assert ours.row() == theirs.row()


def test_usual_rows_are_kept_in_columns():
    parts = rowaccept.accept_all(LINES["streams"]).parts
    assert [(type(part), len(part)) for part in parts] == [(Alike, 5)]
    kinds = [part.fs for part in rowaccept.accept_all(LINES["names of two file systems"]).parts]
    assert kinds == [1, 2, 1]


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_the_last_can_be_taken_back(lines):
    judged = rowaccept.accept_all(lines)
    expected = list(judged)
    for left in range(len(lines) - 1, -1, -1):
        assert judged.digested == (expected[left].kind == "stream")
        assert judged.pop() == expected[left]
        assert (list(judged), len(judged)) == (expected[:left], left)
    assert not judged.digested


def test_numbers_go_on_from_part_to_part():
    judged = Judged()
    for lines in itertools.chain(LINES.values(), LINES.values()):
        judged.extend(rowaccept.accept_all(lines))
    numbers = sorted(row[0] for table in list(tables.keys_of(0, judged))[:3] for row in table)
    assert numbers == list(range(len(judged)))
