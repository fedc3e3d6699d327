"""Images of disks to inventory: many files of the sizes that disks hold, in ext4 and in NTFS."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_FOLDERS = 400
_CONTENT = 1 << 24
_LARGEST = 256 << 10
_SIZES = ((0.5, 0, 4096), (0.9, 4096, 20000), (0.995, 32768, 90000), (1.0, 200000, 1500000))


def tree(top: Path, files: int, seed: int = 4) -> None:
    """Write files with seeded content: half below 4 KiB, a few of more than a megabyte."""
    chance = random.Random(seed)
    content = memoryview(chance.randbytes(_CONTENT))
    for number in range(files):
        folder = top / f"d{number % _FOLDERS % 29}" / f"e{number % _FOLDERS}"
        if number < _FOLDERS:
            folder.mkdir(parents=True, exist_ok=True)
        size = _size(chance)
        start = chance.randrange(_CONTENT - size)
        with open(folder / f"file {number:05d}.bin", "wb") as handle:
            handle.write(number.to_bytes(8, "big"))
            handle.write(content[start : start + size])


def _size(chance: random.Random) -> int:
    kind = chance.random()
    for share, least, most in _SIZES:
        if kind < share:
            return chance.randrange(least, most)
    return 0


def one_folder(top: Path, names: int) -> None:
    """Write small files into one folder."""
    top.mkdir(parents=True, exist_ok=True)
    for number in range(names):
        (top / f"name {number:06d}.txt").write_bytes(b"%d" % number)


def programs(top: Path, files: int) -> int:
    """Copy files of this machine's programs, none above 256 KiB; returns how many there were."""
    copied = 0
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if copied == files:
                return copied
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            target = top / folder.lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
            copied += 1
    return copied


def ext4(image: Path, top: Path, size: int, inodes: int) -> Path:
    """Make an ext4 image of a tree, which is removed."""
    command = [
        "mke2fs", "-q", "-t", "ext4", "-d", str(top), "-N", str(inodes), str(image),
        f"{size // 1024}k",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(top)
    return image


def mounted_ext4(image: Path, size: int, inodes: int, fill: Callable[[Path], None]) -> Path | None:
    """Make an ext4 image that the kernel fills; None where it cannot be mounted.

    mke2fs looks through a folder for each name that it adds, the kernel does not.
    """
    with open(image, "wb") as handle:
        handle.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-N", str(inodes), str(image)], check=True)
    return _filled(image, ["mount", "-o", "loop", str(image)], fill)


def ntfs(image: Path, size: int, fill: Callable[[Path], None]) -> Path | None:
    """Make an NTFS image that `fill(folder)` fills; None where it cannot be mounted."""
    with open(image, "wb") as handle:
        handle.truncate(size)
    subprocess.run(["mkntfs", "-F", "-Q", "-q", str(image)], check=True, capture_output=True)
    return _filled(image, ["ntfs-3g", str(image)], fill)


def _filled(image: Path, mount: list[str], fill: Callable[[Path], None]) -> Path | None:
    mounted = image.with_suffix(".mounted")
    mounted.mkdir(exist_ok=True)
    done = subprocess.run([*mount, str(mounted)], check=False, capture_output=True)
    if done.returncode:
        return None
    try:
        fill(mounted)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
        while os.path.ismount(mounted):
            time.sleep(0.1)
    return image


def missing(*programs: str) -> bool:
    """Say whether a program is not installed."""
    return any(
        shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None for name in programs
    )
