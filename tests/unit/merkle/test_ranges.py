"""`evkit.merkle.ranges`: cost, and malformed input."""

from __future__ import annotations

import pytest

from evkit.core.errors import InputError
from evkit.merkle import proof, ranges, tree


def _tree(size):
    leaves = [tree.leaf_hash(bytes([number])) for number in range(size)]
    return leaves, tree.Subtrees(leaves), tree.root(leaves)


def test_the_whole_tree_needs_no_proof():
    leaves, reader, root = _tree(11)
    assert ranges.range_proof(0, 11, 11, reader) == []
    assert ranges.verify_range(0, 11, 11, leaves, [], root)


def test_a_range_of_one_has_the_hashes_of_an_inclusion_proof():
    leaves, reader, _ = _tree(11)
    for index in range(11):
        one = ranges.range_proof(index, index + 1, 11, reader)
        assert sorted(one) == sorted(proof.inclusion_proof(index, 11, reader))
        assert ranges.root_from_range(index, index + 1, 11, [leaves[index]], one) is not None


def test_order_is_left_to_right():
    leaves, reader, _ = _tree(4)
    assert ranges.range_proof(1, 2, 4, reader) == [leaves[0], reader(1, 1)]
    assert ranges.range_proof(1, 3, 4, reader) == [leaves[0], leaves[3]]


def test_cost_is_logarithmic():
    asked = []

    def reader(level, index):
        asked.append((level, index))
        return tree.leaf_hash(b"%d/%d" % (level, index))

    size = 2**40 + 54321
    path = ranges.range_proof(2**33 + 7, 2**39 + 11, size, reader)
    assert len(path) <= 2 * 41
    assert len(asked) <= 3 * 41


@pytest.mark.parametrize(
    ("start", "stop", "size"),
    [(0, 0, 0), (0, 0, 4), (2, 2, 4), (3, 2, 4), (0, 5, 4), (-1, 2, 4), (False, 2, 4), (0, 1.0, 4)],
)
def test_impossible_ranges(start, stop, size):
    leaves, reader, root = _tree(4)
    with pytest.raises(InputError):
        ranges.range_proof(start, stop, size, reader)
    assert not ranges.verify_range(start, stop, size, leaves[:2], leaves[2:], root)


def test_malformed_values_are_false():
    leaves, reader, root = _tree(9)
    path = ranges.range_proof(3, 6, 9, reader)
    inside = leaves[3:6]
    assert ranges.verify_range(3, 6, 9, inside, path, root)
    for bad in (None, b"x", "x" * 32, 5):
        assert not ranges.verify_range(3, 6, 9, bad, path, root)
        assert not ranges.verify_range(3, 6, 9, inside, bad, root)
        assert not ranges.verify_range(3, 6, 9, inside, path, bad)
        assert not ranges.verify_range(3, 6, 9, [*inside[:2], bad], path, root)
        assert not ranges.verify_range(3, 6, 9, inside, [*path[:-1], bad], root)
    assert not ranges.verify_range(3, 6, 9, inside, path[:-1], root)
    assert not ranges.verify_range(3, 6, 9, inside, [*path, path[0]], root)
    assert not ranges.verify_range(3, 6, 9, inside[:2], path, root)
    assert not ranges.verify_range(3, 6, 9, [*inside, inside[0]], path, root)
