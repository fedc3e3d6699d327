"""Hash sets: making one of 30 million digests, and looking digests up in it.

The digests are random from a fixed seed. Making is a process of its own, so that its memory can be
measured; the look-ups are those of a warm process, half of them hits, in random order and, as
`inventory mark` makes them, in ascending order.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness import Row, run

COUNT = 30_000_000
ASKED = 100_000
ROUNDS = 5
FLOOR = 5.0  # microseconds
MEMORY = 400 << 20
_MAKE = """
import os, random, sys
from evkit.inventory.hashsets import model
from evkit.inventory.hashsets.build import Builder

path, count = os.fsencode(sys.argv[1]), int(sys.argv[2])
chance = random.Random(1)
source = model.Source(name=b"random", size=0, sha256="0" * 64, format="plain")
header = model.Header(
    name="bench", category="known", sensitive=False, created="2026-11-22T09:00:00.000Z",
    evkit="0", source=source, entries=0,
)
with Builder(os.path.dirname(path)) as builder:
    for _ in range(count // 100_000):
        data = chance.randbytes(32 * 100_000)
        for at in range(0, len(data), 32):
            builder.add((data[at : at + 32],))
    builder.write(path, header)
"""


def rows() -> list[Row]:
    """Three rows: making, looking up at random, looking up in order."""
    folder = Path(tempfile.mkdtemp(prefix="evkit-bench-"))
    try:
        path = folder / "bench.hashset"
        made = run([sys.executable, "-c", _MAKE, os.fspath(path), str(COUNT)])
        return [_made(made, path), *_looked_up(path)]
    finally:
        shutil.rmtree(folder)


def _made(made, path: Path) -> Row:
    return Row(
        job=f"making a hash set of {COUNT:,} SHA-256",
        ours=made.wall,
        floor=f"{MEMORY >> 20} MiB",
        ok=made.rss <= MEMORY,
        rss=made.rss,
        note=f"{path.stat().st_size:,} bytes; {COUNT / made.wall:,.0f} digests a second, "
        "the making of random ones included",
    )


def _looked_up(path: Path) -> list[Row]:
    from evkit.inventory.hashsets.reader import HashSet

    chance = random.Random(2)
    with HashSet(os.fsencode(path)) as found:
        kept = [digest for part in found.digests("sha256") for digest in part[::500]]
        asked = chance.sample(kept, ASKED // 2) if len(kept) >= ASKED // 2 else kept
        hits = len(asked)
        asked += [chance.randbytes(32) for _ in range(ASKED - hits)]
        chance.shuffle(asked)
        ordered = sorted(asked)

        def alone() -> int:
            return sum(found.has("sha256", digest) for digest in asked)

        def together() -> int:
            return len(found.among("sha256", ordered))

        return [
            _row("one by one", alone, hits),
            _row("in ascending order, as `inventory mark`", together, hits),
        ]


def _row(job: str, work, hits: int) -> Row:
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        if work() != hits:
            raise RuntimeError("a look-up gave another answer than it should")
        times.append(time.perf_counter() - start)
    each = statistics.median(times[1:]) / ASKED * 1e6  # the first one warms up
    return Row(
        job=f"{ASKED:,} look-ups in {COUNT:,} digests, {job}",
        ours=each,
        unit="µs",
        floor=f"{FLOOR:g} µs",
        ok=each <= FLOOR,
        note="each; half of them are in the set",
    )
