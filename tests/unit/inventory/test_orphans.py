"""Deleted records without a name: caps on their number and their bytes, and what is left out."""

from __future__ import annotations

import struct

import inventorykit as kit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.inventory.coverage import problems
from evkit.inventory.driver import Folder
from evkit.inventory.orphans import Orphans, is_orphan
from evkit.inventory.scan import Options

COUNT, SIZE = 20, 1000


@pytest.fixture
def image(tmp_path, program):
    """FAT16 with a deleted directory whose own entry is gone: its entries are orphans."""
    import subprocess

    path = tmp_path / "o.raw"
    path.touch()
    with open(path, "r+b") as handle:
        handle.truncate(8 << 20)
    subprocess.run([program("mkfs.vfat"), "-F", "16", "-s", "1", str(path)], check=True,
                   capture_output=True)  # fmt: skip
    data = bytearray(path.read_bytes())
    reserved, tables, length = data[14] | data[15] << 8, data[16], data[22] | data[23] << 8
    roots = data[17] | data[18] << 8
    start = (reserved + tables * length) * 512 + roots * 32
    place = start + 1000 * 512  # free clusters, as a deleted directory leaves them
    entries = b""
    for number in range(COUNT):
        name = b"\xe5RPH%04d" % number + b"TXT"
        cluster = 1100 + 2 * number
        entries += name[:11] + struct.pack("<BBBHHHHHHHI", 0x20, 0, 0, 0, 0x5821, 0x5821, 0, 0,
                                           0x5821, cluster, SIZE)  # fmt: skip
        at = start + (cluster - 2) * 512
        data[at : at + SIZE] = bytes([65 + number]) * SIZE
    dot = b".          " + struct.pack("<BBBHHHHHHHI", 0x10, 0, 0, 0, 0x5821, 0x5821, 0, 0, 0x5821,
                                       1002, 0)  # fmt: skip
    dots = b"..         " + dot[11:26] + b"\0\0" + dot[28:]
    content = dot + dots + entries
    data[place : place + len(content)] = content
    path.write_bytes(data)
    return path


def _scan(image, folder, **more):
    return kit.scan(image, folder / "i.db", Options(types=False, **more))


def test_all_of_them_within_the_caps(image, tmp_path):
    with _scan(image, tmp_path, orphans=1000) as inventory:
        found = [r for r in kit.of_kind(inventory, "name") if "/$OrphanFiles/" in r["path"]]
        coverage = inventory.coverage()
    assert len(found) == COUNT
    assert coverage["orphans"] == {"listed": COUNT, "left_out": 0, "bytes_left_out": 0}
    assert coverage["result"] == "complete"


def test_too_many_are_counted(image, tmp_path):
    with _scan(image, tmp_path, orphans=5) as inventory:
        found = [r for r in kit.of_kind(inventory, "name") if "/$OrphanFiles/" in r["path"]]
        folder = next(
            r for r in kit.of_kind(inventory, "directory") if r["path"] == "/$OrphanFiles"
        )
        coverage = inventory.coverage()
    assert len(found) == 5
    assert (folder["state"], folder["reason"], folder["left_out"]) == (
        "skipped", "orphans-over-limit", COUNT - 5,
    )  # fmt: skip
    assert coverage["orphans"]["listed"] == 5
    assert coverage["orphans"]["left_out"] == COUNT - 5
    assert coverage["result"] == "complete"  # left out by choice, and said
    assert problems(coverage) == []


def test_too_many_bytes_are_counted(image, tmp_path):
    with _scan(image, tmp_path, orphans=1000, orphan_bytes=7 * SIZE + 1) as inventory:
        streams = [r for r in kit.of_kind(inventory, "stream") if r["basis"] != "allocated"]
        coverage = inventory.coverage()
    assert len(streams) == 7
    assert coverage["orphans"] == {
        "listed": 7, "left_out": COUNT - 7, "bytes_left_out": (COUNT - 7) * SIZE,
    }  # fmt: skip


def test_without_the_option_none_is_listed_and_that_is_said(image, tmp_path):
    with _scan(image, tmp_path) as inventory:
        folder = next(
            r for r in kit.of_kind(inventory, "directory") if r["path"] == "/$OrphanFiles"
        )
        assert folder["reason"] == "orphans-not-asked-for"
        assert inventory.coverage()["orphans"]["listed"] == 0


def test_only_the_directory_of_orphans_counts():
    def folder(path):
        return Folder(5, 0, path, allocated=False, depth=1)

    assert is_orphan(folder(b"/$OrphanFiles"))
    assert is_orphan(folder(b"/$OrphanFiles/OrphanFile-77"))
    assert not is_orphan(folder(b"/$OrphanFiles2"))
    assert not is_orphan(folder(b"/a/$OrphanFiles"))


def test_a_directory_that_comes_too_late_is_a_row():
    orphans = Orphans(1, 1 << 40)
    assert not orphans.full
    assert orphans.allow(5)
    assert orphans.full
    row = orphans.refuse(3, Folder(9, 0, b"/$OrphanFiles/d", allocated=False, depth=2)).fields
    assert (row["fs"], row["state"], row["reason"]) == (3, "skipped", "orphans-over-limit")
    assert orphans.message().fields == {"listed": 1, "left_out": 1, "bytes_left_out": 0}


@given(st.lists(st.integers(0, 2**53 - 1), max_size=50), st.integers(0, 20), st.integers(0, 2**60))
def test_nothing_is_lost_from_the_count(sizes, most, most_bytes):
    orphans = Orphans(most, most_bytes)
    taken = [size for size in sizes if orphans.allow(size)]
    assert len(taken) <= most
    assert sum(taken) <= most_bytes
    counts = orphans.message().fields
    assert counts["listed"] + counts["left_out"] == len(sizes)
    assert counts["bytes_left_out"] == min(sum(sizes) - sum(taken), 2**53 - 1)


@pytest.mark.parametrize("bad", [{}, {"listed": -1}, {"left_out": "3"}, {"bytes_left_out": 2**60}])
def test_counts_that_cannot_be_are_refused(bad):
    from evkit.inventory.runner import EngineStoppedError
    from evkit.inventory.taker import VolumeTaker
    from evkit.inventory.wire import Message

    good = {"listed": 1, "left_out": 2, "bytes_left_out": 3}
    taker = VolumeTaker(None, lambda facts: None, {"fs": 1})
    taker.take(Message("orphans", good))
    assert taker.orphans == good
    with pytest.raises(EngineStoppedError):
        taker.take(Message("orphans", {**good, **bad} if bad else {}))
