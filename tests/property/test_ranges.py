"""Ranges against the sets of their members."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from evkit.core.ranges import complement, merge, overlap, total

RANGES = st.lists(st.tuples(st.integers(0, 200), st.integers(-3, 50)), max_size=20)


def members(ranges):
    return {at for offset, length in ranges for at in range(offset, offset + length)}


@given(RANGES)
def test_merged_ranges_have_the_members_once_in_order_and_apart(ranges):
    found = merge(ranges)
    assert members(found) == members(ranges)
    assert total(found) == len(members(ranges))
    assert all(length > 0 for _, length in found)
    assert all(sum(one) < other[0] for one, other in itertools.pairwise(found))
    assert merge(found) == found


@given(RANGES, st.integers(0, 150))
def test_the_complement_is_what_is_left(ranges, size):
    left = complement(merge(ranges), size)
    assert members(left) == set(range(size)) - members(ranges)
    assert left == merge(left)


@given(RANGES, RANGES)
def test_the_overlap_counts_what_lies_in_both(some, others):
    both = members(some) & members(others)
    assert overlap(merge(some), merge(others)) == len(both)
    assert overlap(merge(others), merge(some)) == len(both)
