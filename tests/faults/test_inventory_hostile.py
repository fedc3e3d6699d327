"""File systems made to exhaust or to trap: they are listed as far as they go, in bounded time."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time

import inventorykit as kit
import pytest

from evkit.inventory.coverage import problems
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options

BLOCK = 4096
SUPER = 1024
HASTY = Limits(silence=20.0, call=10)


def _options(**more) -> Options:
    return Options(**{"types": False, "hashes": ("md5",), "limits": HASTY, **more})


@pytest.fixture
def ext4(tmp_path, program):
    """An ext4 image of 8 MiB with a file three directories deep."""
    tree = tmp_path / "tree"
    (tree / "a" / "b" / "c").mkdir(parents=True)
    (tree / "a" / "b" / "c" / "file").write_bytes(b"content")
    image = tmp_path / "disk.raw"
    command = [
        program("mke2fs"),
        "-q",
        "-t",
        "ext4",
        "-O",
        "^metadata_csum,64bit",
        "-b",
        str(BLOCK),
    ]
    subprocess.run([*command, "-d", str(tree), str(image), "8M"], check=True, capture_output=True)
    return image


def _patched(image, at, data):
    with open(image, "r+b") as handle:
        handle.seek(at)
        handle.write(data)


def _whole(inventory) -> dict:
    assert inventory.problems() == []
    coverage = inventory.coverage()
    assert problems(coverage) == []
    return coverage


# file systems that claim exabytes


def test_ext4_that_claims_exabytes(ext4, tmp_path):
    _patched(ext4, SUPER + 4, b"\xff" * 4)
    _patched(ext4, SUPER + 0x150, b"\x00\xff\xff\x00")
    _ends_with_gaps(ext4, tmp_path)


@pytest.mark.parametrize(
    ("name", "at", "data"),
    [
        ("laptop-ntfs.raw", 40, b"\xff" * 7 + b"\x7f"),
        ("laptop-ntfs.raw", 40, b"\x00\x00\x00\x00\x00\x00\x10\x00"),
        ("disc.iso", 16 * 2048 + 80, b"\xff" * 8),
        ("usb-fat16.raw", 512 + 32, b"\xff" * 4),
        ("hfsplus.raw", 1024 + 44, b"\xff" * 4),
        ("hfsplus.raw", 1024 + 40, b"\x80\x00\x00\x00\xff\xff\xff\xff"),
    ],
)
def test_others_that_claim_more_than_there_is(vectors, tmp_path, name, at, data):
    if name in {"laptop-ntfs.raw", "disc.iso", "usb-fat16.raw"}:
        source = kit.SAMPLES / name
    else:
        source = kit.unpack(vectors / "images", name, tmp_path)
    image = kit.damaged_copy(source, tmp_path / "disk.raw", {at: data})
    if name == "usb-fat16.raw":
        start = kit.of_kind(kit.scan(source, tmp_path / "w.db", _options()), "filesystem")[0]
        image = kit.damaged_copy(source, tmp_path / "disk.raw", {start["offset"] + 32: data})
        _patched(image, start["offset"] + 19, bytes(2))
    _ends_with_gaps(image, tmp_path)


def _ends_with_gaps(image, tmp_path):
    begun = time.monotonic()
    options = _options(slack=True, unallocated=True, orphans=100)
    with kit.scan(image, tmp_path / "i.db", options) as inventory:
        coverage = _whole(inventory)
        assert coverage["result"] == "with-gaps"
        volume = kit.of_kind(inventory, "filesystem")[0]
        assert volume["state"] != "ok"
        size = os.path.getsize(image)
        for row in kit.of_kind(inventory, "space", "stream"):
            if row["state"] == "ok":
                assert row["bytes_digested"] <= size
    assert time.monotonic() - begun < 100


def test_a_file_of_exabytes(ext4, tmp_path, program):
    commands = "set_inode_field /a/b/c/file size 0x7fffffffffffff"
    debugfs = [program("debugfs"), "-w", "-R", commands, str(ext4)]
    subprocess.run(debugfs, check=True, capture_output=True)
    begun = time.monotonic()
    with kit.scan(ext4, tmp_path / "i.db", _options(slack=True)) as inventory:
        coverage = _whole(inventory)
        assert coverage["result"] == "with-gaps"
        assert coverage["names"]["listed"] == 6
    assert time.monotonic() - begun < 100


# loops


def test_a_directory_that_is_its_own_grandchild(ext4, tmp_path, program):
    for command in ("ln /a /a/b/c/up", "ln / /a/b/root", "ln /a/b /a/b/self"):
        debugfs = [program("debugfs"), "-w", "-R", command, str(ext4)]
        subprocess.run(debugfs, check=True, capture_output=True)
    with kit.scan(ext4, tmp_path / "i.db", _options()) as inventory:
        coverage = _whole(inventory)
        paths = [row["path"] for row in kit.of_kind(inventory, "name")]
        assert {"/a/b/c/up", "/a/b/root", "/a/b/self", "/a/b/c/file"} <= set(paths)
        assert len(paths) == len(set(paths)) == 10  # with `lost+found` and `$OrphanFiles`
        inodes = [row["inode"] for row in kit.of_kind(inventory, "directory")]
        assert len(inodes) == len(set(inodes)) == coverage["directories"]["found"] + 1
        assert coverage["streams"]["listed"] == 1


def test_chains_of_clusters_that_loop(tmp_path, program):
    image = tmp_path / "disk.raw"
    image.write_bytes(bytes(4 << 20))
    subprocess.run(
        [program("mkfs.fat"), "-F", "16", "-s", "1", str(image)], check=True, capture_output=True
    )
    data = bytearray(image.read_bytes())
    sector, per, reserved, tables, entries = struct.unpack_from("<HBHBH", data, 11)
    (length,) = struct.unpack_from("<H", data, 22)
    fat, root = reserved * sector, (reserved + tables * length) * sector
    start, size = root + entries * 32, sector * per

    def entry(name: bytes, bits: int, cluster: int, size: int) -> bytes:
        return name.ljust(11) + bytes([bits]) + bytes(14) + struct.pack("<HI", cluster, size)

    data[root : root + 64] = entry(b"DIR", 16, 2, 0) + entry(b"FILE", 32, 4, 1 << 31)
    first = entry(b".", 16, 2, 0) + entry(b"..", 16, 0, 0) + entry(b"AGAIN", 16, 2, 0)
    data[start : start + 96] = first + b""
    data[start + size : start + 2 * size] = entry(b"MORE", 32, 5, 3) * (size // 32)
    for copy in range(tables):  # 2 -> 3 -> 2, and 4 -> 4
        struct.pack_into("<HHH", data, fat + copy * length * sector + 4, 3, 2, 4)
    image.write_bytes(data)
    begun = time.monotonic()
    with kit.scan(image, tmp_path / "i.db", _options(slack=True, orphans=100)) as inventory:
        coverage = _whole(inventory)
        assert coverage["result"] == "with-gaps"
        paths = [row["path"] for row in kit.of_kind(inventory, "name")]
        assert {"/DIR", "/DIR/AGAIN"} <= set(paths)
        root = next(row for row in kit.of_kind(inventory, "directory") if row["path"] == "/")
        assert (root["state"], root["reason"]) == ("damaged", "directory-not-whole")  # no `/FILE`
    assert time.monotonic() - begun < 100


# a directory of a million names


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [100_000, 1_100_000])
def test_a_directory_of_a_million_names(tmp_path, program, count):
    """Listed, or a row that says that it was not; never left out, and the other one is whole."""
    image = tmp_path / "disk.raw"
    blocks = count * 20 // BLOCK + 2000
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "aside").mkdir()
    (tree / "aside" / "file").write_bytes(b"content")
    (tree / "many").mkdir()
    command = [program("mke2fs"), "-q", "-t", "ext4", "-O", "^metadata_csum,^has_journal"]
    command += ["-b", str(BLOCK), "-d", str(tree), str(image), str(blocks)]
    subprocess.run(command, check=True, capture_output=True)
    _many_names(image, count, blocks, program)
    with kit.scan(image, tmp_path / "i.db", _options(limits=Limits(call=120))) as inventory:
        coverage = _whole(inventory)
        rows = {row["path"]: row for row in kit.of_kind(inventory, "directory")}
        names = coverage["names"]["listed"]
        assert rows["/aside"]["state"] == "ok"
        assert any(row["path"] == "/aside/file" for row in kit.of_kind(inventory, "name"))
        if rows["/many"]["state"] == "ok":
            assert rows["/many"]["entries"] == count
            assert names == count + 5
        else:
            assert count > 1_000_000  # more than libtsk lists
            assert rows["/many"]["reason"] in {"engine-limit", "directory-not-listed"}
            assert coverage["result"] == "with-gaps"


def _many_names(image, count, blocks, program):
    """Let `/many` be one run of blocks at the end, full of names of one record."""
    debugfs = [program("debugfs"), "-R", "imap /many", str(image)]
    said = subprocess.run(debugfs, capture_output=True, check=True, text=True).stdout
    found = re.search(r"Inode (\d+) .*\slocated at block (\d+), offset 0x(\w+)", said, re.DOTALL)
    inode, at = int(found[1]), int(found[2]) * BLOCK + int(found[3], 16)
    each = BLOCK // 16
    needed = -(-(count + 1) // each)
    first = blocks - needed - 10
    with open(image, "r+b") as handle:
        handle.seek(first * BLOCK)
        done = 0
        for block in range(needed):
            lines = b"" if block else struct.pack("<IHBB8s", inode, 16, 1, 2, b".")
            for _ in range(min(each - len(lines) // 16, count - done)):
                lines += struct.pack("<IHBB8s", inode + 1, 16, 8, 1, b"%08x" % done)
                done += 1
            if len(lines) < BLOCK:
                last = len(lines) - 16
                lines = lines[: last + 4] + struct.pack("<H", BLOCK - last) + lines[last + 6 :]
            handle.write(lines.ljust(BLOCK, b"\0"))
        handle.seek(at + 4)
        handle.write(struct.pack("<I", needed * BLOCK))
        handle.seek(at + 40)
        extent = struct.pack("<HHHHI", 0xF30A, 1, 4, 0, 0)
        handle.write(extent + struct.pack("<IHHI", 0, needed, 0, first))


# containers under another name


@pytest.mark.parametrize("name", ["ext2.E01", "ext2.qcow2", "ext2.vmdk", "ext2.vhd"])
def test_a_container_renamed_as_raw_is_decoded(vectors, tmp_path, name):
    images = vectors / "images"
    image = tmp_path / "disk.raw"
    shutil.copyfile(images / name, image)
    tree = kit.expected(images)["common_tree"]
    with kit.scan(image, tmp_path / "i.db", _options(hashes=("sha256",))) as inventory:
        found = kit.by_path(inventory)
        assert {path: row["digests"]["sha256"] for path, row in found.items()} == {
            path: facts["sha256"] for path, facts in tree.items()
        }


# a child that sends rows without end

FLOOD = """
if request['task'] == 'table':
    table()
elif request['fs'] == 1:
    facts()
    line = raw({'row': 'error', 'fs': 1, 'stage': 'walk', 'reason': 'x', 'detail': 'y' * 60})
    block = (line + chr(10)) * 10000
    for task in sys.stdin:
        while True:
            sys.stdout.write(block)
else:
    good(request['fs'])
say('done')
"""
MEASURED = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import inventorykit as kit, usage
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options, Target
command, image, database = json.loads(sys.argv[2])
options = Options(command=command, limits=Limits(lines=50_000))
with kit.run(Target(name=b"d", paths=[image.encode()]), database, options) as inventory:
    print(json.dumps([
        [row for _, row in inventory.rows("directory")], inventory.problems(),
        usage.peak(),
    ]))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells the peak there")
def test_rows_without_end_cost_one_directory_and_little_memory(tmp_path):
    image = tmp_path / "disk.raw"
    image.write_bytes(bytes(1 << 20))
    command = kit.fake_engine(tmp_path, FLOOD)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, json.dumps(sys.path),
         json.dumps([command, str(image), str(tmp_path / "i.db")])],
        capture_output=True, check=True,
    )  # fmt: skip
    took = time.monotonic() - begun
    directories, wrong, peak = json.loads(done.stdout)
    assert wrong == []
    first, second = directories
    assert (first["fs"], first["state"], first["reason"]) == (1, "damaged", "engine-limit")
    assert (second["fs"], second["state"]) == (2, "ok")
    assert peak < 200_000_000
    assert took < 300
