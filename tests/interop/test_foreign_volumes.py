"""Volumes that other programs make are named for what they are, in the row and in words."""

from __future__ import annotations

import os
import subprocess

import inventorykit as kit
import pytest

from evkit.actions.inventory_said import first_problems
from evkit.inventory.scan import Options

# name -> (program, arguments before the file, MiB, type, state)
MADE = {
    "xfs": ("mkfs.xfs", ["-q"], 320, "xfs", "unsupported"),
    "btrfs": ("mkfs.btrfs", ["-q"], 120, "btrfs", "unsupported"),
    "f2fs": ("mkfs.f2fs", ["-q"], 64, "f2fs", "unsupported"),
    "reiserfs": ("mkfs.reiserfs", ["-q", "-f"], 40, "reiserfs", "unsupported"),
    "jfs": ("mkfs.jfs", ["-q"], 20, "jfs", "unsupported"),
    "nilfs2": ("mkfs.nilfs2", ["-q"], 150, "nilfs2", "unsupported"),
    "udf": ("mkudffs", [], 4, "udf", "unsupported"),
    "udf-disk": ("mkudffs", ["-b", "512", "-m", "hd"], 4, "udf", "unsupported"),
    "minix": ("mkfs.minix", [], 2, "minix", "unsupported"),
    "swap": ("mkswap", [], 4, "swap", "ok"),
    "luks1": ("cryptsetup", ["--type", "luks1", "--pbkdf-force-iterations", "1000"], 20, "luks1",
              "encrypted"),
    "bigalloc": ("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "bigalloc", "-C", "16384"], 24, "ext",
                 "unsupported"),
    "luks2": ("cryptsetup", ["--type", "luks2", "--pbkdf", "pbkdf2",
                             "--pbkdf-force-iterations", "1000"], 20, "luks2", "encrypted"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "files"
    source.mkdir()
    (source / "a").write_text("content\n")
    return source


@pytest.mark.parametrize("name", MADE)
def test_a_volume_is_named(name, program, tmp_path):
    maker, arguments, size, kind, state = MADE[name]
    image = tmp_path / f"{name}.raw"
    image.touch(mode=0o600)
    os.truncate(image, size << 20)
    command = [program(maker), *arguments, str(image)]
    if maker == "cryptsetup":
        command = [command[0], "luksFormat", "-q", *arguments, str(image), "-"]
    subprocess.run(command, check=True, capture_output=True, input=b"passphrase")
    _named(image, tmp_path, kind, state)


def test_erofs_and_squashfs_are_named(program, tmp_path, folder):
    erofs, squash = tmp_path / "erofs.raw", tmp_path / "squash.raw"
    subprocess.run([program("mkfs.erofs"), erofs, folder], check=True, capture_output=True)
    subprocess.run([program("mksquashfs"), folder, squash, "-quiet", "-no-progress"],
                   check=True, capture_output=True)  # fmt: skip
    _named(erofs, tmp_path, "erofs", "unsupported")
    _named(squash, tmp_path, "squashfs", "unsupported")


def _named(image, folder, kind, state):
    with kit.scan(image, folder / f"{image.name}.db", Options(types=False)) as inventory:
        volume = kit.of_kind(inventory, "filesystem")[-1]
        assert (volume["type"], volume["state"]) == (kind, state)
        coverage = inventory.coverage()
        assert coverage["result"] == ("complete" if state == "ok" else "with-gaps")
        assert coverage["bytes"]["image"] == image.stat().st_size
        assert coverage["bytes"]["partitions"] + coverage["bytes"]["gaps"] == image.stat().st_size
        said = "\n".join(first_problems(inventory)[0])
    assert (volume["detail"] in said) == (state != "ok")
