"""`evkit image info` on containers of other programs."""

from __future__ import annotations

import functools
import json
import shutil

import pytest

from evkit.cli import main
from evkit.images import detect


@pytest.fixture
def run(evkit):
    return functools.partial(evkit, "image", "info")


@pytest.mark.parametrize(
    ("name", "title", "size"),
    [
        ("ext2.vmdk", "VMware image (vmdk)", 4194304),
        ("ext2.vhd", "Virtual PC image (vhd)", 4212736),
        ("ext2.qcow2", "QEMU image (qcow)", 4194304),
        ("ext2.E01", "EnCase image (E01)", 4194304),
    ],
)
def test_a_renamed_container_is_named_for_what_it_is(run, vectors, tmp_path, name, title, size):
    path = tmp_path / "disk.raw"
    shutil.copy(vectors / "images" / name, path)
    out = run(path)
    assert out.splitlines()[0].endswith(f"disk.raw: {title}")
    assert f"medium  {size:,} bytes" in out
    found = json.loads(run(path, "--json"))
    assert found["schema"] == "evkit/image-info/1"
    assert found["decoded_by_evkit"] is True
    assert found["size"] == size
    assert len(found["segments"]) == 1


def test_a_missing_extra_ends_with_2_and_says_how(run, vectors, monkeypatch):
    monkeypatch.setattr(detect, "installed", lambda _: False)
    path = vectors / "images" / "ext2.vmdk"
    err = run(path, expect=2)
    assert "pip install 'evkit[containers]'" in err
    assert json.loads(run(path, "--json", expect=2))["error"] == "usage"
    assert "QEMU" in run(vectors / "images" / "ext2.qcow2")  # needs no extra


def test_what_is_not_decoded_is_still_named(run, tmp_path):
    path = tmp_path / "a.dd"
    path.write_bytes(b"AFF10\r\n\0".ljust(2048, b"\0"))
    assert "evkit does not decode this format" in run(path)
    path.write_bytes(b"KDMV" + bytes(2044))
    assert "one extent" in run(path, expect=14)


def test_a_folder_is_no_image(tmp_path, capsys):
    assert main.run(["image", "info", str(tmp_path)]) == 14
    assert "is a folder" in capsys.readouterr().err
