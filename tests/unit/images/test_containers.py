"""Containers of other programs give the medium they were made from; a missing extra is said."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil

import pytest

from evkit.core.errors import InputError, UsageError
from evkit.images import detect
from evkit.images.opening import find_files, open_image

# of `qemu-img convert -O raw windows_volume.qcow2`
WINDOWS = "44abe9deca9658f331a2bdba2deb53192d04f35d157a1fb3ba0597b03f0524f2"
FILES = ("ext2.qcow2", "ext2.vmdk", "ext2.vhd", "ext2.E01")


@pytest.fixture(scope="module")
def ext2(vectors):
    return gzip.decompress((vectors / "images" / "ext2.raw.gz").read_bytes())


@pytest.mark.parametrize("name", FILES)
def test_the_medium_of_other_programs(vectors, ext2, name):
    with open_image(os.fsencode(vectors / "images" / name)) as image:
        found = image.read(0, image.size + 7)
        assert len(found) == image.size
        assert found[: len(ext2)] == ext2
        assert not any(found[len(ext2) :])  # a VHD is rounded up to whole cylinders
        assert image.read(image.size - 3, 10) == found[-3:]
        assert image.read(image.size, 1) == b""
        assert image.read(1000, 3000) == ext2[1000:4000]


def test_a_windows_volume(vectors):
    with open_image(os.fsencode(vectors / "images" / "windows_volume.qcow2")) as image:
        content = image.read(0, image.size)
    assert content[3:11] == b"NTFS    "
    assert hashlib.sha256(content).hexdigest() == WINDOWS


@pytest.mark.parametrize("name", FILES)
def test_renamed_as_raw_it_is_named_for_what_it_is(vectors, tmp_path, ext2, name):
    path = tmp_path / "disk.dd"
    shutil.copy(vectors / "images" / name, path)
    kind, files = find_files(os.fsencode(path))
    assert kind.name == {"qcow2": "qcow", "E01": "ewf"}.get(name[5:], name[5:])
    assert files == [os.fsencode(path)]
    with open_image(os.fsencode(path)) as image:
        assert image.read(0, len(ext2)) == ext2
    with pytest.raises(InputError, match="not a raw medium"):
        detect.need_raw(os.fsencode(path), kind)


@pytest.mark.parametrize(("name", "binding"), [("ext2.vmdk", "pyvmdk"), ("ext2.vhd", "pyvhdi")])
def test_without_the_extra_it_says_what_to_install(vectors, monkeypatch, name, binding):
    path = os.fsencode(vectors / "images" / name)
    monkeypatch.setattr(detect, "installed", lambda asked: asked != binding)
    for step in (find_files, open_image):
        with pytest.raises(UsageError, match=binding) as caught:
            step(path)
        assert caught.value.hint == "pip install 'evkit[containers]'"
        assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["ext2.vmdk", "ext2.vhd"])
def test_a_broken_binding_is_no_crash(vectors, monkeypatch, name):
    monkeypatch.setitem(__import__("sys").modules, "pyvmdk", None)
    monkeypatch.setitem(__import__("sys").modules, "pyvhdi", None)
    with pytest.raises(UsageError):
        open_image(os.fsencode(vectors / "images" / name))


@pytest.mark.parametrize("name", FILES)
def test_closing_twice_and_reading_after(vectors, name):
    image = open_image(os.fsencode(vectors / "images" / name))
    image.close()
    image.close()
    with pytest.raises(InputError):
        image.read(0, 1)


@pytest.mark.parametrize("name", FILES[:3])
def test_names_that_are_not_utf8(vectors, tmp_path, ext2, name):
    path = os.fsencode(tmp_path) + b"/\xff\n." + name[5:].encode()
    shutil.copy(vectors / "images" / name, path)
    with open_image(path) as image:
        assert image.read(0, len(ext2)) == ext2


@pytest.mark.parametrize("name", FILES[:3])
def test_reading_leaves_the_file_as_it_was(vectors, tmp_path, name):
    path = tmp_path / name
    shutil.copy(vectors / "images" / name, path)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    before = path.stat()
    with open_image(os.fsencode(path)) as image:
        image.read(0, image.size)
    after = path.stat()
    assert (before.st_atime_ns, before.st_mtime_ns) == (after.st_atime_ns, after.st_mtime_ns)
