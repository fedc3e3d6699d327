"""Known files in unread places: counted as a plain count would, named safely."""

from __future__ import annotations

import os
import subprocess

import inventorykit as kit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.core.ranges import merge
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer
from evkit.inventory.unread import SHOWN, unread_files

SIZE = 4000


def name(inode, path, *, allocated=True, seq=0):
    gone = {} if allocated else {"reallocated": "no"}
    return {
        **gone, "row": "name", "fs": 1, "inode": inode, "seq": seq, "path": path, "parent": 2,
        "name": path.rpartition("/")[2], "type": "file", "allocated": allocated, "state": "ok",
    }  # fmt: skip


def stream(inode, *extents, **more):
    return {
        "row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0, "size": 1,
        "bytes_digested": 0, "basis": "allocated", "state": "damaged", "reason": "unread-sectors",
        "extents": [list(pair) for pair in extents], **more,
    }  # fmt: skip


def table(offset, size):
    return {
        "row": "partition", "partition": 1, "kind": "metadata", "table": "dos", "offset": offset,
        "size": size, "state": "ok",
    }  # fmt: skip


def made(folder, rows):
    path = os.fsencode(folder / "i.db")
    with Writer(path) as writer:
        for row in rows:
            writer.add(row)
        writer.finish({"engine": "none"})
    return Inventory(path)


ROWS = [
    table(0, 512),
    name(5, "/a"), name(6, "/gone", allocated=False), name(7, "/esc\x1b[31m"), name(7, "/link"),
    stream(5, (1000, 100), (-1, 4096), (1200, 100)),
    stream(6, (1050, 100), basis="deleted-runs-recorded"),
    stream(7, (2000, 500), name="zone"),
    stream(8, (3000, 10), extents_left_out=4),
    stream(9, (3900, 10)),
]  # fmt: skip


def test_what_is_hit(tmp_path):
    with made(tmp_path, ROWS) as inventory:
        found = unread_files(inventory, [(1090, 20), (500, 100), (2000, 1), (1299, 1)])
    assert (found.bytes, found.ranges) == (122, 4)
    assert (found.files, found.deleted, found.uncertain) == (2, 1, 1)
    assert (found.file_bytes, found.table_bytes, found.other_bytes) == (22, 12, 88)
    assert [(hit.path, hit.bytes, hit.deleted) for hit in found.first] == [
        ("/a", 11, False), ("/esc\\x1b[31m:zone", 1, False), ("/gone", 20, True),
    ]  # fmt: skip
    assert [hit.row for hit in found.first] == [5, 7, 6]
    lines = found.lines()
    assert lines[0] == "not read 122 bytes in 4 ranges"
    assert lines[1] == "  = in listed files 22 + in partition tables 12 + elsewhere 88"
    assert lines[2] == "files that lie in unread sectors: 2 in use, 1 deleted"
    assert lines[-1] == "  of 1 more that is not known"
    assert all("\x1b" not in line for line in lines)


def test_nothing_is_hit(tmp_path):
    with made(tmp_path, ROWS) as inventory:
        found = unread_files(inventory, [(600, 100)], whole=False)
    assert (found.files, found.file_bytes, found.other_bytes, found.first) == (0, 0, 100, ())
    assert found.lines()[0] == "not read at least 100 bytes in 1 range"
    assert found.fields()["whole"] is False


def test_a_stream_without_a_name(tmp_path):
    with made(tmp_path, ROWS) as inventory:
        found = unread_files(inventory, [(3905, 1)])
    assert found.first[0].path == "(no name, record 9)"


def test_many_hits_stay_small(tmp_path):
    rows = []
    for number in range(300):
        rows += [name(number, "/" + "ü" * 2000 + str(number)), stream(number, (0, 10))]
    with made(tmp_path, rows) as inventory:
        found = unread_files(inventory, [(5, 1)])
    assert (found.files, len(found.first), found.file_bytes) == (300, SHOWN, 1)
    assert found.lines()[-1] == f"  … {300 - SHOWN} more"
    assert len(str(found.fields())) < 20_000


RANGES = st.lists(st.tuples(st.integers(0, SIZE), st.integers(1, 300)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(RANGES, st.lists(RANGES, max_size=5), RANGES)
def test_counts_are_those_of_single_bytes(tmp_path_factory, unread, files, tables):
    rows = [table(*pair) for pair in tables]
    rows += [stream(n, *extents) for n, extents in enumerate(files)]
    with made(tmp_path_factory.mktemp("i"), rows) as inventory:
        found = unread_files(inventory, unread)

    def places(ranges):
        return {byte for offset, length in ranges for byte in range(offset, offset + length)}

    lost = places(unread)
    inside = [len([b for o, n in e for b in range(o, o + n) if b in lost]) for e in files]
    assert found.bytes == len(lost)
    assert found.ranges == len(merge(unread))
    assert found.files == len([count for count in inside if count])
    assert [hit.bytes for hit in found.first] == [count for count in inside if count]
    covered = {b for extents in files for b in places(extents)}
    assert found.file_bytes == len(lost & covered)
    assert found.table_bytes == len(lost & places(tables) - covered)
    assert found.other_bytes == len(lost - covered - places(tables))


@pytest.mark.parametrize(
    ("address", "path", "deleted"),
    [("135", "/ACCOUNTS/transfers_2025.csv", False), ("148", "/ACCOUNTS/old_list.csv", True)],
)
def test_sectors_that_another_program_names(tmp_path, program, address, path, deleted):
    image = kit.SAMPLES / "usb-fat16.raw"
    if not image.exists():
        pytest.skip("the sample images are not here")
    told = subprocess.run(
        [program("istat"), "-o", "128", image, address], check=True, capture_output=True, text=True
    ).stdout
    sectors = [int(word) for word in told.partition("Sectors:")[2].split() if int(word)]
    assert len(sectors) > 2
    with kit.scan(image, tmp_path / "x.db") as inventory:
        size = kit.by_path(inventory)[path]["size"]
        for sector in sectors:
            found = unread_files(inventory, [(65536 + sector * 512, 512)])
            (hit,) = (hit for hit in found.first if hit.path == path)
            assert hit.bytes in {512, size % 512}
            assert hit.deleted is deleted
        beyond = unread_files(inventory, [(65536 + (max(sectors) + 1) * 512, 512)])
        assert path not in {hit.path for hit in beyond.first}
        table = unread_files(inventory, [(0, 512)])
    assert (table.table_bytes, table.files) == (512, 0)
