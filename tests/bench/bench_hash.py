"""`evkit hash` beside `hashdeep -c md5,sha256`: one file of 2 GiB, and 80,000 small files.

Input lies in the page cache: the figures compare the programs, not the disk. The small files have
sizes of a log-normal spread (median 2 KiB, mean 6 KiB), written from a fixed seed.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from harness import Row, median_ratio, median_wall, pair, primitive_seconds, run

NAMES = ("md5", "sha256")
LARGE = 2 << 30
FILES = 80_000
FLOORS = {"large": 4.0, "small": 3.0}


def rows() -> list[Row]:
    """Two rows: one large file, many small files."""
    peer = shutil.which("hashdeep")
    folder = Path(tempfile.mkdtemp(prefix="evkit-bench-"))
    try:
        size = _make_large(folder / "large")
        first = _row("one file of 2 GiB", folder / "large", size, peer, FLOORS["large"])
        (folder / "large").unlink()
        size = _make_small(folder / "small")
        second = _row(f"{FILES:,} small files", folder / "small", size, peer, FLOORS["small"])
    finally:
        shutil.rmtree(folder)
    return [first, second]


def _row(job: str, path: Path, size: int, peer: str | None, floor: float) -> Row:
    ours = [sys.executable, "-m", "evkit", "hash", "--quiet", "--hash", ",".join(NAMES), str(path)]
    theirs = [peer or "hashdeep", "-c", ",".join(NAMES), "-r", str(path)]
    if peer is None:
        runs = [run(ours) for _ in range(3)]
        return Row(job=job, ours=median_wall(runs), note="hashdeep is not here")
    mine, other = pair(lambda: run(ours), lambda: run(theirs))
    ratio = median_ratio(mine, other)
    wall = median_wall(mine)
    cores = len(os.sched_getaffinity(0))
    longest = max(primitive_seconds(size, [name]) for name in NAMES)
    # one file has one order: no digest of it can take less than its own time on one core
    least = longest if path.is_file() else primitive_seconds(size, NAMES) / cores
    what = "MD5 alone on one core" if path.is_file() else "both digests on all cores"
    return Row(
        job=f"`evkit hash`, MD5 + SHA-256, {job}",
        ours=wall,
        peer="hashdeep",
        theirs=median_wall(other),
        ratio=ratio,
        floor=f"{floor:g}x",
        ok=ratio >= floor,
        share=primitive_seconds(size, NAMES) / cores / wall,
        rss=max(item.rss for item in mine),
        note=f"{what} takes {least:.2f} s, {least / wall:.0%} of the wall time",
    )


def _make_large(path: Path) -> int:
    block = hashlib.shake_128(b"evkit bench").digest(1 << 20)
    with path.open("wb") as handle:
        for number in range(LARGE >> 20):
            handle.write(number.to_bytes(8, "big") + block[8:])
    return LARGE


def _make_small(root: Path) -> int:
    chance = random.Random(2)
    block = hashlib.shake_128(b"evkit bench").digest(1 << 20)
    total = 0
    for number in range(FILES):
        folder = root / f"d{number // 400:03d}"
        if number % 400 == 0:
            folder.mkdir(parents=True)
        size = min(int(chance.lognormvariate(7.62, 1.47)), 1 << 20)
        start = chance.randrange(1 << 19)
        (folder / f"file{number:05d}.dat").write_bytes(block[start : start + size])
        total += min(size, (1 << 20) - start)
    return total
