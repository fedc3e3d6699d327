"""Real file systems for tests, mounted from a file of their own: FAT, exFAT, ext4, tmpfs.

The kernel's own driver is used where it has one, else the one in user space. Without root, loop
devices or a driver there is nothing to test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

_MAKE = {"vfat": "mkfs.vfat", "exfat": "mkfs.exfat", "ext4": "mkfs.ext4"}
_USER_SPACE = {"vfat": "fusefat", "exfat": "mount.exfat-fuse"}


@contextmanager
def mounted(kind, folder: Path, program, *, mib=64, options="", keep: Path | None = None):
    """Mount a new file system of `kind` at `folder`; yield its device, `` for one without.

    Args:
        kind: `vfat`, `exfat`, `ext4` or `tmpfs`.
        folder: where; it is made.
        program: the fixture of that name.
        mib: its length.
        options: of the mount.
        keep: file that holds it, so that it can be mounted again; made when it is not there.
    """
    need_root()
    folder.mkdir(exist_ok=True)
    if kind == "tmpfs":
        with _mount(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], folder):
            yield ""
        return
    image = keep or folder.with_name(folder.name + ".img")
    if not image.exists():
        image.touch()
        os.truncate(image, mib << 20)
        run(program(_MAKE[kind]), image)
    chosen = ["-o", options] if options else []
    driver = _USER_SPACE.get(kind)
    if kind in Path("/proc/filesystems").read_text().split():
        with _loop(image) as device, _mount(["mount", *chosen, device, folder], folder):
            yield device
    elif driver == "fusefat":
        read_only = "ro" in options.split(",")
        rest = ["-o", "ro"] if read_only else ["-o", "rw+"]
        with _mount([program(driver), *rest, image, folder], folder):
            yield ""
    elif driver is not None:
        with _loop(image) as device, _mount([program(driver), *chosen, device, folder], folder):
            yield device
    else:
        pytest.skip(f"this kernel has no {kind}")


def need_root() -> None:
    """Skip where nothing can be mounted."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root mounts file systems")


def run(*command) -> str:
    """Run a command that must succeed and return what it prints."""
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return done.stdout.decode()


@contextmanager
def _loop(image: Path):
    losetup = shutil.which("losetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    try:
        device = run(losetup or "losetup", "-f", "--show", image).strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no loop device is free here")
    try:
        yield device
    finally:
        run(losetup, "-d", device)


@contextmanager
def _mount(command, folder: Path):
    try:
        run(*command)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cannot be mounted here: {error.stderr.decode(errors='replace').strip()}")
    try:
        yield
    finally:
        if subprocess.run(["umount", folder], check=False, capture_output=True).returncode:
            run("umount", "-l", folder)
