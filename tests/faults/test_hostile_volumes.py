"""File systems that lie about their size, lead in circles or end too early."""

from __future__ import annotations

import hashlib
import struct

import inventorykit as kit
import pytest

from evkit.core.errors import InputError
from evkit.inventory.coverage import problems
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options

EVERYTHING = Options(
    types=False, orphans=100, slack=True, unallocated=True, limits=Limits(silence=60, cpu=60)
)
SAMPLES = ("usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso")


def _sample(name):
    path = kit.SAMPLES / name
    if not path.exists():
        pytest.skip("the sample images are not here")
    return path.read_bytes()


def _check(data, folder):
    path = folder / "image.raw"
    path.write_bytes(data)
    database = folder / "i.db"
    database.unlink(missing_ok=True)
    with kit.scan(path, database, EVERYTHING) as inventory:
        coverage = inventory.coverage()
        assert problems(coverage) == []
        assert coverage["bytes"]["image"] == len(data)
        for row in kit.of_kind(inventory, "stream", "space"):
            assert ("digests" in row) == (row["state"] == "ok")
            if row["state"] == "ok" and row["row"] == "space":
                ((at, size),) = row["extents"]
                assert hashlib.md5(data[at : at + size]).hexdigest() == row["digests"]["md5"]
                assert at + size <= len(data)
        return kit.of_kind(inventory, "filesystem"), kit.of_kind(inventory, "name"), coverage


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_volume_that_is_cut(name, part, tmp_path):
    data = _sample(name)
    try:
        volumes, _, coverage = _check(data[: int(len(data) * part) // 7 * 7], tmp_path)
    except InputError:
        return
    assert coverage["result"] == "with-gaps"
    assert volumes


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        # NTFS: sectors of the volume
        ("laptop-ntfs.raw", {40: struct.pack("<Q", 2**62)}),
        # the same with a table of records far away
        ("laptop-ntfs.raw", {40: struct.pack("<Q", 2**62), 48: struct.pack("<Q", 2**50)}),
        # ext4: blocks, with those of 64 bits, and blocks of a group
        ("phone-gpt-ext4.raw", {32768 + 1024 + 4: b"\xff" * 4}),
        ("phone-gpt-ext4.raw", {32768 + 1024 + 4: b"\xff" * 4, 32768 + 1024 + 0x150: b"\xff" * 4,
                                32768 + 1024 + 96: b"\xff\x02\0\0"}),
        ("phone-gpt-ext4.raw", {32768 + 1024 + 0: b"\xff" * 4, 32768 + 1024 + 40: b"\xff" * 4}),
        # FAT: sectors, sectors of a table
        ("usb-fat16.raw", {65536 + 19: b"\0\0", 65536 + 32: b"\xff" * 4}),
        ("usb-fat16.raw", {65536 + 22: b"\xff\xff"}),
        # ISO 9660: blocks
        ("disc.iso", {0x8000 + 80: b"\xff" * 4 + b"\xff" * 4}),
    ],
)  # fmt: skip
def test_a_file_system_that_claims_exabytes(name, changes, tmp_path):
    data = bytearray(_sample(name))
    for at, piece in changes.items():
        data[at : at + len(piece)] = piece
    try:
        volumes, _, coverage = _check(bytes(data), tmp_path)
    except InputError:
        return  # said, not crashed
    assert volumes
    if coverage["result"] == "complete":
        assert all(row["size"] <= len(data) for row in volumes)


def test_a_directory_that_lies_below_itself(vectors, tmp_path):
    """`/a_directory` gets an entry that leads to the root, and one that leads to itself."""
    data = bytearray(kit.unpack(vectors / "images", "ext2.raw", tmp_path).read_bytes())
    table = int.from_bytes(data[2048 + 8 : 2048 + 12], "little") * 1024
    size = int.from_bytes(data[1024 + 88 : 1024 + 90], "little")
    inode = table + 11 * size  # /a_directory is inode 12
    block = int.from_bytes(data[inode + 40 : inode + 44], "little") * 1024
    entries, at = [], 0
    while at < 1024:
        number, length, name_length, kind = struct.unpack_from("<IHBB", data, block + at)
        entries.append((number, data[block + at + 8 : block + at + 8 + name_length], kind))
        at += length
    entries += [(2, b"to_root", 2), (12, b"to_itself", 2)]
    at = 0
    for index, (number, name, kind) in enumerate(entries):
        length = (8 + len(name) + 3) // 4 * 4 if index < len(entries) - 1 else 1024 - at
        struct.pack_into("<IHBB", data, block + at, number, length, len(name), kind)
        data[block + at + 8 : block + at + 8 + len(name)] = name
        at += length
    _, names, coverage = _check(bytes(data), tmp_path)
    paths = {row["path"] for row in names}
    assert {"/a_directory/to_root", "/a_directory/to_itself", "/passwords.txt"} <= paths
    assert not any(path.startswith("/a_directory/to_root/") for path in paths)
    assert coverage["directories"]["found"] == 3  # each once, however it is reached
    assert coverage["directories"]["listed"] == 3
