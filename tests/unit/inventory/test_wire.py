"""Rows of a child and the types behind them: each type belongs to the digested stream before it."""

from __future__ import annotations

import pytest

from evkit.core.errors import InputError
from evkit.inventory.wire import Rows
from evkit.manifest import rowaccept, rows

DIGEST = {"md5": "0" * 32}


def stream(inode, **more):
    row = {"row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0, "size": 3,
           "bytes_digested": 3, "digests": DIGEST, "basis": "allocated", "extents": [[inode, 3]],
           "state": "ok"}  # fmt: skip
    return rows.encode(row | more)


FOLDER = rows.encode(
    {"row": "directory", "fs": 1, "inode": 2, "seq": 0, "path": "/", "allocated": True,
     "entries": 0, "state": "ok"}
)  # fmt: skip
TEXT, PNG = b'["type","text/plain"]', b'["type","image/png"]'


def extended(lines, types, made=None):
    made = made or Rows()
    made.extend(lines, rowaccept.accept_all(lines), types)
    return made


def test_types_go_with_the_streams_before_them():
    made = extended([FOLDER, stream(5), stream(6), stream(7)], [(1, TEXT), (3, PNG)])
    assert made.types == [(1, "text/plain"), (3, "image/png")]
    extended([stream(8)], [(0, TEXT)], made)
    assert made.types[-1] == (4, "text/plain")
    assert list(made.lines()) == [
        FOLDER, stream(5), TEXT, stream(6), stream(7), PNG, stream(8), TEXT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "types"),
    [
        ([FOLDER, stream(5)], [(0, TEXT)]),
        ([stream(5), stream(6)], [(0, TEXT), (0, PNG)]),
        ([stream(5)], [(0, b'["type","text"]')]),
        ([stream(5)], [(0, b'["type","a/\\u001b[31m"]')]),
        ([stream(5)], [(0, b'["type",7]')]),
        ([stream(5)], [(0, b'["type",')]),
    ],
)
def test_other_types_are_refused(lines, types):
    with pytest.raises(InputError):
        extended(lines, types)


def test_a_type_in_another_spelling_is_the_same():
    assert extended([stream(5)], [(0, b'["type", "text\\u002fplain"]')]).types == [
        (0, "text/plain")
    ]
