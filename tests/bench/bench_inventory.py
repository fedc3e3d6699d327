"""Inventories of large volumes beside fiwalk and tsk_loaddb; a huge folder; millions of rows.

`EVKIT_BENCH_FILES` makes the images smaller (84,000 files are those of the floor).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import diskimages
import manyrows
from harness import Row, Run, median_ratio, median_wall, pair, run

FILES = int(os.environ.get("EVKIT_BENCH_FILES", "84000"))
ROWS = FILES * 60 // 10000 * 10000  # five million of them
NTFS_FILES = FILES * 50 // 84
NAMES = FILES * 100 // 84
_PER_FILE = 25600  # bytes of an image for each file


def rows() -> Iterator[Row]:
    """All rows, as they are measured; those whose programs are not here are left out."""
    with tempfile.TemporaryDirectory(prefix="evkit-bench-", dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        made = (_ext4, _programs, _ntfs, _one_folder, _many)
        for rows_of in made:
            yield from rows_of(folder)


def _ext4(folder: Path) -> Iterator[Row]:
    if diskimages.missing("mke2fs", "fiwalk", "tsk_loaddb"):
        return
    diskimages.tree(folder / "tree", FILES)
    image = diskimages.ext4(
        folder / "disk.ext4", folder / "tree", FILES * _PER_FILE, FILES + FILES // 4 + 1000
    )
    what = f"ext4, {FILES:,} files"
    yield _beside(folder, image, what, "MD5 + SHA-1", ["--no-types", "--hash", "md5,sha1"], 3)
    yield _beside(folder, image, what, "MD5", ["--no-types", "--hash", "md5"], 5, "tsk_loaddb")
    yield _beside(folder, image, what, "MD5 + SHA-256 and types", [], 1)
    image.unlink()


def _programs(folder: Path) -> Iterator[Row]:
    """Files of programs: half of them text, whose types take longest."""
    if diskimages.missing("mke2fs", "fiwalk"):
        return
    files = diskimages.programs(folder / "tree", FILES)
    image = diskimages.ext4(
        folder / "disk.ext4", folder / "tree", FILES * _PER_FILE, FILES + FILES // 2 + 1000
    )
    what = f"ext4, {files:,} files of programs"
    yield _beside(folder, image, what, "MD5 + SHA-256 and types", [], 1)
    image.unlink()


def _ntfs(folder: Path) -> Iterator[Row]:
    if diskimages.missing("mkntfs", "ntfs-3g", "fiwalk"):
        return
    image = diskimages.ntfs(
        folder / "disk.ntfs", NTFS_FILES * _PER_FILE + (64 << 20),
        lambda top: diskimages.tree(top, NTFS_FILES),
    )  # fmt: skip
    if image is None:
        return
    what = f"NTFS, {NTFS_FILES:,} files"
    yield _beside(folder, image, what, "MD5 + SHA-1", ["--no-types", "--hash", "md5,sha1"], 3)
    yield _beside(folder, image, what, "MD5 + SHA-256 and types", [], 1)
    image.unlink()


def _one_folder(folder: Path) -> Iterator[Row]:
    """The same names in one folder and in a hundred; the engine's own listing is quadratic."""
    if diskimages.missing("mke2fs", "fls"):
        return
    walls: list[list[Run]] = []
    for folders in (1, 100):

        def fill(top: Path, folders: int = folders) -> None:
            for number in range(folders):
                diskimages.one_folder(top / f"d{number}", NAMES // folders)

        size = NAMES * 6144 + (32 << 20)
        image = diskimages.mounted_ext4(folder / "names.ext4", size, 2 * NAMES, fill)
        if image is None:
            fill(folder / "tree")
            image = diskimages.ext4(folder / "names.ext4", folder / "tree", size, 2 * NAMES)
        ours, theirs = pair(
            _ours(folder, image, ["--no-types", "--hash", "md5"]),
            lambda image=image: run(["fls", "-r", "-p", str(image)]),
            rounds=1,
        )
        walls.append([*ours, *theirs])
        image.unlink()
    (one, fls), (many, fls_many) = walls
    yield Row(
        job=f"`evkit inventory run`, {NAMES:,} names in one folder, MD5",
        ours=one.wall,
        peer="fls, which only lists,",
        theirs=fls.wall,
        ratio=fls.wall / one.wall,
        floor="no quadratic time of our own",
        rss=one.rss,
        note=f"in 100 folders {many.wall:.3g} s, fls {fls_many.wall:.3g} s",
    )


def _many(folder: Path) -> Iterator[Row]:
    path = folder / "many.db"
    command = [sys.executable, manyrows.__file__, str(path), str(ROWS)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    path.unlink()
    first, last = found["wall"][0], found["wall"][-1]
    total = sum(found["wall"])
    size = ROWS // 10
    yield Row(
        job=f"{ROWS:,} made-up rows judged, counted and stored",
        ours=ROWS / total,
        unit="rows/s",
        floor="memory under 400 MB, the last tenth as fast as the first",
        ok=found["rss"] < 400e6 and last < 1.3 * first,
        rss=found["rss"],
        note=(
            f"first tenth {size / first:,.0f}, last {size / last:,.0f} rows/s; "
            f"{sum(found['cpu']) / ROWS * 1e6:.1f} CPU µs a row; "
            f"indexes {found['end_wall']:.1f} s; "
            f"{found['size'] / ROWS:.0f} bytes a row"
        ),
    )


def _ours(folder: Path, image: Path, options: list[str]):
    beside = Path(sys.executable).parent / "evkit"
    evkit = str(beside) if beside.exists() else "evkit"
    database = folder / "ours.db"

    def call() -> Run:
        database.unlink(missing_ok=True)
        command = [evkit, "inventory", "run", str(image), "-o", str(database), "--quiet"]
        return run([*command, *options], tree=True, codes=(0, 3))

    return call


def _beside(
    folder: Path, image: Path, what: str, made: str, options: list[str], least: float,
    peer: str = "fiwalk",
) -> Row:  # fmt: skip
    theirs_file = folder / "theirs"
    program = shutil.which(peer, path="/usr/sbin:/usr/bin:/bin") or peer

    def theirs() -> Run:
        theirs_file.unlink(missing_ok=True)
        if peer == "fiwalk":
            return run([program, "-X", str(theirs_file), str(image)])
        return run([program, "-h", "-d", str(theirs_file), str(image)])

    first, second = pair(_ours(folder, image, options), theirs)
    ratio = median_ratio(first, second)
    digests = "MD5 + SHA-1" if peer == "fiwalk" else "MD5"
    return Row(
        job=f"`evkit inventory run`, {what}, {made}",
        ours=median_wall(first),
        peer=f"{peer} with {digests}, no types,",
        theirs=median_wall(second),
        ratio=ratio,
        floor=f"{least}x, aim 3.5x" if least == 3 else f"{least}x",
        ok=ratio >= least,
        least=least,
        rss=max(item.rss for item in first),
        note=f"CPU {min(r.cpu for r in first):.1f} s against {min(r.cpu for r in second):.1f} s",
    )
