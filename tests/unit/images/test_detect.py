"""Kinds are told by content, never by name."""

from __future__ import annotations

import errno
import io
import os
import zipfile

import pytest

from evkit.core.errors import InputError
from evkit.images import detect

HEADS = {
    "ewf": b"EVF\x09\x0d\x0a\xff\x00",
    "ewf-logical": b"LVF\x09\x0d\x0a\xff\x00",
    "ewf2": b"EVF2\x0d\x0a\x81\x00",
    "qcow": b"QFI\xfb\0\0\0\3",
    "vmdk": b"KDMV\1\0\0\0",
    "vhd": b"conectix\0\0",
    "vhdx": b"vhdxfile",
    "vdi": b"<<< Oracle VM VirtualBox Disk Image >>>".ljust(64, b"\0") + b"\x7f\x10\xda\xbe",
    "aff": b"AFF10\x0d\x0a\x00",
    "ad1": b"ADSEGMENTEDFILE\x00",
    "gzip": b"\x1f\x8b\x08\0",
    "raw": b"\xeb\x3c\x90MSDOS5.0",
}


@pytest.mark.parametrize("name", HEADS)
def test_by_the_head(name):
    assert detect.identify(HEADS[name] + bytes(600)).name == name


def test_only_the_exact_offset_counts():
    assert detect.identify(b"\0" + HEADS["qcow"]).name == "raw"
    assert detect.identify(b"") == detect.RAW
    assert detect.identify(b"EVF\x09\x0d\x0a\xff") == detect.RAW


@pytest.mark.parametrize(("mark", "name"), [(b"conectix", "vhd"), (b"koly", "dmg")])
def test_by_the_last_sector(mark, name):
    assert detect.identify(bytes(512), mark.ljust(512, b"\0")).name == name
    assert detect.identify(bytes(512), mark.ljust(511, b"\0")).name == "raw"


@pytest.mark.parametrize(
    ("member", "name"), [("container.description", "aff4"), ("a/letter.txt", "zip")]
)
def test_aff4_is_told_from_zip(member, name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x" if name == "zip" else "y", b"")
        archive.writestr(member, b"text")
    assert detect.identify(buffer.getvalue()).name == name


def test_hostile_zip_heads_end():
    for tail in (b"", b"\xff" * 60, b"\0" * 26):
        assert detect.identify(b"PK\x03\x04" + tail).name == "zip"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("ext2.E01", "ewf"), ("ext2.qcow2", "qcow"), ("ext2.vmdk", "vmdk"), ("ext2.vhd", "vhd"),
        ("iso9660.raw", "raw"), ("imynd.dd", "raw"), ("ext2.raw.gz", "gzip"),
        ("5-fat-daylight.zip", "zip"),
    ],
)  # fmt: skip
def test_files_of_other_programs(vectors, file, name):
    assert detect.detect(str(vectors / "images" / file)).name == name


def test_a_container_given_as_raw_is_refused_with_a_way_out(tmp_path):
    path = tmp_path / "disk.dd"
    path.write_bytes(HEADS["qcow"].ljust(4096, b"\0"))
    kind = detect.detect(str(path))
    with pytest.raises(InputError) as caught:
        detect.need_raw(str(path), kind)
    assert "QEMU" in caught.value.message
    assert caught.value.hint
    path.write_bytes(HEADS["ewf"])
    with pytest.raises(InputError) as caught:
        detect.need_raw(str(path), detect.detect(str(path)))
    assert "--kind image" in caught.value.hint


def test_a_name_says_nothing(tmp_path):
    path = tmp_path / "image.E01"
    path.write_bytes(bytes(1024))
    assert detect.detect(str(path)).name == "raw"
    with pytest.raises(InputError):
        detect.detect(str(tmp_path / "absent"))


@pytest.mark.parametrize("sized", [True, False])
def test_a_folder_is_none_whatever_the_system_says_of_its_size(tmp_path, monkeypatch, sized):
    def refuse(*_):
        raise OSError(errno.EINVAL, "Invalid argument")

    if not sized:
        monkeypatch.setattr(os, "lseek", refuse)
    with pytest.raises(InputError, match="is a folder"):
        detect.detect(os.fsencode(tmp_path))
