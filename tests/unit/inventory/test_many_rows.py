"""Millions of rows: the memory stays small, the millionth row costs what the first did."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

import manyrows
import pytest

from evkit.inventory.coverage import problems
from evkit.inventory.database.reader import Inventory
from evkit.inventory.search.find import Criteria, entries

MEMORY = 400 << 20
READ = """
import json, sys
sys.path[:0] = json.loads(sys.argv[2])
import usage
from evkit.inventory.search.find import entries
from evkit.inventory.database.reader import Inventory
with Inventory(sys.argv[1].encode()) as inventory:
    print(sum(entry.stream is not None for entry in entries(inventory)))
print(usage.peak())
"""


def test_the_rows_are_those_of_an_inventory(tmp_path):
    path = os.fsencode(tmp_path / "i.db")
    manyrows.fill(path, 20000)
    with Inventory(path) as inventory:
        assert inventory.problems() == []
        coverage = inventory.coverage()
        assert problems(coverage) == []
        assert (coverage["names"]["listed"], coverage["streams"]["digested"]) == (10000, 10000)
        found = list(entries(inventory))
        assert len({entry.stream_row for entry in found}) == 10000
        assert all(entry.name["inode"] == entry.stream["inode"] for entry in found)
        assert sum(entry.mime == "image/jpeg" for entry in found) == 2500
        one = inventory.row(15003)
        for name in ("md5", "sha256"):
            same = inventory.streams_with(f"digests.{name}", one["digests"][name])
            assert [number for number, _ in same] == [15003]
        assert 15003 in [number for number, _ in inventory.streams_with("size", one["size"])]
        named = [entry.name_row for entry in entries(inventory, Criteria(name="FILE 0000042.JPG"))]
        assert named == [42]


def test_every_lookup_has_an_index(tmp_path):
    path = os.fsencode(tmp_path / "i.db")
    manyrows.fill(path, 10000)
    columns = {
        "name_keys": ("name",), "stream_keys": ("size", "md5", "sha1", "sha256", "sha512"),
        "type_keys": ("stream", "mime"),
    }  # fmt: skip
    with Inventory(path) as inventory:
        for table, names in columns.items():
            for name in names:
                query = f"EXPLAIN QUERY PLAN SELECT n FROM {table} WHERE {name} = 5"
                assert "COVERING INDEX" in str(inventory._ask(query).fetchall()), name
        for table in ("name_keys", "stream_keys"):
            query = f"EXPLAIN QUERY PLAN SELECT n FROM {table} WHERE fs = 1 AND inode = 5"
            assert "COVERING INDEX" in str(inventory._ask(query).fetchall())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_million_rows(tmp_path):
    path = tmp_path / "i.db"
    program = [sys.executable, manyrows.__file__, str(path), "5000000"]
    found = json.loads(subprocess.run(program, check=True, capture_output=True).stdout)
    assert found["rss"] < MEMORY
    first, last = statistics.median(found["cpu"][:3]), statistics.median(found["cpu"][-3:])
    assert last < 1.3 * first
    assert found["end_cpu"] < sum(found["cpu"])
    program = [sys.executable, "-c", READ, str(path), json.dumps(sys.path)]
    count, memory = subprocess.run(program, check=True, capture_output=True).stdout.split()
    assert int(count) == 2500000
    assert int(memory) < MEMORY
