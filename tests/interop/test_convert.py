"""Converted images as other programs see them; containers of others against published digests."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess

import pyewf
import pytest

from evkit.actions import image_convert
from evkit.actions.image_job import Request
from evkit.images.e01.reader import E01Image

MIB = 1 << 20


def convert(source, target, **options):
    return image_convert.run(os.fsencode(source), os.fsencode(target), Request(**options))


@pytest.fixture(scope="module")
def medium(tmp_path_factory):
    rng = random.Random(8)
    data = rng.randbytes(2 * MIB) + bytes(2 * MIB) + b"plain text " * 200_000
    path = tmp_path_factory.mktemp("convert") / "disk.dd"
    path.write_bytes(data[: len(data) // 512 * 512])
    return path


@pytest.mark.parametrize("compress", ["none", "fast", "best"])
def test_libewf_agrees(program, medium, tmp_path, compress):
    verify, export = program("ewfverify"), program("ewfexport")
    done = convert(medium, tmp_path / "d.E01", compress=compress, split=MIB)
    assert len(done.files) > 1
    out = subprocess.run(
        [verify, "-q", "-d", "sha1", tmp_path / "d.E01"], check=True, capture_output=True
    )
    assert b"SUCCESS" in out.stdout
    subprocess.run(
        [export, "-q", "-u", "-f", "raw", "-t", tmp_path / "peer", tmp_path / "d.E01"],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(["cmp", tmp_path / "peer.raw", medium], check=True)
    handle = pyewf.handle()
    handle.open([os.fsdecode(path) for path in done.files])
    try:
        assert handle.get_media_size() == medium.stat().st_size
        assert handle.read(medium.stat().st_size) == medium.read_bytes()
    finally:
        handle.close()


def test_what_libewf_wrote(program, medium, tmp_path):
    """An image by ewfacquire becomes raw and another E01, with its case details."""
    acquire, info = program("ewfacquire"), program("ewfinfo")
    subprocess.run(
        [acquire, "-q", "-u", "-t", tmp_path / "theirs", "-C", "FIR-9", "-E", "E7", "-e", "A. Khan",
         "-D", "stick", "-N", "found", "-c", "best", "-f", "encase6", "-S", "1500000",
         "-M", "logical", "-m", "removable", medium],
        check=True, capture_output=True,
    )  # fmt: skip
    out = convert(tmp_path / "theirs.E01", tmp_path / "back.dd").lines()
    assert any("compared with what the source states: equal" in line for line in out)
    subprocess.run(["cmp", tmp_path / "back.dd", medium], check=True)
    convert(tmp_path / "theirs.E01", tmp_path / "ours.E01", format="e01")
    shown = [
        subprocess.run([info, tmp_path / name], check=True, capture_output=True, text=True).stdout
        for name in ("theirs.E01", "ours.E01")
    ]
    for name in ("Case number", "Evidence number", "Examiner name", "Description", "Notes",
                 "Acquisition date", "Media type", "Media size", "Is physical"):  # fmt: skip
        lines = [re.findall(rf"^\s*{name}:.*$", text, re.MULTILINE) for text in shown]
        assert lines[0] == lines[1], name
        assert lines[0], name


@pytest.mark.parametrize("name", ["ext2.vmdk", "ext2.vhd", "ext2.qcow2", "ext2.E01"])
def test_published_digests(vectors, program, tmp_path, name):
    """Files in the E01 that is made of a container have the digests that others published."""
    fcat = program("fcat")
    images = vectors / "images"
    convert(images / name, tmp_path / "ours.E01", format="e01")
    convert(tmp_path / "ours.E01", tmp_path / "ours.dd")
    rows = (images / "published" / f"{name}.hashes").read_text().splitlines()
    published = dict(reversed(row.split("\t")) for row in rows if row)
    assert len(published) > 2
    for path, digest in published.items():
        words = [fcat, "-f", "ext2", "-i", "raw", path.lstrip("/"), tmp_path / "ours.dd"]
        data = subprocess.run(words, check=True, capture_output=True).stdout
        assert hashlib.sha256(data).hexdigest() == digest, path


def test_qemu_agrees_about_what_it_wrote(program, medium, tmp_path):
    qemu = program("qemu-img")
    for kind in ("vmdk", "vhdx", "qcow2", "vpc"):
        source = tmp_path / f"disk.{kind}"
        options = ["-o", "force_size=on"] if kind == "vpc" else []
        subprocess.run(
            [qemu, "convert", "-f", "raw", "-O", kind, *options, medium, source], check=True
        )
        done = convert(source, tmp_path / f"{kind}.E01")
        size = medium.stat().st_size
        with E01Image([os.fsencode(tmp_path / f"{kind}.E01")]) as image:
            data = image.read(0, image.size)
        assert data[:size] == medium.read_bytes()
        assert not data[size:].strip(b"\0")
        found = done.done.made.outcome.digests["sha256"]
        assert found == hashlib.sha256(data).hexdigest()
