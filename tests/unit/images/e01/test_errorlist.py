"""Unread bytes as sectors of 32 bits."""

from __future__ import annotations

import pytest

from evkit.images.e01.errorlist import to_sectors
from evkit.images.e01.plan import Medium

FOUR_TIB = Medium(size=4 << 40)
EDGE = 2**32 * 512  # first byte that no sector of 32 bits names


@pytest.mark.parametrize(
    ("unread", "entries", "unsaid"),
    [
        ([], [], 0),
        ([(511, 2)], [(0, 2)], 0),
        ([(1024, 512), (0, 512)], [(0, 1), (2, 1)], 0),
        ([(0, 600), (700, 1)], [(0, 2)], 0),
        ([(0, 5120), (512, 1)], [(0, 10)], 0),
        ([(EDGE - 512, 512)], [(2**32 - 1, 1)], 0),
        ([(EDGE - 512, 1024)], [(2**32 - 1, 1)], 1),
        ([(EDGE, 512)], [], 1),
        ([(0, 4 << 40)], [(0, 2**32 - 1)], 2**33 - 2**32 + 1),
        ([(0, 512), (EDGE + 1024, 1)], [(0, 1)], 1),
    ],
)
def test_ranges(unread, entries, unsaid):
    assert to_sectors(unread, FOUR_TIB, 100) == (entries, unsaid)


def test_sectors_of_4096_bytes():
    medium = Medium(size=16 << 40, sector_size=4096)
    assert to_sectors([(EDGE, 1)], medium, 9) == ([(2**29, 1)], 0)


def test_room_for_some():
    unread = [(n * 1024, 512) for n in range(5)]
    assert to_sectors(unread, FOUR_TIB, 3) == ([(0, 1), (2, 1), (4, 1)], 2)
    assert to_sectors(unread, FOUR_TIB, 0) == ([], 5)


def test_ranges_that_are_none():
    for wrong in ((0, 0), (-1, 2), (4 << 40, 1), (0, (4 << 40) + 1)):
        with pytest.raises(ValueError, match="no range"):
            to_sectors([wrong], FOUR_TIB, 1)
