"""JSON lines, which prove themselves; the writing of exports in general."""

from __future__ import annotations

import os
from typing import ClassVar

import exportkit as kit
import pytest

from evkit.core import durable
from evkit.core.errors import RefusedError, StorageError, UsageError
from evkit.core.progress import Progress
from evkit.inventory.exports import job
from evkit.inventory.exports.formats import ENDINGS, FORMATS, NAMES, export, format_of
from evkit.inventory.exports.job import Job
from evkit.manifest import rows
from evkit.merkle.tree import root


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    made = kit.hostile(tmp_path_factory.mktemp("exports") / "i.db")
    yield made
    made.close()


def test_the_json_lines_prove_themselves(inventory, tmp_path):
    path = os.fsencode(tmp_path / "x.jsonl")
    count = export(inventory, "jsonl", path)
    leaves = {False: [], True: []}
    with open(path, "rb") as handle:
        for line in handle:
            engine, number, salt, row = rows.parse_export_line(line)
            assert number == len(leaves[engine])
            leaves[engine].append(rows.row_leaf(salt, row))
    assert count == len(leaves[False]) + len(leaves[True])
    assert root(leaves[False]).hex() == inventory.meta["row_root"]
    assert root(leaves[True]).hex() == inventory.meta["engine_root"]


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_overwritten(inventory, tmp_path, kind):
    path = tmp_path / "x"
    path.write_bytes(b"mine")
    with pytest.raises(RefusedError):
        export(inventory, kind, os.fsencode(path))
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_full_disk_leaves_nothing(inventory, tmp_path, kind, monkeypatch):
    def full(*_):
        raise StorageError("full")

    monkeypatch.setattr(durable.NewFile, "write", full)
    with pytest.raises(StorageError):
        export(inventory, kind, os.fsencode(tmp_path / "x"))
    assert os.listdir(tmp_path) == []


def test_progress_is_told(inventory, tmp_path, monkeypatch):
    class Told(Progress):
        seen: ClassVar[list] = []

        def begin(self, task, total, unit="bytes"):
            self.seen.append(("begin", task, unit))

        def update(self, task, done):
            self.seen.append(done)

        def end(self, task, done):
            self.seen.append(("end", done))

    monkeypatch.setattr(job, "_EVERY", 10)
    count = export(inventory, "csv", os.fsencode(tmp_path / "x.csv"), Told())
    assert Told.seen[0] == ("begin", "export", "rows")
    assert Told.seen[-1] == ("end", count)
    assert Told.seen[1:-1] == sorted(Told.seen[1:-1])
    assert len(Told.seen) > 5


def test_formats_by_name_and_ending():
    assert set(ENDINGS.values()) == set(NAMES)
    for ending, kind in ENDINGS.items():
        assert format_of(None, f"a.b.{ending.upper()}") == kind
        assert format_of("csv", f"x.{ending}") == "csv"
    for wrong in ("x", "csv", "x.xlsx", "x.csv.gz", "dir.csv/x"):
        with pytest.raises(UsageError):
            format_of(None, wrong)
    with pytest.raises(UsageError):
        format_of("xlsx", "x.csv")


def test_streams_that_no_name_leads_to_are_given_out(tmp_path):
    made = kit.made(
        tmp_path / "i.db",
        [kit.source(), kit.name(b"/a", 5), kit.stream(5), kit.stream(6), kit.stream(5, seq=9)],
    )
    with made:
        work = Job(made)
        found = [(one.name_row, one.stream_row) for one in work.entries()]
        assert found == [(1, 2), (None, 3), (None, 4)]
        assert work.count == 3
        assert len(kit.files(kit.data(made, "dfxml"))) == 3
        assert len(kit.body(kit.data(made, "bodyfile"))) == 3
        assert kit.frame(kit.data(made, "parquet"))[0]["stream_row"].to_pylist()[2:] == [2, 3, 4]
        assert [one["inode"] for one in kit.table(kit.data(made, "csv"))][-3:] == ["5", "6", "5"]
