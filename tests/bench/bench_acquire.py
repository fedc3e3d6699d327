"""Raw acquisition beside dc3dd: MD5, SHA-256 and pieces; no verification; same disk; page cache."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import stations
from harness import Row, Run, median_ratio, median_wall, pair, primitive_seconds, run

from evkit.core import aligned

SIZE = int(os.environ.get("EVKIT_BENCH_BYTES", str(2 << 30)))
FLOOR = 3.3
SHARE = 0.8


def rows() -> list[Row]:
    """One row: whole processes, start-up and unlocking of the key included."""
    dc3dd = shutil.which("dc3dd")
    if dc3dd is None:
        return [Row(job="raw acquisition", ours=0.0, note="dc3dd is not installed")]
    with workshop() as (folder, made, env):
        source = realistic(folder / "source.dd", SIZE)
        tiny = folder / "tiny"
        tiny.write_bytes(b"x")
        ours, theirs = pair(
            lambda: _ours(made, source, env), lambda: _theirs(dc3dd, source, folder), rounds=3
        )
        fixed = median_wall([_ours(made, tiny, env) for _ in range(3)])
        limit = primitive_seconds(SIZE, ("md5", "sha256"), pieces=True) + _write_seconds(folder)
    wall, ratio = median_wall(ours), median_ratio(ours, theirs)
    cores = os.cpu_count() or 1
    share = limit / cores / wall
    net = limit / cores / (wall - fixed)
    cpu = sorted(one.cpu for one in ours)[1]
    their_cpu = sorted(one.cpu for one in theirs)[1]
    return [
        Row(
            job=f"acquire raw, {SIZE / 2**30:g} GiB, MD5 + SHA-256 + pieces",
            ours=wall,
            peer="dc3dd",
            theirs=median_wall(theirs),
            ratio=ratio,
            floor=f"{FLOOR:g}x, share {SHARE:g}",
            ok=ratio >= FLOOR,
            share=share,
            rss=max(one.rss for one in ours),
            note=(
                f"CPU {cpu:.1f} s against {their_cpu:.1f} s; {fixed:.1f} s of ours are start, key "
                f"and ledger; share without them {net:.2f}; bare primitives {limit:.1f} CPU s"
            ),
        )
    ]


def realistic(path: Path, size: int) -> Path:
    """Write `size` bytes of real files (this Python's), repeated, and leave them in the cache."""
    places = [Path(sys.prefix), Path(sys.base_prefix)]
    files = sorted(file for top in places for file in top.rglob("*") if file.is_file())
    with open(path, "wb") as out:
        while out.tell() < size:
            for file in files:
                out.write(file.read_bytes()[: size - out.tell()])
                if out.tell() >= size:
                    break
    with open(path, "rb") as handle:
        os.fsync(handle.fileno())
        while handle.read(1 << 24):
            pass
    return path


@contextmanager
def workshop() -> Iterator[tuple[Path, Path, dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="evkit-bench-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        made = stations.ready(folder / "station").path
        phrase = folder / "phrase"
        phrase.write_bytes(stations.PHRASE + b"\n")
        env = {
            "EVKIT_STATION": str(made),
            "EVKIT_PASSPHRASE_FILE": str(phrase),
            "EVKIT_OFFICER": stations.OFFICER,
            "EVKIT_NO_PROGRESS": "1",
        }
        yield folder, made, env


def _ours(made: Path, source: Path, env: dict[str, str]) -> Run:
    command = [sys.executable, "-m", "evkit", "acquire", str(source), "--exhibit", "C1/E1"]
    done = run([*command, "--verify", "none"], env=env)
    for image in (made / "cases" / "C1" / "E1").glob("A*/image.raw"):
        image.unlink()
    return done


def _theirs(dc3dd: str, source: Path, folder: Path) -> Run:
    target = folder / "peer.dd"
    done = run([dc3dd, f"if={source}", f"of={target}", "hash=md5", "hash=sha256"])
    target.unlink()
    return done


def _write_seconds(folder: Path) -> float:
    """CPU seconds of writing SIZE bytes past the page cache, measured on 512 MiB."""
    sample = min(SIZE, 512 << 20)
    (buffer,) = aligned.buffers(1)
    before = resource.getrusage(resource.RUSAGE_SELF)
    part = folder / "write.part"
    with aligned.AlignedWriter(os.fsencode(part), sample) as writer:
        for _ in range(sample // len(buffer)):
            writer.write(buffer)
        writer.finish()
    after = resource.getrusage(resource.RUSAGE_SELF)
    part.unlink()
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent * SIZE / sample
