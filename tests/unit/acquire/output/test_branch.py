"""Folders that take copies: one fails and the others go on; names are given once and for all."""

from __future__ import annotations

import errno
import os

import pytest

from evkit.acquire.output.branch import (
    Branch,
    Fan,
    Written,
    cut_all,
    name_all,
    remove_all,
    write_small,
)
from evkit.core import durable
from evkit.core.errors import InputError, RefusedError, StorageError


def content(path):
    with open(path, "rb") as handle:
        return handle.read()


@pytest.fixture
def branches(tmp_path):
    found = []
    for copy in ("master", "second"):
        (tmp_path / copy).mkdir()
        found.append(Branch(copy=copy, folder=os.fsencode(tmp_path / copy)))
    return found


@pytest.fixture
def full(monkeypatch):
    """Make writes to files whose path holds one of these words fail."""
    words = set()

    def step(kind, path):
        if kind in {"write", "fsync"} and any(word in path for word in words):
            raise OSError(errno.ENOSPC, "No space left on device")

    durable.observe(step)
    yield words
    durable.observe(None)


def test_both_get_the_same(branches):
    fan = Fan(branches, "image.raw", digest=True)
    fan.write(memoryview(b"abc" * 5000))
    fan.sync()
    fan.write(memoryview(b"d"))
    assert fan.finish().size == 15001
    assert {content(one.part("image.raw")) for one in branches} == {b"abc" * 5000 + b"d"}


def test_one_that_fails_is_left_out(branches, full):
    fan = Fan(branches, "image.raw", digest=True)
    fan.write(memoryview(bytes(5000)))
    full.add(b"master")
    fan.sync()
    fan.write(memoryview(bytes(10)))
    done = fan.finish()
    assert isinstance(branches[0].error, StorageError)
    assert branches[1].error is None
    assert done.size == os.path.getsize(branches[1].part("image.raw")) == 5010


def test_the_last_one_raises(branches, full):
    fan = Fan(branches, "image.raw")
    fan.write(memoryview(bytes(5000)))
    full.update({b"master", b"second"})
    with pytest.raises(StorageError, match="No space left"):
        fan.sync()
    fan.close()


def test_a_copy_that_cannot_be_begun(branches, tmp_path):
    os.rmdir(branches[0].folder)
    fan = Fan(branches, "image.raw")
    assert branches[0].error is not None
    fan.close()
    os.unlink(branches[1].part("image.raw"))
    os.rmdir(branches[1].folder)
    with pytest.raises(StorageError):
        Fan(branches, "image.raw")


def test_going_on_digests_the_whole(branches):
    import hashlib

    with Fan_of(branches, b"x" * 9001) as fan:
        fan.sync()
    again = Fan(branches, "image.E01", digest=True, at=9001)
    again.write(memoryview(b"y" * 100))
    assert again.finish().sha256 == hashlib.sha256(b"x" * 9001 + b"y" * 100).hexdigest()


class Fan_of:
    def __init__(self, branches, data):
        self.fan = Fan(branches, "image.E01", digest=True)
        self.fan.write(memoryview(data))

    def __enter__(self):
        return self.fan

    def __exit__(self, *_):
        self.fan.close()


def test_a_file_that_is_shorter_than_it_was_costs_its_copy(branches):
    with Fan_of(branches, bytes(9001)) as fan:
        fan.sync()
    os.truncate(branches[1].part("image.E01"), 9000)
    again = Fan(branches, "image.E01", at=9001)
    again.close()
    assert "9000 bytes" in branches[1].error.message
    assert branches[0].error is None


def test_names_of_parts_are_durable_before_anything_says_so(branches):
    seen = []
    durable.observe(lambda kind, path: seen.append((kind, path)))
    try:
        with Fan_of(branches, bytes(5000)) as fan:
            fan.sync()
            fan.sync()
    finally:
        durable.observe(None)
    for branch in branches:
        assert seen.count(("dirsync", branch.folder)) == 1


def test_names_are_given_in_order_and_after_any_stop(branches):
    branch = branches[0]
    names = ["image.E02", "image.E01"]
    for stop in range(20):
        for name in os.listdir(branch.folder):
            os.unlink(os.path.join(branch.folder, name))
        for name in names:
            with open(branch.part(name), "wb") as handle:
                handle.write(name.encode())
        count = iter(range(stop))

        def step(*_, count=count):
            if next(count, None) is None:
                raise KeyboardInterrupt

        durable.observe(step)
        try:
            name_all(branch, names)
            stopped = False
        except KeyboardInterrupt:
            stopped = True
        finally:
            durable.observe(None)
        assert content(branch.now("image.E01")) == b"image.E01"
        name_all(branch, names)
        assert sorted(os.listdir(branch.folder)) == [b"image.E01", b"image.E02"]
        assert content(branch.path("image.E02")) == b"image.E02"
        if not stopped:
            break
    assert 5 < stop < 19


def test_a_name_of_somebody_else_is_never_taken(branches):
    branch = branches[0]
    for path, data in ((branch.part("image.raw"), b"new"), (branch.path("image.raw"), b"evidence")):
        with open(path, "wb") as handle:
            handle.write(data)
    with pytest.raises(RefusedError):
        name_all(branch, ["image.raw"])
    assert content(branch.path("image.raw")) == b"evidence"
    with pytest.raises(RefusedError):
        write_small(branch.folder, b"image.raw", b"EVIDENCE")
    write_small(branch.folder, b"image.raw", b"evidence")  # the same is there: done before


def test_cutting_and_removing(branches):
    for branch in branches:
        for name in ("a", "b"):
            with open(branch.part(name), "wb") as handle:
                handle.write(bytes(100))
    cut_all(branches, ["a", "b", "not there"], {"a": 40, "b": 500})
    assert [os.path.getsize(branches[1].part(name)) for name in "ab"] == [40, 100]
    remove_all(branches[0], ["a", "b", "c"])
    assert os.listdir(branches[0].folder) == []


@pytest.mark.parametrize(
    "value",
    [
        {}, {"name": "../x", "size": 1, "sha256": None}, {"name": "image.raw", "size": -1},
        {"name": "image.raw", "size": True}, {"name": "image.raw", "size": 1, "sha256": "x"},
        {"name": 3, "size": 1}, {"name": "journal.json", "size": 1},
        {"name": "image.a/b", "size": 1},
    ],
)  # fmt: skip
def test_a_malformed_file_of_a_journal(value):
    with pytest.raises(InputError):
        Written.from_json(value)
