"""Inventory rows: their fields, their bytes, their leaves, the lines of an export."""

from __future__ import annotations

import hashlib
import json

import pytest

from evkit.core.errors import InputError
from evkit.manifest import rows

STREAM = {
    "row": "stream", "fs": 1, "inode": 14, "seq": 0, "attr": 1, "attr_id": 0, "size": 3,
    "bytes_digested": 3, "basis": "allocated", "state": "ok", "extents": [[512, 3]],
    "digests": {"sha256": hashlib.sha256(b"abc").hexdigest()},
}  # fmt: skip
NAME = {
    "row": "name", "fs": 1, "inode": 14, "seq": 0, "path": "/a\n", "name": "a\n", "parent": 2,
    "type": "file", "allocated": True, "state": "ok", "times": {"m": "1626962852000000000"},
    "zone": "utc", "resolution": {"m": 1000000000}, "mode": 420, "uid": 0, "gid": 0, "links": 1,
}  # fmt: skip
SALT = bytes(range(16))


@pytest.mark.parametrize("row", [STREAM, NAME], ids=["stream", "name"])
def test_a_row_comes_back_byte_for_byte(row):
    data = rows.encode(row)
    assert rows.encode(rows.parse(data)) == data
    assert (
        data == json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    )


def test_the_leaf_is_the_documented_one():
    data = rows.encode(STREAM)
    assert rows.row_leaf(SALT, data) == hashlib.sha256(b"\x00" + SALT + data).digest()
    with pytest.raises(InputError):
        rows.row_leaf(SALT[:15], data)


@pytest.mark.parametrize(
    "change",
    [
        {"row": "cat"}, {"row": None}, {"row": ["stream"]}, {"fs": 0}, {"fs": True}, {"fs": 1.0},
        {"inode": 2**53}, {"inode": -1}, {"extents": [[0]]}, {"extents": [[0, 0]]},
        {"extents": [[-2, 1]]}, {"extents": [[True, 1]]}, {"extents": "x"}, {"flags": []},
        {"flags": ["sparse", "resident"]}, {"flags": ["unheard-of"]}, {"colour": "blue"},
        {"digests": {"sha256": "AB" * 32}}, {"digests": {"sha256": "ab"}},
        {"digests": {"crc": "1"}},
        {"basis": "guess"}, {"basis": "none"}, {"state": "fine"}, {"state": "damaged"},
        {"bytes_digested": 2}, {"size": 4}, {"digests": None}, {"name": 5}, {"name": "\ud800"},
        {"reason": "Not A Slug"}, {"name": "a", "name_b64": "YQ=="}, {"name_b64": "/w=="},
    ],
)  # fmt: skip
def test_anything_else_is_refused(change):
    with pytest.raises(InputError):
        rows.encode(STREAM | change)


@pytest.mark.parametrize(
    "change",
    [
        {"allocated": False}, {"reallocated": "no"}, {"times": {"x": "1"}}, {"times": {"m": 5}},
        {"times": {"m": "01"}}, {"times": {"m": "+1"}}, {"zone": "PKT"}, {"type": "door"},
        {"resolution": {"m": 0}}, {"mode": "0644"},
    ],
)  # fmt: skip
def test_names_are_checked_too(change):
    with pytest.raises(InputError):
        rows.encode(NAME | change)


@pytest.mark.parametrize("field", ["fs", "inode", "basis", "state", "bytes_digested"])
def test_a_missing_field_is_named(field):
    row = dict(STREAM)
    del row[field]
    with pytest.raises(InputError, match=field):
        rows.encode(row)


def test_a_digest_never_stands_without_its_basis():
    row = dict(STREAM)
    del row["basis"]
    with pytest.raises(InputError):
        rows.encode(row)
    with pytest.raises(InputError, match="basis"):
        rows.encode(STREAM | {"basis": "none"})


def test_a_row_that_is_not_canonical_is_refused():
    for data in (
        json.dumps(STREAM).encode(),
        rows.encode(STREAM) + b" ",
        rows.encode(STREAM)[:-1],
        b"[]",
        b"{}",
        rows.encode(STREAM).replace(b'"fs":1', b'"fs":1,"fs":1'),
    ):
        with pytest.raises(InputError):
            rows.parse(data)


@pytest.mark.parametrize("engine", [False, True])
def test_an_exported_line_comes_back(engine):
    row = {"row": "type", "stream": 7, "mime": "image/jpeg"} if engine else NAME
    line = rows.export_line(3, SALT, rows.encode(row), engine=engine)
    assert json.loads(line)["n"] == 3
    assert rows.parse_export_line(line) == (engine, 3, SALT, rows.encode(row))


def test_hostile_lines_are_refused():
    line = rows.export_line(3, SALT, rows.encode(NAME))
    other = rows.export_line(3, SALT, rows.encode(NAME), engine=True)
    for wrong in (
        line[:-1], line + b"\n", line[:-2] + b"\n", other, b"\n", b"[]\n", b"{}\n",
        line.replace(b'"n":3', b'"n":-3'), line.replace(b'"n":3', b'"n":true'),
        line.replace(b'"n":3', b'"n":3,"x":1'), line.replace(b"AAEC", b"AAE="),
    ):  # fmt: skip
        with pytest.raises(InputError):
            rows.parse_export_line(wrong)


def test_the_page_has_the_right_example_and_names_everything(repository):
    page = (repository / "docs" / "spec" / "inventory-rows.md").read_text()
    row = page.split("row\n```\n")[1].split("\n```")[0].encode()
    assert rows.encode(rows.parse(row)) == row
    assert rows.row_leaf(SALT, row).hex() in page
    words = {*rows.KINDS, *rows.ENGINE_KINDS, *rows.STATES, *rows.BASES, *rows.FLAGS, *rows.TYPES}
    assert {word for word in words if word not in page} == set()


def test_the_page_of_exports_has_lines_that_are_read(repository):
    page = (repository / "docs" / "spec" / "inventory-exports.md").read_text()
    lines = [line for line in page.split("\n") if line.startswith("{")]
    assert [rows.parse_export_line(line.encode() + b"\n")[0] for line in lines] == [False, True]
