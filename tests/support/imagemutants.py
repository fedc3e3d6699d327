"""Damaged disk images from seeds, and what must hold of the inventory of each.

A subject is one image with the inventory of its whole form. A mutant changes its working copy in
place, is inventoried, and takes the changes back: a mutant costs what it changes, not a copy.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import inventorykit as kit

from evkit.core import ejson
from evkit.inventory.foreign.apfsobjects import checksum
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options

SECTOR = 512
SAMPLE_IMAGES = ("laptop-ntfs.raw", "phone-gpt-ext4.raw", "usb-fat16.raw", "disc.iso")
VECTOR_IMAGES = (
    "apfs.raw", "ext2.raw", "hfsplus.raw", "mbr.raw", "tsk_volume_system.raw", "image.raw",
    "imynd.dd", "iso9660.raw", "ext2.E01", "ext2.split.E01", "ext2.qcow2", "ext2.vhd", "ext2.vmdk",
    "windows_volume.qcow2", "ext2.splitraw.000", "1", "5", "6", "7", "9",
)  # fmt: skip
LIMITS = Limits(memory=3 << 30, silence=30.0, call=4)
_TAILS = {".E01": (".E02",), ".000": (".001",)}
_HUGE = (0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFF, 0x7FFFFFFF,
         0x80000000, 1 << 56, 1 << 40, 0xFFFF, 0x8000, 0x7FFF, 0xFF, 0x80, 1, 0)  # fmt: skip
_SPACES = 16 << 20  # free space of larger images is not digested


@dataclass
class Mutant:
    """What a seed does to an image: (offset, new bytes) in the first file, and where it is cut."""

    seed: int
    changes: list[tuple[int, bytes]] = field(default_factory=list)
    cut: int | None = None
    only_content: bool = False

    def touches(self, start: int, end: int) -> bool:
        """Say whether bytes of a range are changed or gone."""
        if self.cut is not None and self.cut < end:
            return True
        return any(at < end and at + len(data) > start for at, data in self.changes)


@dataclass
class Found:
    """The rows of an inventory."""

    all: list[dict]
    database: Path

    def of(self, *kinds: str) -> list[dict]:
        """Return the rows of some kinds."""
        return [row for row in self.all if row["row"] in kinds]

    def volumes(self) -> dict[tuple[int, int], list[bytes]]:
        """Return the rows of each volume by its place, without what depends on other volumes."""
        places = {row["fs"]: row for row in self.of("filesystem")}
        found: dict[tuple[int, int], list[bytes]] = {}
        for row in self.all:
            if row.get("fs") in places:
                own = places[row["fs"]]
                plain = {k: v for k, v in row.items() if k not in {"fs", "partition"}}
                key = own["offset"], own["size"], own.get("member", 1)
                found.setdefault(key, []).append(ejson.dumps(plain))
        return found

    @property
    def complete(self) -> bool:
        """Nothing is said to be missing."""
        return self.all[-1]["result"] == "complete"


def plain_options(**more) -> Options:
    """Return options under which a scan is short."""
    return Options(types=False, hashes=("md5",), limits=LIMITS, **more)


class Subject:
    """One image: its working copy and what is known of it when it is whole.

    Args:
        name: of the image.
        source: the file, or the number of a DFTT image.
        folder: for the working copy and the inventories.
    """

    def __init__(self, name: str, source: Path, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.path = folder / source.name
        self.raw = _is_raw(source)
        self.small = self.path.stat().st_size <= _SPACES
        self.path.chmod(0o644)
        self.data = self.path.read_bytes()
        self.base = self.scan("whole.db", plain_options(orphans=50))
        self.plain = self.scan("plain.db", plain_options())
        self.hot = self._hot() if self.raw else self._ends()
        self.cold = [
            place for row in self.base.of("stream") for place in row.get("extents", ())
            if self.raw and place[0] >= 0 and not self._system(row)
        ]  # fmt: skip
        self.records = self._records()
        places = [place for _, extents in self.records.values() for place in extents]
        self.hottest = [n for n in self.hot if any(a <= n < a + size for a, size in places)]
        self.hottest = self.hottest or self.hot[:16]

    def _system(self, row: dict) -> bool:
        """Files that are structures of the file system."""
        kinds = {item["fs"]: item["type"] for item in self.base.of("filesystem")}
        kind = kinds.get(row["fs"])
        return (kind == "ntfs" and row["inode"] < 24) or (kind == "hfs-plus" and row["inode"] < 16)

    def _hot(self) -> list[int]:
        """Sectors that hold something and are no file's content: the structures."""
        content = set()
        for row in self.base.of("stream"):
            if not self._system(row) and row["basis"] == "allocated":
                for at, size in row.get("extents", ()):
                    if at >= 0:
                        content.update(range(at // SECTOR, (at + size) // SECTOR))
        zero = bytes(SECTOR)
        count = len(self.data) // SECTOR
        return [
            n * SECTOR for n in range(count)
            if n not in content and self.data[n * SECTOR : n * SECTOR + SECTOR] != zero
        ]  # fmt: skip

    def _ends(self) -> list[int]:
        """The first and last sectors of a container: its headers and tables."""
        last = max(len(self.data) // SECTOR - 1, 0)
        places = {*range(min(16, last + 1)), *range(max(last - 16, 0), last + 1)}
        tables = {n for n in range(16, last) if self.data[n * SECTOR : n * SECTOR + 4] != bytes(4)}
        return [n * SECTOR for n in sorted(places | set(sorted(tables)[:200]))]

    def _records(self) -> dict[int, tuple[int, list]]:
        """Of NTFS volumes: size of a record, extents of the MFT."""
        found = {}
        for volume in self.base.of("filesystem"):
            for row in self.base.of("stream") if volume["type"] == "ntfs" and self.raw else ():
                if row["fs"] == volume["fs"] and row["inode"] == 0 and row["attr"] == 128:
                    found[volume["fs"]] = (1024, row["extents"])
        return found

    def scan(self, name: str, options: Options) -> Found:
        """Inventory the working copy as it is."""
        database = self.folder / name
        if database.exists():
            database.unlink()
        inventory = kit.scan(self.path, database, options)
        with inventory:
            assert inventory.problems() == []
            return Found([row for _, row in inventory.rows()], database)

    def mutant(self, seed: int) -> Mutant:
        """Make the mutant of a seed."""
        chance = random.Random(f"{self.name} {seed}")
        made = Mutant(seed)
        kind = chance.randrange(16)
        if kind == 0:
            made.cut = chance.randrange(len(self.data))
            if chance.randrange(2):
                made.cut -= made.cut % SECTOR
            return made
        if kind == 1 and self.cold:
            made.only_content = True
            at, size = chance.choice(self.cold)
            made.changes.append((at, chance.randbytes(min(size, SECTOR, len(self.data) - at))))
            return made
        for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
            made.changes += self._change(kind, chance)
        if self.name == "apfs.raw" and chance.randrange(4):
            made.changes = self._checked(made.changes)
        return made

    def _change(self, kind: int, chance: random.Random) -> list[tuple[int, bytes]]:
        sector = chance.choice(self.hottest if chance.randrange(2) else self.hot)
        there = self.data[sector : sector + SECTOR]
        if kind <= 5:  # where something stands, so that fields change and not the space between
            set_bytes = [n for n, value in enumerate(there) if value] or [0]
            at = chance.choice(set_bytes)
            return [(sector + at, bytes([there[at] ^ 1 << chance.randrange(8)]))]
        if kind <= 9:
            width = chance.choice((1, 2, 4, 8))
            at = chance.randrange(0, SECTOR - width + 1, width)
            value = chance.choice(_HUGE) & ((1 << 8 * width) - 1)
            order = chance.choice(("little", "big"))
            return [(sector + at, value.to_bytes(width, order))]
        if kind == 10:
            return [(sector + chance.randrange(SECTOR), bytes([chance.randrange(256)]))]
        if kind in {11, 12}:
            other = chance.choice(self.hot)
            size = chance.choice((SECTOR, 1024, 4096))
            first, second = self.data[sector:][:size], self.data[other:][:size]
            if kind == 12 or len(first) != len(second):
                return [(other, first[: len(second)])]
            return [(sector, second), (other, first)]
        size = chance.choice((4, 16, 64, SECTOR, 4096, 1 << 16))
        at = sector + (chance.randrange(SECTOR) if size < SECTOR else 0)
        size = min(size, len(self.data) - at)
        filled = (bytes(size), b"\xff" * size, chance.randbytes(size))
        return [(at, chance.choice(filled))]

    def _checked(self, changes: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Make the checksums of APFS objects again, so that what is in them is believed."""
        data = bytearray(self.data)
        for at, new in changes:
            data[at : at + len(new)] = new
        touched: set[int] = set()
        for at, new in changes:
            touched.update(range(at // 4096, (at + len(new) + 4095) // 4096))
        found = []
        for block in sorted(touched):
            place = block * 4096
            data[place : place + 8] = checksum(bytes(data[place : place + 4096]))
            found.append((place, bytes(data[place : place + 4096])))
        return found

    def options(self, seed: int) -> Options:
        """Return what is asked for of the mutant of a seed."""
        free = self.small and seed % 7 == 0
        orphans, jobs = (50 if seed % 2 else 0), 1 + seed % 3 % 2
        return plain_options(orphans=orphans, slack=seed % 5 == 0, unallocated=free, jobs=jobs)

    def apply(self, mutant: Mutant) -> None:
        """Change the working copy."""
        with open(self.path, "r+b") as handle:
            for at, data in mutant.changes:
                handle.seek(at)
                handle.write(data)
            if mutant.cut is not None:
                handle.truncate(mutant.cut)

    def restore(self, mutant: Mutant) -> None:
        """Take the changes back."""
        with open(self.path, "r+b") as handle:
            for at, data in mutant.changes:
                handle.seek(at)
                handle.write(self.data[at : at + len(data)])
            if mutant.cut is not None:
                handle.seek(mutant.cut)
                handle.write(self.data[mutant.cut :])
            handle.truncate(len(self.data))


def subjects(names, images: Path, folder: Path):
    """Yield the subjects of some names."""
    for name in names:
        place = folder / name
        place.mkdir()
        if name in SAMPLE_IMAGES:
            source = place / name
            source.write_bytes((kit.SAMPLES / name).read_bytes())
        else:
            source = kit.unpack(images, name, place)
            if source.parent != place:
                (place / source.name).write_bytes(source.read_bytes())
                source = place / source.name
            for tail in _TAILS.get(source.suffix, ()):
                more = kit.unpack(images, source.stem + tail, place)
                if more.exists() and more.parent != place:
                    (place / more.name).write_bytes(more.read_bytes())
        yield Subject(name, source, place)


def _is_raw(path: Path) -> bool:
    return path.suffix in {".raw", ".dd", ".iso", ".000"}
