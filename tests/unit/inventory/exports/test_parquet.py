"""Parquet: typed, exact, in groups of bounded size."""

from __future__ import annotations

import json
import sys

import exportkit as kit
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from evkit.core.errors import UsageError
from evkit.inventory.exports import parquet
from evkit.inventory.exports.columns import COLUMNS
from evkit.inventory.exports.unsaid import NOT_SAID


def _table(tmp_path, *rows, types=None):
    with kit.made(tmp_path / "i.db", [kit.source(), *rows], types) as inventory:
        return kit.frame(kit.data(inventory, "parquet"))


def test_types_of_columns(tmp_path):
    table, metadata = _table(tmp_path, kit.filesystem())
    assert table.column_names == list(COLUMNS)
    kinds = {name: table.schema.field(name).type for name in COLUMNS}
    assert kinds["size"] == kinds["inode"] == pa.int64()
    assert kinds["mtime"] == pa.timestamp("ns", tz="UTC")
    assert kinds["mtime_local"] == pa.timestamp("ns")
    assert kinds["path_raw"] == pa.binary()
    assert pa.types.is_dictionary(kinds["state"])
    assert kinds["extents"].value_type.names == ["offset", "length"]
    assert json.loads(metadata[b"evkit.not_said"]) == list(NOT_SAID["parquet"])
    assert metadata[b"evkit.schema"] == parquet.SCHEMA.encode()
    assert len(metadata[b"evkit.row_root"]) == 64


def test_hostile_names_come_back_as_bytes(tmp_path):
    with kit.hostile(tmp_path / "i.db") as inventory:
        table, _ = kit.frame(kit.data(inventory, "parquet"))
    rows = [row for row in table.to_pylist() if row["row"] == "entry"]
    assert {row["path_raw"] for row in rows} >= {b"/" + name for name in kit.HOSTILE}
    assert {row["stream_raw"] for row in rows} - {None} == set(kit.HOSTILE)
    assert {row["target_raw"] for row in rows} - {None} == set(kit.HOSTILE)
    for row in rows:
        assert kit.unescape(row["path"]) == row["path_raw"]
        assert bool(row["md5"]) == bool(row["basis"])


def test_values_times_and_extents(tmp_path):
    table, _ = _table(
        tmp_path,
        kit.filesystem(),
        kit.name(b"/a", 5, zone="utc", times={"m": "1078084677513052801", "b": "9" * 19},
                 name_times={"c": "-5"}, resolution={"m": 100}, mode=0o755, flags=["virtual"]),
        kit.stream(5, size=2**52, bytes_digested=2**52, flags=["sparse"],
                   extents=[[-1, 2**40], [2**50, 7]]),
        kit.name(b"/b", 6, zone="local-unknown", times={"m": "1"}, state="damaged", reason="x"),
        kit.stream(6, basis="deleted-contiguous-guess", state="skipped", digests=None,
                   reason="deleted-content-lost", bytes_digested=0),
        types={3: "image/png"},
    )  # fmt: skip
    first, second = [row for row in table.to_pylist() if row["row"] == "entry"]
    stamps = table.filter(pa.compute.equal(table["inode"], 5))
    assert stamps["mtime"].cast(pa.int64()).to_pylist() == [1078084677513052801]
    assert stamps["fn_ctime"].cast(pa.int64()).to_pylist() == [-5]
    assert json.loads(first["times_beyond"]) == {"btime": "9" * 19}
    assert first["size"] == 2**52
    assert first["extents"] == [
        {"offset": -1, "length": 2**40}, {"offset": 2**50, "length": 7},
    ]  # fmt: skip
    assert first["flags"] == ["sparse", "virtual"]
    assert first["type"] == "image/png"
    assert first["resolution"] == {"m": 100, "a": None, "c": None, "b": None}
    assert (first["n"], first["stream_row"]) == (2, 3)
    assert second["mtime"] is None
    assert second["mtime_local"] is not None
    assert (second["state"], second["reason"]) == ("skipped", "deleted-content-lost")
    assert second["md5"] is None


def test_rows_of_every_other_kind_are_there(tmp_path):
    table, _ = _table(
        tmp_path,
        {"row": "partition", "partition": 1, "kind": "gap", "table": "dos", "offset": 3, "size": 9,
         "state": "ok", "description": "gäp\x1b"},
        {"row": "directory", "fs": 1, "inode": 7, "seq": 0, "path": "/x", "allocated": True,
         "entries": 0, "state": "unreadable", "reason": "engine"},
        {"row": "error", "fs": 1, "stage": "engine", "reason": "engine-crash", "detail": "a\x1b"},
        kit.filesystem(),
    )  # fmt: skip
    rows = {row["row"]: row for row in table.to_pylist()}
    assert set(rows) == {"source", "partition", "directory", "error", "filesystem", "coverage"}
    assert rows["partition"]["path_raw"] == "gäp\x1b".encode()
    assert rows["error"]["kind"] == "engine"
    assert rows["error"]["detail"] == "a\\x1b"
    assert rows["filesystem"]["kind"] == "ext4"
    assert rows["coverage"]["state"] == "complete"


@pytest.mark.parametrize(("rows", "extents"), [(4, 10**9), (10**9, 3)])
def test_groups_are_bounded(tmp_path, monkeypatch, rows, extents):
    monkeypatch.setattr(parquet, "GROUP_ROWS", rows)
    monkeypatch.setattr(parquet, "GROUP_EXTENTS", extents)
    many = [row for n in range(5, 25) for row in (kit.name(b"/%d" % n, n), kit.stream(n))]
    with kit.made(tmp_path / "i.db", [kit.source(), *many]) as inventory:
        raw = kit.data(inventory, "parquet")
    file = pq.ParquetFile(pa.BufferReader(raw))
    assert file.num_row_groups >= 5
    assert file.metadata.num_rows == 22


def test_an_absent_pyarrow_is_said(tmp_path, monkeypatch):
    with kit.made(tmp_path / "i.db", [kit.source()]) as inventory:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(UsageError) as caught:
            kit.data(inventory, "parquet")
    assert caught.value.hint is not None
    assert "evkit[parquet]" in caught.value.hint
