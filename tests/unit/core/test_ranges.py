"""Ranges that touch, overlap, are empty or reach past the end."""

from __future__ import annotations

from evkit.core.ranges import complement, merge, overlap, total


def test_ranges_that_touch_or_overlap_are_one_and_empty_ones_are_none():
    assert merge([(10, 5), (0, 3), (15, 1), (2, 4), (30, 0), (40, -1)]) == [(0, 6), (10, 6)]
    assert merge([(0, 10), (2, 3)]) == [(0, 10)]
    assert merge([]) == []


def test_lengths():
    assert total([(0, 6), (10, 6)]) == 12
    assert overlap([(0, 6), (10, 6)], [(5, 6), (15, 100)]) == 3


def test_what_is_left_ends_with_the_whole():
    assert complement([(2, 3), (8, 1)], 10) == [(0, 2), (5, 3), (9, 1)]
    assert complement([(2, 3), (20, 5)], 10) == [(0, 2), (5, 5)]
    assert complement([(0, 30)], 10) == []
    assert complement([], 0) == []
