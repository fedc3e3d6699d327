"""Unallocated space and slack are the bytes that The Sleuth Kit and e2fsprogs find as well."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess

import filesystems
import inventorykit as kit
import pytest

from evkit.images.opening import open_image
from evkit.inventory.coverage import problems
from evkit.inventory.scan import Options

ALL = Options(types=False, slack=True, unallocated=True)
NAMES = ("ext2.raw", "mbr.raw", "hfsplus.raw", "imynd.dd", "image.raw", "5", "6", "7", "9")
SAMPLES = ("usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso")


@pytest.fixture(scope="module", params=[*NAMES, *SAMPLES])
def case(request, vectors, tmp_path_factory):
    """(path of the image, its inventory, its bytes)."""
    folder = tmp_path_factory.mktemp("space")
    if request.param in NAMES:
        path = kit.unpack(vectors / "images", request.param, folder)
    else:
        path = kit.SAMPLES / request.param
        if not path.exists():
            pytest.skip("the sample images are not here")
    inventory = kit.scan(path, folder / "i.db", ALL)
    with open_image(os.fsencode(path)) as image:
        raw = image.read(0, image.size)
    yield path, inventory, raw
    inventory.close()


def _spaces(inventory, what: str, fs: int | None = None) -> list[dict]:
    return [
        row
        for row in kit.of_kind(inventory, "space")
        if row["what"] == what and (fs is None or row.get("fs") == fs)
    ]


def test_each_row_is_the_digest_of_its_extent(case):
    _, inventory, raw = case
    rows = kit.of_kind(inventory, "space")
    assert rows
    for row in rows:
        assert row["state"] == "ok", row
        ((offset, size),) = row["extents"]
        content = raw[offset : offset + size]
        assert len(content) == row["size"] == row["bytes_digested"]
        assert row["digests"]["sha256"] == hashlib.sha256(content).hexdigest()
        assert ("zeros" in row) == (not any(content))
    assert problems(inventory.coverage()) == []
    assert inventory.coverage()["spaces"]["digested"] == len(rows)


def test_unallocated_runs_are_those_of_blkls(case, program):
    path, inventory, raw = case
    for volume in kit.of_kind(inventory, "filesystem"):
        if volume["type"] not in {"ntfs", "fat12", "fat16", "fat32", "ext2", "ext3", "ext4"}:
            continue
        if volume["state"] != "ok":
            continue  # blkls gives up at the end of the image
        offset = ["-o", str(volume["offset"] // 512)] if volume["offset"] else []
        done = subprocess.run(
            [program("blkls"), *offset, str(path)], capture_output=True, check=True
        )
        ours = b"".join(
            raw[start : start + size]
            for row in _spaces(inventory, "unallocated", volume["fs"])
            for start, size in row["extents"]
        )
        assert len(ours) == len(done.stdout)
        assert hashlib.sha256(ours).digest() == hashlib.sha256(done.stdout).digest()


def test_nothing_in_use_is_called_unallocated(case):
    _, inventory, raw = case
    free = bytearray(len(raw))
    for row in _spaces(inventory, "unallocated") + _spaces(inventory, "gap"):
        for start, size in row["extents"]:
            assert not any(free[start : start + size]), "two rows for one byte"
            free[start : start + size] = b"\x01" * size
    for row in kit.of_kind(inventory, "stream"):
        if row["basis"] != "allocated" or row["state"] != "ok":
            continue
        for start, size in row.get("extents", ()):
            if start >= 0 and row.get("name") != "$Bad":
                assert not any(free[start : start + size]), row


def test_slack_begins_where_the_file_ends_and_ends_with_its_block(case):
    _, inventory, _ = case
    streams = {
        (row["fs"], row["inode"], row["attr"], row["attr_id"]): row
        for row in kit.of_kind(inventory, "stream")
    }
    blocks = {row["fs"]: row for row in kit.of_kind(inventory, "filesystem")}
    for row in _spaces(inventory, "slack"):
        stream = streams[row["fs"], row["inode"], row["attr"], row["attr_id"]]
        volume = blocks[row["fs"]]
        assert stream["basis"] == "allocated"
        ((start, size),) = row["extents"]
        assert (start + size - volume["offset"]) % volume["block_size"] == 0
        if size < volume["block_size"]:
            assert start == sum(stream["extents"][-1])


def test_slack_is_that_of_blkls(case, program):
    path, inventory, raw = case
    for volume in kit.of_kind(inventory, "filesystem"):
        if volume["type"] not in {"fat12", "fat16", "fat32"}:
            continue
        offset = ["-o", str(volume["offset"] // 512)] if volume["offset"] else []
        done = subprocess.run(
            [program("blkls"), "-s", *offset, str(path)], capture_output=True, check=True
        )
        pieces = [
            raw[start : start + size]
            for row in _spaces(inventory, "slack", volume["fs"])
            for start, size in row["extents"]
        ]
        for piece in pieces:
            assert piece in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["-t", "ext4"],
        ["-t", "ext4", "-O", "^uninit_bg,^metadata_csum,^flex_bg"],
        ["-t", "ext4", "-O", "64bit"],
        ["-t", "ext4", "-O", "sparse_super2"],
        ["-t", "ext3", "-b", "4096"],
        ["-t", "ext2", "-O", "^sparse_super,^resize_inode"],
        ["-t", "ext2", "-b", "1024", "-g", "1024"],
    ],
)
def test_free_blocks_are_those_of_dumpe2fs(options, program, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(40):
        (tree / f"f{number}").write_bytes(bytes([number + 1]) * (700 * number))
    image = tmp_path / "e.raw"
    subprocess.run(
        [program("mke2fs"), "-q", "-F", "-d", str(tree), *options, str(image), "24M"],
        check=True, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(
        [program("dumpe2fs"), str(image)], check=True, capture_output=True, text=True
    )
    block = int(re.search(r"Block size:\s+(\d+)", done.stdout)[1])
    free: set[int] = set()
    for line in re.findall(r"^  Free blocks: (.*)$", done.stdout, re.MULTILINE):
        for item in filter(None, line.split(", ")):
            first, _, last = item.partition("-")
            free |= set(range(int(first), int(last or first) + 1))
    with kit.scan(image, tmp_path / "i.db", ALL) as inventory:
        ours: set[int] = set()
        for row in _spaces(inventory, "unallocated"):
            assert row["derived"] == "bitmap"
            for start, size in row["extents"]:
                ours |= set(range(start // block, (start + size) // block))
    assert ours == free


def test_a_layout_that_is_not_read_is_told_by_runs(program, tmp_path):
    image = tmp_path / "e.raw"
    subprocess.run(
        [program("mke2fs"), "-q", "-F", "-t", "ext4", "-O", "meta_bg,^resize_inode", str(image),
         "8M"],
        check=True, capture_output=True,
    )  # fmt: skip
    with kit.scan(image, tmp_path / "i.db", ALL) as inventory:
        assert {row["derived"] for row in _spaces(inventory, "unallocated")} == {"runs"}


def test_free_clusters_of_exfat(program, tmp_path):
    image = tmp_path / "x.raw"
    place = tmp_path / "mounted"
    with filesystems.mounted("exfat", place, program, mib=16, keep=image):
        (place / "kept.bin").write_bytes(b"k" * 100_000)
        (place / "gone.bin").write_bytes(b"gone" * 50_000)
        os.sync()
        (place / "gone.bin").unlink()
    raw = image.read_bytes()
    with kit.scan(image, tmp_path / "i.db", ALL) as inventory:
        rows = _spaces(inventory, "unallocated")
        assert {row["derived"] for row in rows} == {"bitmap"}
        ours = b"".join(raw[s : s + n] for row in rows for s, n in row["extents"])
        slack = _spaces(inventory, "slack")
    assert ours.count(b"gone" * 1000) >= 40
    assert b"kkkk" not in ours
    assert any(row["size"] < 4096 for row in slack)
    done = subprocess.run([program("blkls"), "-f", "exfat", str(image)], capture_output=True,
                          check=True)  # fmt: skip
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(ours).digest()


def test_what_lies_behind_a_file_system_and_in_no_partition(program, tmp_path):
    image = tmp_path / "e.raw"
    subprocess.run([program("mke2fs"), "-q", "-F", "-t", "ext2", str(image), "1M"], check=True,
                   capture_output=True)  # fmt: skip
    with open(image, "ab") as handle:
        handle.write(b"hidden behind the end" + bytes(4096 - 21))
    with kit.scan(image, tmp_path / "i.db", ALL) as inventory:
        (row,) = _spaces(inventory, "volume-slack")
    assert row["extents"] == [[1 << 20, 4096]]
    assert "zeros" not in row
