"""What contradicts itself is said: partition tables, directories, names and their records."""

from __future__ import annotations

import struct
import zlib

import inventorykit as kit
import pytest

from evkit.inventory import dircheck, tablecheck
from evkit.inventory.scan import Options

PHONE = kit.SAMPLES / "phone-gpt-ext4.raw"
USB = kit.SAMPLES / "usb-fat16.raw"
LAPTOP = kit.SAMPLES / "laptop-ntfs.raw"
OPTIONS = Options(types=False, hashes=("md5",))
GPT = 512
needs_samples = pytest.mark.skipif(not PHONE.exists(), reason="the sample images are not here")


def _problems(source, tmp_path, changes):
    image = kit.damaged_copy(source, tmp_path / "disk.raw", changes)
    with kit.scan(image, tmp_path / "i.db", OPTIONS) as inventory:
        assert inventory.problems() == []
        rows = kit.of_kind(inventory, "error", "directory", "name")
        result = inventory.coverage()["result"]
    return result, [
        (row.get("path"), row["reason"]) for row in rows
        if "reason" in row and row.get("state") != "skipped"
    ]  # fmt: skip


def _gpt_read(data):
    return lambda at, size: bytes(data[at : at + size])


@pytest.fixture
def gpt():
    data = bytearray(PHONE.read_bytes()[:40960])
    assert tablecheck.gpt(_gpt_read(data), 512) == ""
    return data


@needs_samples
@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (GPT, b"X", "its copy"),
        (GPT + 12, b"\xff\xff\xff\xff", "impossible size"),
        (GPT + 12, b"\x00\x00\x00\x00", "impossible size"),
        (GPT + 72, b"\x09", "the checksum of the GPT is"),
        (2 * 512 + 32, b"\x77", "of the entries"),
    ],
)
def test_a_gpt_whose_checksums_are_wrong(gpt, at, value, words):
    gpt[at : at + len(value)] = value
    assert words in tablecheck.gpt(_gpt_read(gpt), 512)


@needs_samples
def test_a_gpt_of_too_many_entries_is_not_read(gpt):
    struct.pack_into("<I", gpt, GPT + 80, 0xFFFFFFFF)
    gpt[GPT + 16 : GPT + 20] = bytes(4)
    struct.pack_into("<I", gpt, GPT + 16, zlib.crc32(gpt[GPT : GPT + 92]))
    assert "impossibly many" in tablecheck.gpt(_gpt_read(gpt), 512)


@needs_samples
def test_a_damaged_gpt_is_a_row(tmp_path):
    result, found = _problems(PHONE, tmp_path, {2 * 512 + 40: b"\x41"})
    assert result == "with-gaps"
    assert (None, "table-not-read") in found


def test_an_extended_partition_without_a_table():
    named = [(0, b"Primary Table (#0)"), (4096, b"DOS Extended (0x05)")]
    assert "at byte 4096" in tablecheck.extended(named)
    assert tablecheck.extended([*named, (4096, b"Extended Table (#1)")]) == ""
    assert tablecheck.extended([(4096, b"Win95 Extended (0x0f)")])
    assert tablecheck.extended([]) == ""


def test_an_extended_table_that_is_gone_is_a_row(vectors, tmp_path):
    source = kit.unpack(vectors / "images", "mbr.raw", tmp_path)
    with kit.scan(source, tmp_path / "w.db", OPTIONS) as inventory:
        rows = kit.of_kind(inventory, "partition")
    table = next(row for row in rows if row.get("description", "").startswith("Extended Table"))
    result, found = _problems(source, tmp_path, {table["offset"]: bytes(512)})
    assert result == "with-gaps"
    assert (None, "table-not-read") in found


def test_entries_in_use_of_a_fat_directory():
    used, gone, piece = (
        bytes([first]) + bytes(10) + bytes([bits]) + bytes(20)
        for first, bits in ((65, 32), (0xE5, 32), (65, 15))
    )
    assert dircheck.used_entries(used + gone + piece + used + bytes(32) + used) == 2
    assert dircheck.used_entries(b"") == dircheck.used_entries(used[:31]) == 0


@needs_samples
def test_fat_directories(tmp_path):
    with kit.scan(USB, tmp_path / "w.db", OPTIONS) as inventory:
        assert inventory.coverage()["result"] == "complete"
        start = kit.of_kind(inventory, "filesystem")[0]["offset"]
    data = USB.read_bytes()
    size = struct.pack("<I", 0xFFFFFFF0)
    root = next(
        at for at in range(start, len(data), 32)
        if data[at + 11] == 0x20 and data[at : at + 1].isalpha()
    )  # fmt: skip
    result, found = _problems(USB, tmp_path, {root + 28: size})
    assert result == "with-gaps"
    assert [reason for _, reason in found] == ["directory-not-whole"]
    below = data.index(b".          \x10")
    (tmp_path / "i.db").unlink()
    result, found = _problems(USB, tmp_path, {below: bytes(64)})
    assert result == "with-gaps"
    assert [reason for _, reason in found] == ["directory-not-whole"]


def _ext_inode(data, number):
    start = 32768
    (table,) = struct.unpack_from("<I", data, start + 2048 + 8)
    (size,) = struct.unpack_from("<H", data, start + 1024 + 88)
    return start + table * 1024 + (number - 1) * size


@needs_samples
@pytest.mark.parametrize(
    ("at", "value", "path", "reason"),
    [
        (0, struct.pack("<H", 0o100644), "/cache", "record-of-another-kind"),
        (0, struct.pack("<H", 0), "/cache", "record-not-in-use"),
        (60, struct.pack("<I", 900), "/cache", "directory-not-whole"),
    ],
)
def test_ext_directories_and_records(tmp_path, at, value, path, reason):
    inode = _ext_inode(PHONE.read_bytes(), 12)
    result, found = _problems(PHONE, tmp_path, {inode + at: value})
    assert result == "with-gaps"
    assert (path, reason) in found


@needs_samples
def test_a_root_that_is_a_file(tmp_path):
    data = LAPTOP.read_bytes()
    with kit.scan(LAPTOP, tmp_path / "w.db", OPTIONS) as inventory:
        mft = next(row for row in kit.of_kind(inventory, "stream") if not row["inode"])
    record = mft["extents"][0][0] + 5 * 1024
    assert data[record : record + 4] == b"FILE"
    result, found = _problems(LAPTOP, tmp_path, {record + 22: b"\x01\x00"})
    assert result == "with-gaps"
    assert found == [("/", "directory-not-listed")]
