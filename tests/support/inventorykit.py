"""Unpacking the outside images, running scans, reading rows; used by all inventory tests."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import struct
import zipfile
from pathlib import Path

from evkit.images.opening import find_files, open_image
from evkit.inventory.alongside import Alongside
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer
from evkit.inventory.scan import Options, Scan, Target
from evkit.inventory.worker import Worker

BLOCK = 4 << 20
SAMPLES = Path(__file__).resolve().parent.parent.parent / "sample_images"
DFTT = {
    "1": ("1-extend-part.zip", "ext-part-test-2.dd"),
    "5": ("5-fat-daylight.zip", "daylight.dd"),
    "6": ("6-undel-fat.zip", "6-fat-undel.dd"),
    "7": ("7-undel-ntfs.zip", "7-ntfs-undel.dd"),
    "9": ("9-fat-label.zip", "9-fat-label.dd"),
}


def unpack(images: Path, name: str, folder: Path) -> Path:
    """Return the raw image `name` (`ext2.raw`, or the number of a DFTT image), unpacked sparse."""
    if name in DFTT:
        archive, member = DFTT[name]
        target = folder / member
        with zipfile.ZipFile(images / archive) as archive_file:
            inner = next(n for n in archive_file.namelist() if n.endswith(member))
            with archive_file.open(inner) as source:
                _sparse(source, target)
        return target
    packed = images / f"{name}.gz"
    if not packed.exists():
        return images / name
    target = folder / name
    with gzip.open(packed) as source:
        _sparse(source, target)
    return target


def _sparse(source, target: Path) -> None:
    with open(target, "wb") as out:
        while block := source.read(1 << 16):
            if any(block):
                out.write(block)
            else:
                out.seek(len(block), os.SEEK_CUR)
        out.truncate()


def scan(path, database: Path, options: Options | None = None, **target) -> Inventory:
    """Inventory an image (all its segments) or a folder and open the result."""
    raw = os.fsencode(path)
    if os.path.isdir(raw):
        aim = Target(name=os.path.basename(raw), root=raw, **target)
    else:
        aim = Target(name=os.path.basename(raw), paths=find_files(raw)[1], **target)
    return run(aim, database, options)


def run(aim: Target, database: Path, options: Options | None = None) -> Inventory:
    """Inventory a target and open the result."""
    chosen = options or Options()
    with Writer(os.fsencode(database)) as writer:
        work = Scan(aim, chosen, writer)
        work.run()
        writer.finish({"hashes": ",".join(chosen.hashes), **work.engines})
    return Inventory(os.fsencode(database))


def of_kind(inventory: Inventory, *kinds: str) -> list[dict]:
    """Return the rows of some kinds."""
    return [row for _, row in inventory.rows(*kinds)]


def by_path(inventory: Inventory) -> dict[str, dict]:
    """Return path (or `path:stream`) -> stream row, for names that belong to a record."""
    from evkit.inventory.search.find import entries

    return {entry.shown: entry.stream for entry in entries(inventory) if entry.stream}


FAKE = """
import json, os, sys, time
request = json.loads(sys.stdin.readline())

def put(line):
    sys.stdout.write(line + chr(10)); sys.stdout.flush()

def raw(row):
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

def hang():
    open(f"{__file__}.{os.getpid()}", "w").close()
    time.sleep(100)

def say(*items):
    start = {"row": "", "offer": "?"}.get(items[0])
    put(json.dumps(items) if start is None else start + raw(items[1]))

def table():
    say("image", {"size": 1 << 20, "sector_size": 0, "format": "raw", "gaps": []})
    say("part", {"kind": "partition", "table": "dos", "offset": 0, "size": 4096})
    say("part", {"kind": "partition", "table": "dos", "offset": 8192, "size": 4096})

def folder(fs, inode, path="/"):
    say("row", {"row": "directory", "fs": fs, "inode": inode, "seq": 0, "path": path,
                "allocated": True, "entries": 0, "state": "ok"})

def facts():
    say("fs", {"type": "fat12", "state": "ok", "root": 2})

def serve(fs, lines=(), listing=None, record=None, below=(), streams=None, asked=None, died=0):
    for line in sys.stdin:
        task = json.loads(line)
        if task["task"] == "list":
            for inode, *_ in task["folders"]:
                listing and listing(inode)
                folder(fs, inode)
                for text in lines:
                    put("+" + text)
                at_root = inode == 2
                records = [0, 5, 1, 0, 0, 0, len(lines)] if lines else []
                for number in streams or () if at_root else ():
                    records += [number, number, 1, 0, 0, 0, 0]
                say("listed", [[n, 0, "eA==", 1, 0] for n in below] if at_root else [], records)
        else:
            keys, counts = task["records"], dict(task["lines"])
            for place, inode in enumerate(keys[1::6]):
                count = counts.get(place, 0)
                texts = [sys.stdin.readline()[:-1] for _ in range(count)]
                record and record(inode)
                for text in texts:
                    asked() if text[:1] == "!" else put(text)
                if died and not task["careful"]:
                    os.kill(os.getpid(), 9)
                if not count:
                    say("row", {"row": "error", "fs": fs, "inode": inode, "stage": "streams",
                                "reason": "made-up"})
                if task["careful"]:
                    say("item")
        say("end", len(task["folders"] if task["task"] == "list" else keys[::6]))

def good(fs, **more):
    facts()
    serve(fs, **more)
"""


def fake_engine(folder: Path, body: str) -> list[str]:
    """Return a command that plays the engine; `body` may use what `FAKE` defines."""
    import sys

    script = folder / "engine.py"
    script.write_text(FAKE + body)
    return [sys.executable, str(script)]


def give_up_soon(patch, folder: Path) -> None:
    """Count a child of `fake_engine` that is in `hang()` as silent for long after a second.

    Children that only start slowly on a busy machine keep the patience of the limits.
    """
    real = Worker.silent

    def silent(self: Worker) -> float:
        seconds = real(self)
        hangs = (folder / f"engine.py.{self._process.pid}").exists()
        return seconds + 1000 if hangs and seconds > 1 else seconds

    patch.setattr(Worker, "silent", silent)


def damaged_copy(source: Path, target: Path, changes: dict[int, bytes]) -> Path:
    """Copy a file and write bytes at offsets."""
    shutil.copyfile(source, target)
    target.chmod(0o644)
    with open(target, "r+b") as handle:
        for offset, data in changes.items():
            handle.seek(offset)
            handle.write(data)
    return target


def expected(images: Path) -> dict[str, dict]:
    """Return the published facts, by file name."""
    document = json.loads((images / "expected.json").read_text())
    return {entry["file"]: entry for entry in document["images"]} | {
        "common_tree": document["common_tree"]
    }


def fact(entry: dict, name: str):
    """Return one published fact of an image."""
    return next(item["value"] for item in entry["published"] if item["fact"] == name)


def plain_rows(database: Path) -> list[list[tuple]]:
    """Return all rows and all file types of an inventory file without their salts."""
    base = sqlite3.connect(database)
    try:
        return [
            base.execute(f"SELECT n, row FROM {table} ORDER BY n").fetchall()
            for table in ("rows", "engine_rows")
        ]
    finally:
        base.close()


def alongside(path, folder: Path, options: Options | None = None, block=BLOCK, **more):
    """Inventory an image while it is read in blocks; return (rows, types), counts, the object."""
    chosen = options or Options()
    raw = os.fsencode(path)
    aim = Target(name=os.path.basename(raw), paths=find_files(raw)[1])
    folder.mkdir(exist_ok=True)
    work = Alongside(chosen, os.fsencode(folder), **more)
    with open_image(raw) as image:
        work.walk(aim, image.size)
        for at in range(0, image.size, block):
            work.write(memoryview(image.read(at, min(block, image.size - at))))
    work.finish(match=True)
    database = folder / "alongside.db"
    with Writer(os.fsencode(database)) as writer:
        done, counts = work.run(aim, writer)
        writer.finish({"hashes": ",".join(chosen.hashes), **done.engines})
    work.close()
    found = plain_rows(database)
    os.unlink(database)
    return found, counts, work


def same_both_ways(path, folder: Path, options: Options | None = None, **more):
    """Inventory an image on its own and alongside; the rows must agree. Returns counts, object."""
    folder.mkdir(exist_ok=True)
    scan(path, folder / "plain.db", options).close()
    found, counts, work = alongside(path, folder, options, **more)
    expected = plain_rows(folder / "plain.db")
    os.unlink(folder / "plain.db")
    assert found == expected
    return counts, work


def scattered(image: Path, clusters: list[int]) -> None:
    """Move the first file of the root of a FAT16 image to other clusters, in this order."""
    data = bytearray(image.read_bytes())
    (sector, per, reserved, tables, entries) = struct.unpack_from("<HBHBH", data, 11)
    (table_sectors,) = struct.unpack_from("<H", data, 22)
    fat, length = reserved * sector, table_sectors * sector
    root = fat + tables * length
    start, size = root + entries * 32, sector * per
    entry = next(at for at in range(root, start, 32) if data[at + 11] & 0x3F == 0x20)
    chain = [struct.unpack_from("<H", data, entry + 26)[0]]
    while (after := struct.unpack_from("<H", data, fat + 2 * chain[-1])[0]) < 0xFFF8:
        chain.append(after)
    assert sorted(clusters) == sorted(set(clusters))
    assert len(clusters) == len(chain)
    content = [bytes(data[start + (n - 2) * size :][:size]) for n in chain]
    table = bytearray(data[fat : fat + length])
    for number in chain:
        struct.pack_into("<H", table, 2 * number, 0)
    for number, after in zip(clusters, [*clusters[1:], 0xFFFF], strict=True):
        struct.pack_into("<H", table, 2 * number, after)
    for number, part in zip(clusters, content, strict=True):
        at = start + (number - 2) * size
        data[at : at + size] = part
    for copy in range(tables):
        data[fat + copy * length : fat + (copy + 1) * length] = table
    struct.pack_into("<H", data, entry + 26, clusters[0])
    image.write_bytes(data)
