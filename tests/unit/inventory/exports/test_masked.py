"""Exports of sensitive material: digests and sizes, and no name in any of them."""

from __future__ import annotations

import os

import exportkit as kit
import pytest
from lxml import etree

from evkit.core.errors import RefusedError
from evkit.inventory.database.reader import Inventory
from evkit.inventory.exports.formats import FORMATS, export
from evkit.inventory.exports.job import MASKED
from evkit.inventory.mask import Mask

OPEN = tuple(kind for kind in FORMATS if kind != "jsonl")
SECRET = b"quiet-word"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    place = tmp_path_factory.mktemp("masked") / "i.db"
    rows = [
        kit.source(acquisition="C1/E1/A1", name="s" + SECRET.decode()),
        {"row": "partition", "partition": 1, "kind": "whole", "table": "none", "offset": 0,
         "size": 9, "state": "ok", "description": "p" + SECRET.decode()},
        kit.filesystem(),
        kit.name(b"/" + SECRET, 5, short=SECRET.decode(), mode=0o755, uid=7, links=1, zone="utc",
                 times={"m": "1000000000000000000"}, name_times={"b": "1000000000000000000"}),
        kit.stream(5),
        kit.stream(5, attr=2, name=SECRET.decode()),
        kit.name(b"/l" + SECRET, 6, type="symlink", target="t" + SECRET.decode()),
        kit.name(b"/open", 7),
        kit.stream(7),
        {"row": "directory", "fs": 1, "inode": 5, "seq": 0, "path": "/" + SECRET.decode(),
         "allocated": True, "entries": 0, "state": "unreadable", "reason": "engine"},
        {"row": "error", "fs": 1, "stage": "engine", "reason": "x", "detail": SECRET.decode(),
         "path": "/" + SECRET.decode(), "inode": 5},
    ]  # fmt: skip
    kit.made(place, rows, {4: "image/png"}).close()
    return os.fsencode(place)


@pytest.mark.parametrize("kind", OPEN)
def test_no_name_is_in_an_export_of_a_sensitive_exhibit(path, kind, vectors):
    with Inventory(path, mask=Mask(everything=True)) as inventory:
        raw = kit.data(inventory, kind)
    assert SECRET not in raw
    assert MASKED.encode() in raw
    if kind == "parquet":
        rows = kit.frame(raw)[0].to_pylist()
        assert SECRET.decode() not in str(rows)
        assert f"{5:032x}" in str(rows)
        return
    assert b"image/png" not in raw
    assert f"{5:032x}".encode() in raw
    if kind == "dfxml":
        kit.schema(vectors).assertValid(etree.fromstring(raw))


@pytest.mark.parametrize("kind", OPEN)
def test_only_marked_files_are_masked(path, kind):
    with Inventory(path) as plain:
        mask = Mask.of_streams(plain, [4])
    with Inventory(path, mask=mask) as inventory:
        raw = kit.data(inventory, kind)
    shown = str(kit.frame(raw)[0].to_pylist()).encode() if kind == "parquet" else raw
    assert b"open" in shown
    assert b"l" + SECRET in shown
    for other in (b"l", b"t", b"s", b"p"):  # a link, its target, the image, the partition
        shown = shown.replace(other + SECRET, b"")
    assert SECRET not in shown


def test_json_lines_are_refused(path, tmp_path):
    with Inventory(path, mask=Mask(everything=True)) as inventory, pytest.raises(RefusedError):
        export(inventory, "jsonl", os.fsencode(tmp_path / "x.jsonl"))
    assert os.listdir(tmp_path) == []
