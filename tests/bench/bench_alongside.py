"""`acquire --inventory` beside `acquire` and then `inventory run`, on 300 MiB of ext4."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

from harness import Row, Run, median_ratio, median_wall, pair, run
from workshop import workshop

FOLDERS, FILES, LARGE = 20, 100, 8
SIZES = (100, 3000, 20_000, 60_000)


def rows() -> list[Row]:
    """A row for raw and one for E01: whole processes, every acquisition read back."""
    mke2fs = shutil.which("mke2fs", path="/usr/sbin:/usr/bin:/bin:/sbin")
    if mke2fs is None:
        return []
    with workshop() as shop:
        folder, made, env = shop.folder, shop.station, shop.env
        image = _image(folder, mke2fs)
        return [_row(made, image, env, form) for form in ("raw", "e01")]


def _image(folder: Path, mke2fs: str) -> Path:
    tree, chance = folder / "tree", random.Random(7)
    for first in range(FOLDERS):
        (tree / f"d{first}").mkdir(parents=True)
        for second in range(FILES):
            content = chance.randbytes(chance.choice(SIZES))
            (tree / f"d{first}" / f"f{second}.bin").write_bytes(content)
    for number in range(LARGE):
        (tree / f"large{number}.bin").write_bytes(chance.randbytes(25 << 20))
    image = folder / "disk.ext4"
    command = [mke2fs, "-q", "-t", "ext4", "-d", str(tree), str(image), "300M"]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(tree)
    return image


def _row(made: Path, image: Path, env: dict[str, str], form: str) -> Row:
    command = [sys.executable, "-m", "evkit"]
    acquire = [*command, "acquire", str(image), "--exhibit", "C1/E1", "--format", form, "--quiet"]

    def together() -> Run:
        done = run([*acquire, "--inventory"], env=env)
        _clean(made)
        return done

    def apart() -> Run:
        first = run(acquire, env=env)
        second = run([*command, "inventory", "run", "C1/E1", "--quiet"], env=env)
        _clean(made)
        return Run(
            wall=first.wall + second.wall,
            cpu=first.cpu + second.cpu,
            rss=max(first.rss, second.rss),
        )

    ours, theirs = pair(together, apart)
    cpu, their_cpu = (sorted(one.cpu for one in group)[len(group) // 2] for group in (ours, theirs))
    return Row(
        job=f"`evkit acquire --inventory`, {form}, 300 MiB, {FOLDERS * FILES + LARGE:,} files",
        ours=median_wall(ours),
        peer="`acquire`, then `inventory run`",
        theirs=median_wall(theirs),
        ratio=median_ratio(ours, theirs),
        rss=max(one.rss for one in ours),
        note=f"CPU {cpu:.1f} s against {their_cpu:.1f} s; both read the image back",
    )


def _clean(made: Path) -> None:
    for path in (made / "cases" / "C1" / "E1").glob("A*/*"):
        if path.name.startswith(("image.", "inventory")):
            path.unlink()
