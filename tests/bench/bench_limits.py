"""Little memory, a slow source, a source of a tebibyte: what must hold where no peer is near."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from acquirekit import disk_server
from bench_e01 import E01, GIB, fixed
from harness import Row, run, tree_share
from workshop import SIZE, Workshop, realistic

MEMORY = 1 << 30
MEMORY_FLOOR = 300 << 20
SLOW = 30_000_000  # bytes a second
SLOW_BYTES = min(SIZE, 600 << 20)
TEBIBYTE = 1 << 40
FAST = (*E01, "--compress", "fast")


def rows(shop: Workshop) -> Iterator[Row]:
    """Four rows: limited memory, slow source, first bytes of a tebibyte, plan of a tebibyte."""
    yield limited(shop)
    yield slow(shop)
    yield from tebibyte(shop)


def limited(shop: Workshop) -> Row:
    """One row: the same work with a limit on memory, and what it takes without one."""
    free = shop.acquire(None, *FAST, tree=True)
    with _limit() as (how, prefix):
        done = shop.acquire(None, *FAST, prefix=prefix)
    return Row(
        job=f"acquire E01 fast, {GIB}, at most 1 GiB of memory",
        ours=done.wall,
        floor=f"it works; memory under {MEMORY_FLOOR >> 20} MiB",
        ok=free.rss < MEMORY_FLOOR,
        rss=free.rss,
        note=f"the limit is {how}; {free.wall:.3g} s without it",
    )


@contextmanager
def _limit() -> Iterator[tuple[str, list[str]]]:
    """Give what to put in front of a command that is to run under the limit, and its name."""
    group = _group()
    if group is None:
        yield "RLIMIT_DATA for each process", ["prlimit", f"--data={MEMORY}"]
        return
    try:
        enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        yield "a control group (memory.max)", ["sh", "-c", enter, str(group)]
    finally:
        group.rmdir()


def _group() -> Path | None:
    """Make a control group below that of this process, None where that is not allowed."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if not line.startswith("0::"):
            continue
        group = Path("/sys/fs/cgroup") / line[3:].lstrip("/") / f"evkit-bench-{os.getpid()}"
        with contextlib.suppress(OSError):
            if "memory" not in (group.parent / "cgroup.subtree_control").read_text().split():
                return None
            group.mkdir()
            (group / "memory.max").write_text(str(MEMORY))
            return group
    return None


def slow(shop: Workshop) -> Row:
    """One row: a source of 30 MB/s must be read at 30 MB/s."""
    job = f"acquire E01 fast from a source of {SLOW // 10**6} MB/s"
    nbdkit, nbdfuse = shutil.which("nbdkit"), shutil.which("nbdfuse")
    if nbdkit is None or nbdfuse is None:
        return Row(job=job, ours=0.0, unit="MB/s", note="nbdkit or nbdfuse is not installed")
    part = realistic(shop.folder / "slow.dd", SLOW_BYTES)
    served = ("--filter=rate", "file", str(part), f"rate={8 * SLOW}", "burstiness=0.1")
    with disk_server(shop.folder / "read", nbdkit, nbdfuse, *served) as (place, _):
        start = time.perf_counter()
        with open(place, "rb", buffering=0) as handle:
            while handle.read(4 << 20):
                pass
        bare = SLOW_BYTES / (time.perf_counter() - start) / 1e6
    with disk_server(shop.folder / "acquired", nbdkit, nbdfuse, *served) as (place, _):
        wall = shop.acquire(place, *FAST).wall
    start_up = fixed(lambda: shop.acquire(shop.tiny, *FAST))
    rate = SLOW_BYTES / (wall - start_up) / 1e6
    return Row(
        job=job,
        ours=rate,
        unit="MB/s",
        peer=f"reading alone, {bare:.3g} MB/s",
        ratio=rate / bare,
        floor="not slower than the source",
        ok=rate >= 0.97 * bare,
        note=f"{SLOW_BYTES >> 20} MiB through nbdkit's rate filter; {start_up:.1f} s are start, "
        "key and ledger",
    )


def tebibyte(shop: Workshop) -> list[Row]:
    """Two rows: how soon an acquisition writes, and what the plan says."""
    source = shop.folder / "sparse.dd"
    shutil.copyfile(shop.tiny, source)
    os.truncate(source, TEBIBYTE)
    try:
        return [_begins(shop, source), _planned(shop, source)]
    finally:
        source.unlink()


def _begins(shop: Workshop, source: Path) -> Row:
    exhibit = shop.station / "cases" / "C1" / "E1"
    known = set(exhibit.glob("A*"))
    process = subprocess.Popen(
        shop.command(source, *FAST),
        env=os.environ | shop.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        seen = _watch(process, exhibit, known)
        time.sleep(3)
        peak = tree_share(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shop.remove_images()
    taken = seen["bytes"] - seen["record"]
    return Row(
        job="acquire E01 fast, sparse source of 1 TiB: first bytes after the signed start",
        ours=taken,
        floor="under 1 s",
        ok=taken < 1,
        rss=peak,
        note=f"the file is there after {seen['file'] - seen['record']:.2f} s; memory after 3 s",
    )


def _watch(process: subprocess.Popen[bytes], exhibit: Path, known: set[Path]) -> dict[str, float]:
    """Return when the start was recorded, when the image was there, when it held bytes."""
    seen: dict[str, float] = {}
    while "bytes" not in seen and process.poll() is None:
        time.sleep(0.002)
        for folder in set(exhibit.glob("A*")) - known:
            if "record" not in seen and _recorded(folder):
                seen["record"] = time.perf_counter()
            for image in folder.glob("image.E*.part"):
                seen.setdefault("file", time.perf_counter())
                if image.stat().st_size:
                    seen.setdefault("bytes", time.perf_counter())
    if "bytes" not in seen or "record" not in seen:
        raise RuntimeError(f"the acquisition wrote nothing: {sorted(seen)}")
    return seen


def _recorded(folder: Path) -> bool:
    try:
        journal = json.loads((folder / "journal.json").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(journal.get("start_event"))


def _planned(shop: Workshop, source: Path) -> Row:
    command = [*shop.command(source, *FAST), "--dry-run"]
    command[command.index("none", command.index("--verify"))] = "now"
    wall = run(command, env=shop.env).wall
    text = subprocess.run(
        command, env=os.environ | shop.env, capture_output=True, text=True, check=True
    ).stdout
    line = next(
        (line.strip() for line in text.splitlines() if line.strip().startswith("time:")), ""
    )
    return Row(
        job="`acquire --dry-run`, sparse source of 1 TiB",
        ours=wall,
        floor="a time for each phase, from a measured read",
        ok="read about" in line and "verify about" in line,
        note=line,
    )
