"""E01 beside ewfacquire and ewfverify: whole processes in turn, same source, same disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import primitives
from harness import Row, Run, median_ratio, median_wall, pair
from workshop import MASK, ROUNDS, SIZE, Workshop, peer

NAMES = ("md5", "sha256")
E01 = ("--format", "e01", "--hash", ",".join(NAMES))
FLOORS = {"fast": 5.0, "none": 4.0, "verify": 2.3}
AIMS = {"fast": 6.0, "verify": 2.7}
GIB = f"{SIZE / 2**30:g} GiB"


def rows(shop: Workshop) -> Iterator[Row]:
    """Acquire twice, verify, and acquire without the processor's SHA instructions."""
    yield acquired(shop, "fast", "deflate:fast")
    yield acquired(shop, "none", "none")
    yield verified(shop)
    yield acquired(shop, "fast", "deflate:fast", masked=True)


def acquired(shop: Workshop, compress: str, theirs: str, *, masked: bool = False) -> Row:
    """One row: E01 with MD5, SHA-256 and pieces beside ewfacquire with MD5 and SHA-256."""
    job = f"acquire E01 {compress}, {GIB}, MD5 + SHA-256 + pieces"
    env = MASK if masked else {}
    if masked:
        job += ", no SHA instructions"
    options = (*E01, "--compress", compress)
    program = shutil.which("ewfacquire")
    if program is None:
        return Row(job=job, ours=0.0, note="ewfacquire is not installed")
    target = shop.folder / "peer"
    command = [program, "-u", "-q", "-c", theirs, "-d", "sha256", "-t", str(target)]
    stored = _kept(shop, options).stat().st_size
    ours, others = pair(
        lambda: shop.acquire(None, *options, env=env),
        lambda: peer([*command, str(shop.source)], lambda: list(shop.folder.glob("peer.E*")), env),
        rounds=ROUNDS,
    )
    parts = None
    if not masked:
        parts = primitives.acquire_seconds(shop.source, NAMES, stored=stored, compression=compress)
    return beside(
        job,
        (ours, others),
        peer_name=f"ewfacquire -c {theirs} -d sha256",
        floor=None if masked else FLOORS[compress],
        aim=None if masked else AIMS.get(compress),
        fixed=fixed(lambda: shop.acquire(shop.tiny, *options, env=env)),
        memory=shop.acquire(None, *options, env=env, tree=True).rss,
        parts=parts,
        note=f"stored in {stored / SIZE:.2f} of the length",
    )


def verified(shop: Workshop) -> Row:
    """One row: `evkit verify` of an E01 that is in the record, beside ewfverify."""
    job = f"verify E01 fast, {GIB}, MD5 + SHA-256 + pieces"
    program = shutil.which("ewfverify")
    if program is None:
        return Row(job=job, ours=0.0, note="ewfverify is not installed")
    options = (*E01, "--compress", "fast")
    container, tiny = _kept(shop, options), shop.folder / "tiny.E01"
    shop.acquire_kept(shop.tiny, options, tiny)
    with open(container, "rb") as handle:
        while handle.read(1 << 24):
            pass
    ours, theirs = pair(
        lambda: shop.verify(container),
        lambda: peer([program, "-q", "-d", "sha256", str(container)], list, {}),
        rounds=ROUNDS,
    )
    return beside(
        job,
        (ours, theirs),
        peer_name="ewfverify -d sha256",
        floor=FLOORS["verify"],
        aim=AIMS["verify"],
        fixed=fixed(lambda: shop.verify(tiny)),
        memory=shop.verify(container, tree=True).rss,
        parts=primitives.verify_seconds(shop.source, container, NAMES, "fast"),
        note="evkit also digests the file and looks it up in the record",
    )


def beside(
    job: str,
    runs: tuple[list[Run], list[Run]],
    *,
    peer_name: str,
    floor: float | None,
    aim: float | None,
    fixed: float,
    memory: int,
    parts: dict[str, float] | None,
    note: str = "",
) -> Row:
    """Return the row of a job that was done by evkit and a peer in turn."""
    ours, theirs = runs
    wall, ratio = median_wall(ours), median_ratio(ours, theirs)
    cpu, their_cpu = (sorted(one.cpu for one in some)[len(some) // 2] for some in runs)
    notes = [f"CPU {cpu:.1f} s against {their_cpu:.1f} s; {fixed:.1f} s are start, key and ledger"]
    share = None
    if parts is not None:
        limit = sum(parts.values()) / _cores()
        share = limit / wall
        notes.append(f"share without them {limit / (wall - fixed):.2f}; {primitives.words(parts)}")
    return Row(
        job=job,
        ours=wall,
        peer=peer_name,
        theirs=median_wall(theirs),
        ratio=ratio,
        floor="" if floor is None else f"{floor:g}x" + (f", aim {aim:g}x" if aim else ""),
        ok=None if floor is None else ratio >= floor,
        share=share,
        rss=memory,
        note="; ".join([*notes, *([note] if note else [])]),
        least=floor,
    )


def fixed(call: Callable[[], Run]) -> float:
    """Return the seconds that a job of one sector takes."""
    return median_wall([call() for _ in range(3)])


def _kept(shop: Workshop, options: tuple[str, ...]) -> Path:
    """Acquire the source once and keep its one segment, beside the source."""
    return shop.acquire_kept(shop.source, options, shop.folder / "kept.E01")


def _cores() -> int:
    return len(os.sched_getaffinity(0))
