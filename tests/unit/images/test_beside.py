"""Names inside containers never lead out of their folder."""

from __future__ import annotations

import os

import pytest

from evkit.core.errors import InputError
from evkit.images.beside import EXTENT, MAX_FILES, PARENT, Beside, Given


@pytest.fixture
def files(tmp_path):
    for name in ("top.vmdk", "base.vmdk", "other.bin"):
        (tmp_path / name).write_bytes(b"x")
    return Beside(os.fsencode(tmp_path / "top.vmdk"))


def test_a_file_beside(tmp_path, files):
    assert files.take([b"base.vmdk"], EXTENT) == os.fsencode(tmp_path / "base.vmdk")
    assert files.remarks == []
    assert files.take([b"absent", b"other.bin"], PARENT).endswith(b"other.bin")
    assert "file 3" in files.remarks[0]
    assert "`absent`" in files.remarks[0]


@pytest.mark.parametrize(
    "name",
    [b"/vm/base.vmdk", b"../../base.vmdk", b"C:\\vm\\base.vmdk", b"C:base.vmdk", b".\\base.vmdk",
     b"\\\\server\\share\\base.vmdk", b"nbd://host/base.vmdk"],
)  # fmt: skip
def test_of_a_path_only_the_last_part_is_used(tmp_path, files, name):
    assert files.take([name], EXTENT) == os.fsencode(tmp_path / "base.vmdk")
    assert len(files.remarks) == 1  # the record says which name stood there


@pytest.mark.parametrize(
    "name",
    [b"/etc/passwd", b"../secret", b"..", b".", b"", b"/", b"a\0b", b"json:{}", b"x" * 5000,
     b"/dev/stdin", b"absent.vmdk"],
)  # fmt: skip
def test_what_is_not_beside_is_refused(tmp_path, files, name):
    (tmp_path.parent / "secret").write_bytes(b"secret")
    with pytest.raises(InputError, match="is not beside it") as caught:
        files.take([name], PARENT)
    assert "one folder" in caught.value.hint


def test_links_devices_and_folders_are_not_followed(tmp_path, files):
    outside = tmp_path.parent / "outside"
    outside.write_bytes(b"secret")
    os.symlink(outside, tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    os.mkdir(tmp_path / "folder")
    for name in (b"link", b"pipe", b"folder"):
        with pytest.raises(InputError, match="no regular file"):
            files.take([name], PARENT)


def test_a_chain_that_bites_its_tail(files):
    with pytest.raises(InputError, match="named twice"):
        files.take([b"top.vmdk"], PARENT)


def test_neutral_names_stand_for_their_places(tmp_path):
    for name in ("image.vmdk", "image-001.raw", "image-002.vmdk"):
        (tmp_path / name).write_bytes(b"x")
    files = Beside(os.fsencode(tmp_path / "image.vmdk"))
    assert files.take([b"disk-flat.vmdk"], EXTENT).endswith(b"image-001.raw")
    assert files.take([b"base.vmdk"], PARENT).endswith(b"image-002.vmdk")
    with pytest.raises(InputError):
        files.take([b"more.vmdk"], PARENT)
    assert "`disk-flat.vmdk` was read from file 2" in files.remarks[0]


def test_two_files_for_one_place_are_no_answer(tmp_path):
    for name in ("image.vmdk", "image-001.raw", "image-001.vmdk"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError):
        Beside(os.fsencode(tmp_path / "image.vmdk")).take([b"x"], EXTENT)


def test_given_files_come_in_their_order():
    files = Given([b"a", b"b"])
    assert files.take([b"/any/name"], EXTENT) == b"b"
    with pytest.raises(InputError):
        files.take([b"x"], EXTENT)
    assert files.taken == [b"a", b"b"]


def test_names_without_end_are_refused(tmp_path):
    files = Given([b"a"] * (MAX_FILES + 5))
    for _ in range(MAX_FILES - 1):
        files.take([b"x"], EXTENT)
    with pytest.raises(InputError, match="over"):
        files.take([b"x"], EXTENT)


def test_names_are_escaped(files):
    with pytest.raises(InputError) as caught:
        files.take([b"\x1b[31m\xff"], PARENT)
    assert "\\x1b[31m\\xff" in caught.value.message
