"""Acquisition beside its peers, and what it does when memory, source or room are short.

Whole processes in turn over the same source in the page cache, onto the same disk; no verification.
What an acquisition costs at any length (start, unlocking the key, the record) is measured apart.
`EVKIT_BENCH_BYTES` sets the length of the source, `EVKIT_BENCH_DIR` the disk.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import bench_e01
import bench_limits
import primitives
from bench_e01 import GIB, beside, fixed
from harness import Row, pair
from workshop import MASK, ROUNDS, Workshop, peer, workshop

NAMES = ("md5", "sha1", "sha256")
RAW = ("--format", "raw", "--hash", ",".join(NAMES))
FLOOR, AIM = 3.0, 3.5


def rows() -> list[Row]:
    """All rows about acquisition."""
    with workshop() as shop:
        found = []
        for part in (bench_e01.rows, raw_rows, bench_limits.rows):
            for row in part(shop):
                print(f"  {row.job}: {row.ours:.3g} {row.unit}", file=sys.stderr, flush=True)
                found.append(row)
        return found


def raw_rows(shop: Workshop) -> Iterator[Row]:
    """Raw, and raw without the processor's SHA instructions."""
    yield raw(shop)
    yield raw(shop, masked=True)


def raw(shop: Workshop, *, masked: bool = False) -> Row:
    """One row: raw with three digests beside dc3dd."""
    job = f"acquire raw, {GIB}, MD5 + SHA-1 + SHA-256 + pieces"
    env = MASK if masked else {}
    if masked:
        job += ", no SHA instructions"
    program = shutil.which("dc3dd")
    if program is None:
        return Row(job=job, ours=0.0, note="dc3dd is not installed")
    target = shop.folder / "peer.dd"
    command = [program, f"if={shop.source}", f"of={target}", *(f"hash={name}" for name in NAMES)]
    runs = pair(
        lambda: shop.acquire(None, *RAW, env=env),
        lambda: peer(command, lambda: [target], env),
        rounds=ROUNDS,
    )
    return beside(
        job,
        runs,
        peer_name="dc3dd with the same digests",
        floor=None if masked else FLOOR,
        aim=None if masked else AIM,
        fixed=fixed(lambda: shop.acquire(shop.tiny, *RAW, env=env)),
        memory=shop.acquire(None, *RAW, env=env, tree=True).rss,
        parts=None if masked else primitives.acquire_seconds(shop.source, NAMES),
        note="dc3dd has digests of its own, which do not use these instructions" if masked else "",
    )
