"""Raw files in order and at any place: the same names, the same bytes, whatever the parts."""

from __future__ import annotations

import os
import random

import pytest

from evkit.acquire.output.branch import Branch
from evkit.acquire.output.rawout import Places, RawOut, parts_of
from evkit.core import aligned
from evkit.core.errors import StorageError

SIZE = 300_001


def content(path):
    with open(path, "rb") as handle:
        return handle.read()


@pytest.fixture
def branch(tmp_path):
    return Branch(copy="master", folder=os.fsencode(tmp_path))


def content_of(branch, names):
    return b"".join(content(branch.part(name)) for name in names)


@pytest.mark.parametrize("split", [None, 1, 4096, 100_000, SIZE - 1, SIZE, SIZE + 1])
def test_in_order_and_at_any_place_agree(branch, split):
    if split == 1:
        split = 1999
    data = os.urandom(SIZE)
    out = RawOut([branch], SIZE, split)
    for at in range(0, SIZE, 65536):
        out.write(memoryview(data[at : at + 65536]))
    files = out.finish()
    names = [part.name for part in files]
    assert content_of(branch, names) == data
    assert [(part.name, part.size) for part in files] == list(parts_of(SIZE, split))
    for name in names:
        os.unlink(branch.part(name))
    places = Places([branch], SIZE, split)
    chance = random.Random(1)
    ranges = list(range(0, SIZE, 8192))
    chance.shuffle(ranges)
    buffer = memoryview(aligned.buffers(1, 8192)[0])
    for at in ranges:
        part = data[at : at + 8192]
        buffer[: len(part)] = part
        places.put(at, buffer[: len(part)])
    places.sync()
    places.close()
    assert content_of(branch, names) == data
    places = Places([branch], SIZE, split, again=True)
    places.clear(5, SIZE - 10)
    places.close()
    assert content_of(branch, names) == data[:5] + bytes(SIZE - 10) + data[-5:]


def test_one_part_of_a_split_image_keeps_its_number(branch):
    """In order it is image.001; a rescue must go on in the same file."""
    assert list(parts_of(10, 100)) == [("image.001", 10)]
    assert list(parts_of(10, None)) == [("image.raw", 10)]
    assert list(parts_of(0, None)) == [("image.raw", 0)]


@pytest.mark.parametrize("split", [None, 1 << 20, (1 << 20) + 512])
def test_going_on(branch, split):
    data = os.urandom(3 << 20)
    for at in (0, 512, 1 << 20, (1 << 20) + 512, 2 << 20, 3 << 20):
        for name in os.listdir(branch.folder):
            os.unlink(os.path.join(branch.folder, name))
        out = RawOut([branch], len(data), split)
        out.write(memoryview(data[:at]))
        out.sync()
        done, state = list(out.done), out.state()
        out.close()
        assert state["at"] == at
        out = RawOut([branch], len(data), split, at=at, done=done)
        out.write(memoryview(data[at:]))
        names = [part.name for part in out.finish()]
        assert content_of(branch, names) == data
        assert names == [name for name, _ in parts_of(len(data), split)]


def test_room_is_given_back(branch):
    out = RawOut([branch], 9000, 2000)
    out.write(memoryview(bytes(9000)))
    out.sync()
    out.give_room_back({"at": 5000})
    sizes = [os.path.getsize(branch.part(name)) for name, _ in parts_of(9000, 2000)]
    assert sizes == [2000, 2000, 1000, 0, 0]


@pytest.mark.parametrize("change", ["gone", "longer", "shorter"])
def test_a_file_that_has_changed_is_not_gone_on_with(branch, change):
    Places([branch], 9000).close()
    path = branch.part("image.raw")
    if change == "gone":
        os.unlink(path)
    else:
        os.truncate(path, 8999 if change == "shorter" else 9001)
    with pytest.raises(StorageError):
        Places([branch], 9000, again=True)
    assert branch.error is not None


def test_a_link_is_not_followed(branch, tmp_path):
    (tmp_path / "evidence").write_bytes(b"evidence")
    os.symlink(tmp_path / "evidence", branch.part("image.raw"))
    with pytest.raises(StorageError):
        Places([branch], 100)
    assert (tmp_path / "evidence").read_bytes() == b"evidence"


def test_direct_writing_that_is_refused_falls_back(branch, monkeypatch):
    real = os.pwrite
    places = Places([branch], 1 << 20)
    direct = places._files[0][1][0][1]
    if direct < 0:
        pytest.skip("no direct writing here")

    def refuse(descriptor, data, offset):
        if descriptor == direct:
            raise OSError(22, "Invalid argument")
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", refuse)
    buffer = memoryview(aligned.buffers(1, 8192)[0])
    buffer[:] = b"ab" * 4096
    places.put(4096, buffer)
    places.close()
    assert content_of(branch, ["image.raw"])[4096:12288] == b"ab" * 4096
    assert not branch.direct
