"""`--rescued IMAGE --map FILE`: what another program rescued goes into every file of every copy."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from evkit.acquire import mapfile

SIZE = 5 << 20
CONTENT = bytes((i * i * 31 + i // 7) & 255 for i in range(1 << 16)) * (SIZE >> 16)
BAD = (1 << 20, 4096)


@pytest.fixture
def run(run, tmp_path):
    """Take over a rescue; returns the document, or what is said when it fails."""
    (tmp_path / "source.dd").write_bytes(CONTENT)
    (tmp_path / "rescued").write_bytes(CONTENT)
    chart = mapfile.RescueMap(SIZE, mapfile.FINISHED)
    chart.mark(*BAD, mapfile.UNTRIED)
    (tmp_path / "map").write_bytes(mapfile.encode(chart))

    def rescued(*arguments, expect=0, image="rescued"):
        command = ["--json", "acquire", tmp_path / "source.dd", "--exhibit", "C1/E1"]
        command += ["--rescued", tmp_path / image, "--map", tmp_path / "map"]
        said = run(*command, *arguments, expect=expect)
        return said if expect else json.loads(said)

    rescued.folder = run.folder / "A1"
    return rescued


@pytest.mark.parametrize("verify", ["now", "later"])
@pytest.mark.parametrize("split", [None, "2M"])
def test_every_file_of_every_copy_has_it(run, tmp_path, verify, split):
    (tmp_path / "second").mkdir()
    more = ["--split", split] if split else []
    found = run("--also", tmp_path / "second", "--verify", verify, *more)
    assert found["media"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    for folder in (run.folder, tmp_path / "second" / "C1" / "E1" / "A1"):
        names = sorted(name for name in os.listdir(folder) if name.startswith("image."))
        files = [n for n in names if n == "image.raw" or n.removeprefix("image.").isdigit()]
        assert len(files) == (3 if split else 1)
        assert b"".join((folder / name).read_bytes() for name in files) == CONTENT


def test_an_image_that_ends_before_its_map_is_refused(run, tmp_path):
    os.truncate(tmp_path / "rescued", SIZE - 512)
    assert "before what its map says was read" in run(expect=14)


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "absent"])
def test_what_is_no_image_is_refused(run, tmp_path, kind):
    path = tmp_path / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    assert str(path) in run(expect=14, image=kind)
