"""A raw image written at any place: what lies where its files belong is not trusted."""

from __future__ import annotations

import os

import pytest

from evkit.acquire.output.branch import Branch
from evkit.acquire.output.rawout import Places
from evkit.core.errors import StorageError

SIZE = 10_000
DATA = bytes(range(250)) * 40


@pytest.fixture
def branch(tmp_path):
    (tmp_path / "copy").mkdir()
    return Branch(copy="master", folder=os.fsencode(tmp_path / "copy"))


def written(branch, split=None, *, again=False):
    places = Places([branch], SIZE, split, again=again)
    places.put(0, memoryview(bytearray(DATA)))
    places.sync()
    places.close()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("split", [None, 4096])
def test_a_link_is_not_written_through(tmp_path, branch, split, again):
    written(branch, split)
    victim = tmp_path / "victim"
    name = branch.part("image.raw" if split is None else "image.002")
    length = os.path.getsize(name)
    victim.write_bytes(bytes(length))
    os.unlink(name)
    os.symlink(victim, name)
    with pytest.raises(StorageError):
        written(branch, split, again=again)
    assert victim.read_bytes() == bytes(length)


@pytest.mark.parametrize("change", [os.unlink, lambda path: os.truncate(path, 100),
                                    lambda path: os.truncate(path, SIZE + 1)])  # fmt: skip
def test_a_file_that_lost_its_bytes_is_no_place_to_go_on(branch, change):
    """The map says what was read; zeros would stand there instead."""
    written(branch)
    change(branch.part("image.raw"))
    with pytest.raises(StorageError):
        Places([branch], SIZE, again=True)
    assert not os.path.exists(branch.part("image.raw")) or os.path.getsize(
        branch.part("image.raw")
    ) in {100, SIZE + 1}


def test_the_other_copy_goes_on(tmp_path, branch):
    (tmp_path / "second").mkdir()
    second = Branch(copy="second", folder=os.fsencode(tmp_path / "second"))
    written(branch)
    written(second)
    os.unlink(branch.part("image.raw"))
    places = Places([branch, second], SIZE, again=True)
    places.put(0, memoryview(bytearray(b"new")))
    places.close()
    assert branch.error is not None
    assert second.error is None
    with open(second.part("image.raw"), "rb") as handle:
        assert handle.read() == b"new" + DATA[3:]
