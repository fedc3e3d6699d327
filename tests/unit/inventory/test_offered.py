"""Digesting streams from blocks that pass: exact digests, and never more memory than the window."""

from __future__ import annotations

import hashlib
import random

import pytest

from evkit.inventory import window
from evkit.inventory.offered import Offered
from evkit.inventory.types.filetype import HEAD
from evkit.inventory.window import UNDER_WAY

MIB = 1 << 20


class Heads:
    def __init__(self):
        self.seen = {}

    def give(self, number, head, digest):
        assert number not in self.seen
        self.seen[number] = (head, digest)


def content(image, extents):
    return b"".join(bytes(n) if place < 0 else image[place : place + n] for place, n in extents)


def passed(offered, image, block=MIB):
    for at in range(0, len(image), block):
        offered.write(memoryview(image)[at : at + block])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def image():
    return random.Random(3).randbytes(6 * MIB + 77)


@pytest.mark.parametrize(
    "extents",
    [
        [[0, 10]],
        [[MIB - 5, 2 * MIB]],
        [[100, 5], [200, 5], [4 * MIB, 2 * MIB + 77]],
        [[-1, 3], [100, 5], [-1, 2 * MIB], [200, 5], [-1, 9]],
        [[5 * MIB, 100], [0, 100], [3 * MIB, MIB]],
        [[3 * MIB, MIB], [2 * MIB, MIB], [MIB, MIB], [0, MIB]],
        [[0, MIB], [0, MIB], [10, MIB]],
    ],
)
def test_digests_are_those_of_the_bytes(image, extents):
    heads = Heads()
    offered = Offered(len(image), ("md5", "sha256", "sha512"), heads)
    data = content(image, extents)
    assert offered.offer(extents, len(data)) == 0
    passed(offered, image)
    assert offered.digests(0) == {n: hashlib.new(n, data).hexdigest()
                                  for n in ("md5", "sha256", "sha512")}  # fmt: skip
    small = sha256(data) if len(data) <= HEAD else None
    assert heads.seen == {0: (data[:HEAD], small)}


@pytest.mark.parametrize(
    ("extents", "size"),
    [
        ([], 0),
        ([[-1, 10]], 10),  # zeros alone
        ([[0, 10]], 11),
        ([[0, 10]], 9),
        ([[0, 0], [0, 10]], 10),
        ([[0, -10], [0, 20]], 10),
        ([[-2, 10]], 10),
        ([[6 * MIB, 78]], 78),  # beyond the end
        ([[1 << 60, 10]], 10),
        ([[0, 1 << 62]], 1 << 62),
        ([[0, 1], [-1, (1 << 30) + 1]], (1 << 30) + 2),
        ([[0, 1], [-1, 7 * MIB]], 7 * MIB + 1),  # more zeros than the image has bytes
        ([[0, 1]] * 65537, 65537),
    ],
)
def test_what_cannot_be_digested_is_not_taken(image, extents, size):
    offered = Offered(len(image), ("md5",))
    assert offered.offer(extents, size) == -1
    passed(offered, image)
    assert offered.digests(-1) is None
    assert offered.digests(0) is None


def test_streams_that_share_bytes_are_taken_up_to_twice_the_image(image):
    offered = Offered(len(image), ("md5",), window=1 << 40)
    numbers = [offered.offer([[0, len(image)]], len(image)) for _ in range(4)]
    assert numbers == [0, 1, -1, -1]


def test_extents_are_counted(image):
    offered = Offered(len(image), ("md5",), most=3)
    assert [offered.offer([[0, 1], [5, 1]], 2) for _ in range(2)] == [0, -1]
    assert offered.offer([[0, 1]], 1) == 1
    assert offered.offer([[0, 1]], 1) == -1


def test_nothing_is_taken_once_blocks_pass(image):
    offered = Offered(len(image), ("md5",))
    offered.write(memoryview(image)[:10])
    assert offered.offer([[100, 1]], 1) == -1


def test_only_what_fits_the_window_is_held_back(image):
    back = [[3 * MIB, MIB], [0, 2 * MIB]]  # 2 MiB wait for what comes first
    need = 2 * MIB + HEAD + UNDER_WAY
    for room, fits in ((need, True), (need - 1, False)):
        offered = Offered(len(image), ("sha256",), window=room)
        offered.offer(back, 3 * MIB)
        straight = offered.offer([[5 * MIB, 100]], 100)
        passed(offered, image, block=1000)
        assert (offered.digests(0) is not None) == fits
        assert offered.digests(straight) == {"sha256": sha256(image[5 * MIB : 5 * MIB + 100])}
        assert offered.peak == (2 * MIB if fits else 0)


def test_room_is_given_back(image):
    """Each holds back 1 MiB, one after the other: a window for one is enough for both."""
    offered = Offered(len(image), ("md5",), window=MIB + HEAD + UNDER_WAY)
    for at in (0, 3 * MIB):
        offered.offer([[at + MIB, MIB], [at, MIB]], 2 * MIB)
    passed(offered, image)
    assert None not in (offered.digests(0), offered.digests(1))
    assert offered.peak == MIB


def test_many_streams_that_stay_open_are_bounded(image):
    """Each needs its running digests until the end of the image."""
    room = 100 * (UNDER_WAY + 2)
    offered = Offered(len(image), ("md5",), window=room)
    for number in range(1000):
        offered.offer([[number, 1], [5 * MIB + number, 1]], 2)
    passed(offered, image)
    assert sum(offered.digests(number) is not None for number in range(1000)) == 100


def test_an_image_that_ends_early_gives_no_digest(image):
    offered = Offered(len(image), ("md5",))
    offered.offer([[len(image) - 10, 10]], 10)
    passed(offered, image[:-1])
    assert offered.digests(0) is None


def test_a_million_streams_cost_bounded_memory_and_time():
    places = window.Places(1 << 30)
    numbers = {places.add([[4096 * number, 100]], 100) == number for number in range(100_000)}
    assert numbers == {True}
    assert len(places.order()) == 100_000
