"""An ext4 image with 8,000 files: evkit's inventory beside fiwalk and tsk_loaddb."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Row, median_ratio, median_wall, pair, run

FOLDERS, FILES = 80, 100
SIZES = (100, 1000, 4000, 20000)


def rows() -> list[Row]:
    """Two rows, or none without the programs that make and read the image."""
    needed = {name: shutil.which(name, path="/usr/sbin:/usr/bin:/bin") for name in
              ("mke2fs", "fiwalk", "tsk_loaddb")}  # fmt: skip
    if None in needed.values():
        return []
    with tempfile.TemporaryDirectory(prefix="evkit-bench-") as name:
        folder = Path(name)
        image = _image(folder, needed["mke2fs"])
        return [
            _row(folder, image, "fiwalk", needed["fiwalk"], "fiwalk with MD5 and SHA-1"),
            _row(folder, image, "tsk_loaddb", needed["tsk_loaddb"], "tsk_loaddb with MD5"),
        ]


def _image(folder: Path, mke2fs: str) -> Path:
    tree = folder / "tree"
    for first in range(FOLDERS):
        (tree / f"d{first}").mkdir(parents=True)
        for second in range(FILES):
            seed = f"{first} {second}".encode()
            content = hashlib.shake_128(seed).digest(SIZES[second % len(SIZES)])
            (tree / f"d{first}" / f"f{second}.bin").write_bytes(content)
    image = folder / "disk.ext4"
    command = [mke2fs, "-q", "-t", "ext4", "-d", str(tree), "-N", "12000", str(image), "200M"]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(tree)
    return image


def _row(folder: Path, image: Path, peer: str, program: str, title: str) -> Row:
    beside = Path(sys.executable).parent / "evkit"
    evkit = str(beside) if beside.exists() else "evkit"
    ours_file, theirs_file = folder / "ours.db", folder / "theirs"
    hashes = "md5,sha1" if peer == "fiwalk" else "md5"

    def ours():
        ours_file.unlink(missing_ok=True)
        return run([evkit, "inventory", "run", str(image), "-o", str(ours_file), "--no-types",
                    "--hash", hashes, "--quiet"])  # fmt: skip

    def theirs():
        theirs_file.unlink(missing_ok=True)
        if peer == "fiwalk":
            return run([program, "-X", str(theirs_file), str(image)])
        return run([program, "-h", "-d", str(theirs_file), str(image)])

    first, second = pair(ours, theirs)
    return Row(
        job=f"`evkit inventory run`, {FOLDERS * FILES:,} files, {hashes}",
        ours=median_wall(first),
        peer=title,
        theirs=median_wall(second),
        ratio=median_ratio(first, second),
        rss=max(item.rss for item in first),
        note="evkit also writes salted rows, extents and a root",
    )
