"""The Sleuth Kit's own programs and the inventory agree about every image that both can read."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

import inventorykit as kit
import pytest

from evkit.core.paths import from_fields
from evkit.images.opening import open_image
from evkit.inventory.scan import Options
from evkit.inventory.search.find import entries

NAMES = ("ext2.raw", "mbr.raw", "hfsplus.raw", "iso9660.raw", "imynd.dd", "image.raw",
         "tsk_volume_system.raw", "ext2.E01", "ext2.split.E01",
         "1", "5", "6", "7", "9")  # fmt: skip
LINE = re.compile(rb"(\S+) (\* )?([0-9]+)(?:-([0-9]+)-([0-9]+))?(\(realloc\))?:\t(.*)", re.DOTALL)
LABEL = b" (Volume Label Entry)"
CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def _sample(name: str) -> Path:
    path = kit.SAMPLES / name
    if not path.exists():
        pytest.skip("the sample images are not here")
    return path


@pytest.fixture(
    scope="module",
    params=[*NAMES, "usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso"],
)
def case(request, vectors, tmp_path_factory):
    """(path of the image, its inventory)."""
    folder = tmp_path_factory.mktemp("tsk")
    if request.param in NAMES:
        path = kit.unpack(vectors / "images", request.param, folder)
    else:
        path = _sample(request.param)
    inventory = kit.scan(path, folder / "i.db", Options(types=False))
    yield path, inventory
    inventory.close()


def _run(command: list[str]) -> bytes:
    done = subprocess.run(
        command, capture_output=True, check=True, env={"TZ": "UTC", "LC_ALL": "C.UTF-8"}
    )
    return done.stdout


def _volumes(inventory) -> list[dict]:
    return [row for row in kit.of_kind(inventory, "filesystem") if "root" in row]


def _listed_by_fls(fls: str, path: Path, volume: dict) -> set[tuple]:
    found = set()
    offset = ["-o", str(volume["offset"] // 512)] if volume["offset"] else []
    for line in _run([fls, "-r", "-p", *offset, str(path)]).split(b"\n"):
        if not line:
            continue
        kind, deleted, inode, attr, number, _, name = LINE.fullmatch(line).groups()
        if name.startswith((b"$OrphanFiles/", b".:")) or b"/.:" in name:
            continue
        if attr == b"144":
            if kind[-1:] != b"d":
                continue  # an index of a system file: bookkeeping, no stream of its own
            attr = number = None
        name = name.removesuffix(LABEL).rstrip(b" ") if name.endswith(LABEL) else name
        found.add((int(inode), attr and int(attr), number and int(number), bool(deleted), name))
    return found


def _ours(inventory, volume: dict, *, ntfs: bool) -> set[tuple]:
    found = set()
    for entry in entries(inventory):
        name, stream = entry.name, entry.stream
        if name is None or name["fs"] != volume["fs"]:
            continue
        if name["path"] == "/" and not (ntfs and stream):
            continue
        text = from_fields(name).lstrip(b"/")
        attr = number = None
        if ntfs and stream:
            attr, number = stream["attr"], stream["attr_id"]
        if stream and "name" in stream:
            text += b":" + from_fields(stream, "name")
        if ntfs and name["type"] == "directory":
            plain = (name["inode"], None, None, not name["allocated"], from_fields(name)[1:])
            if plain[4]:
                found.add(_shown(plain))
        if ntfs and attr is None and name["path"].startswith("/$Extend/"):
            continue  # only an index, which fls shows and which is no stream of its own
        found.add(_shown((name["inode"], attr, number, not name["allocated"], text)))
    return found


def _shown(item: tuple) -> tuple:
    return (*item[:4], CONTROL.sub(b"^", item[4]))


def test_fls_lists_the_same_names(case, program):
    path, inventory = case
    fls = program("fls")
    assert _volumes(inventory)
    for volume in _volumes(inventory):
        theirs = _listed_by_fls(fls, path, volume)
        ours = _ours(inventory, volume, ntfs=volume["type"] == "ntfs")
        if volume["type"] == "hfs-plus":  # fls has a line for each fork and attribute
            theirs = {
                (i, None, None, d, re.sub(b":(myxattr|RSRC)$", b"", n)) for i, _, _, d, n in theirs
            }
            ours = {
                (i, None, None, d, re.sub(b":(myxattr|RSRC)$", b"", n)) for i, _, _, d, n in ours
            }
        assert ours == theirs


def test_icat_gives_the_same_content(case, program):
    path, inventory = case
    icat = program("icat")
    places = {row["fs"]: row for row in _volumes(inventory)}
    compared = 0
    for row in kit.of_kind(inventory, "stream"):
        volume = places[row["fs"]]
        if row["state"] != "ok":
            continue
        address = str(row["inode"])
        if volume["type"] in {"ntfs", "hfs-plus"}:
            address += f"-{row['attr']}-{row['attr_id']}"
        offset = ["-o", str(volume["offset"] // 512)] if volume["offset"] else []
        content = _run([icat, *offset, str(path), address])
        assert len(content) == row["size"], row
        assert hashlib.sha256(content).hexdigest() == row["digests"]["sha256"], row
        assert hashlib.md5(content).hexdigest() == row["digests"]["md5"], row
        compared += 1
    assert compared or path.name == "tsk_volume_system.raw"


def test_extents_lead_to_the_content(case):
    """What the extents name in the image is the content, unless it is stored otherwise."""
    path, inventory = case
    with open_image(os.fsencode(path)) as image:
        raw = image.read(0, image.size)
    for row in kit.of_kind(inventory, "stream"):
        if row["state"] != "ok" or {"resident", "compressed"} & set(row.get("flags", ())):
            continue
        content = b"".join(
            bytes(length) if place < 0 else raw[place : place + length]
            for place, length in row.get("extents", ())
        )
        assert hashlib.sha256(content).hexdigest() == row["digests"]["sha256"], row


def test_mmls_finds_the_same_partitions(case, program):
    path, inventory = case
    done = subprocess.run([program("mmls"), str(path)], capture_output=True, check=False)
    ours = {
        (row["offset"] // 512, row["size"] // 512)
        for row in kit.of_kind(inventory, "partition")
        if row["kind"] in {"partition", "metadata"}
    }
    theirs = set()
    for line in done.stdout.decode().splitlines():
        match = re.match(r"\d+:\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s", line)
        if match and not match[1].startswith("-----"):
            theirs.add((int(match[2]), int(match[4])))
    assert ours == theirs
