"""The source that was read before: its length, samples of its content, what it says of itself."""

from __future__ import annotations

import dataclasses
import errno
import os

import pytest

from evkit.acquire import recognise as module
from evkit.acquire.recognise import Compared, identity_changes, recognise
from evkit.acquire.source import Facts, narrowed, open_source
from evkit.core.errors import InputError, RefusedError
from evkit.hashing.pieces import hash_groups

BLOCK = 1 << 20  # small blocks: many of them
SIZE = 40 * BLOCK + 99


@pytest.fixture(scope="module")
def content():
    return os.urandom(SIZE)


@pytest.fixture
def source(tmp_path, content):
    path = tmp_path / "stick.dd"
    path.write_bytes(content)
    opened = open_source(os.fsencode(path))
    yield opened, path
    opened.close()


def nodes_of(content, count):
    return {n: hash_groups(content[n * BLOCK : (n + 1) * BLOCK]) for n in range(count)}


@pytest.mark.parametrize("count", [0, 1, 2, 14, 15, 16, 40])
def test_first_last_and_samples_between(source, content, count):
    opened, _ = source
    done = recognise(opened, SIZE, nodes_of(content, count), BLOCK)
    assert done.equal == min(count, done.equal)
    assert done.equal >= min(count, module.SAMPLES)
    assert done.unread == 0


@pytest.mark.parametrize("place", [0, 29 * BLOCK + BLOCK - 1])
def test_other_content(source, content, place):
    opened, path = source
    with open(path, "r+b") as handle:
        handle.seek(place)
        handle.write(bytes([content[place] ^ 1]))
    with pytest.raises(RefusedError, match=f"differs at byte {place // BLOCK * BLOCK}"):
        recognise(opened, SIZE, nodes_of(content, 30), BLOCK)


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1, 0])
def test_another_length(source, content, size):
    with pytest.raises(RefusedError, match="that had"):
        recognise(source[0], size, nodes_of(content, 3), BLOCK)


def test_a_part_of_a_source(source, content):
    opened = narrowed(source[0], 512, 10 * BLOCK)
    part = content[512 : 512 + 10 * BLOCK]
    assert recognise(opened, 10 * BLOCK, nodes_of(part, 10), BLOCK) == Compared(10, 0)


def test_what_could_not_be_read_then_is_not_compared(source, content, monkeypatch):
    """A piece with a bad sector has zeros in it; the source still fails there."""
    opened, _ = source
    holes = bytearray(content)
    holes[512:1024] = bytes(512)
    fail_at(monkeypatch, [(512, 1024)])
    nodes = nodes_of(bytes(holes), 5)
    assert recognise(opened, SIZE, nodes, BLOCK, [(512, 512)]) == Compared(4, 0)


def test_a_medium_that_fails_further(source, content, monkeypatch):
    opened, _ = source
    fail_at(monkeypatch, [(0, 512)])
    assert recognise(opened, SIZE, nodes_of(content, 5), BLOCK) == Compared(4, 1)
    fail_at(monkeypatch, [(0, SIZE)])
    with pytest.raises(InputError, match="where it could be read before"):
        recognise(opened, SIZE, nodes_of(content, 5), BLOCK)


def fail_at(monkeypatch, ranges):
    real = os.pread

    def preadv(descriptor, views, offset):
        length = sum(map(len, views))
        if any(offset < end and offset + length > start for start, end in ranges):
            raise OSError(errno.EIO, "Input/output error")
        data = real(descriptor, length, offset)
        views[0][: len(data)] = data
        return len(data)

    monkeypatch.setattr(module.os, "preadv", preadv)


def test_identity():
    facts = Facts(
        path=b"x", kind="block", size=1, identity={"serial": "2", "model": "M", "name": "sdb"}
    )
    before = {"serial": "1", "model": "M", "name": "sda", "firmware": "9"}
    assert identity_changes(before, facts) == ["its serial was 1 and is 2"]
    assert identity_changes({}, facts) == []
    assert identity_changes(before, dataclasses.replace(facts, identity={})) == []


@pytest.mark.parametrize(
    ("ranges", "wanted"),
    [
        ([], []),
        ([(1, 2 * BLOCK - 2)], []),
        ([(0, BLOCK)], [0]),
        ([(1, 2 * BLOCK - 1), (3 * BLOCK, BLOCK), (SIZE - 98, 98)], [1, 3]),
        ([(SIZE - 99, 99)], [40]),
        ([(BLOCK - 1, 3 * BLOCK)], [1, 2]),
    ],
)
def test_pieces_that_lie_whole_in_ranges(ranges, wanted):
    assert module.choose(ranges, SIZE) == wanted


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 40, 1 << 30])
def test_no_more_pieces_than_are_compared(count):
    size = count * BLOCK
    found = module.choose([(0, size)], size)
    assert (found[0], found[-1]) == (0, count - 1)
    assert len(found) == len(set(found)) == min(count, module.SAMPLES + 2)
