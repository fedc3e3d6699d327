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


def _spelled(picked):
    found = []
    for leaf in picked:
        if found and found[-1][1] == leaf:
            found[-1] = (found[-1][0], leaf + 1)
        else:
            found.append((leaf, leaf + 1))
    return found


@pytest.mark.parametrize("size", [1, 2, 7, 11])
def test_every_set_of_leaves_has_a_proof_and_passing_leaves_make_the_same(size):
    leaves = [tree.leaf_hash(bytes([number])) for number in range(size)]
    reader, root = tree.Subtrees(leaves), tree.root(leaves)
    for bits in range(1, 1 << size):
        picked = [leaf for leaf in range(size) if bits >> leaf & 1]
        spans = _spelled(picked)
        made = ranges.ranges_proof(spans, size, reader)
        chosen = [leaves[leaf] for leaf in picked]
        assert ranges.root_from_ranges(spans, size, chosen, made) == root
        passing = ranges.SpanHashes(spans, size)
        for leaf in leaves:
            passing.append(leaf)
        assert passing.proof() == made


def test_leaves_in_other_places_give_another_root():
    leaves = [tree.leaf_hash(bytes([number])) for number in range(11)]
    spans, root = [(1, 2), (4, 6)], tree.root(leaves)
    made = ranges.ranges_proof(spans, 11, tree.Subtrees(leaves))
    chosen = [leaves[1], leaves[4], leaves[5]]
    assert ranges.root_from_ranges(spans, 11, chosen, made) == root
    for other in ([(1, 2), (5, 7)], [(1, 3), (4, 5)], [(0, 1), (4, 6)]):
        assert ranges.root_from_ranges(other, 11, chosen, made) != root
    swapped = [leaves[4], leaves[1], leaves[5]]
    assert ranges.root_from_ranges(spans, 11, swapped, made) != root
    assert ranges.root_from_ranges(spans, 11, chosen, made[:-1]) is None
    assert ranges.root_from_ranges(spans, 11, chosen[:-1], made) is None


@pytest.mark.parametrize(
    "spans", [[], [(0, 0)], [(2, 1)], [(0, 1), (1, 2)], [(4, 5), (1, 2)], [(0, 12)], [(-1, 2)]]
)
def test_one_set_of_leaves_has_one_spelling(spans):
    leaves = [tree.leaf_hash(b"")] * 11
    assert ranges.root_from_ranges(spans, 11, leaves[:1], []) is None
    with pytest.raises(InputError, match="are not in a tree"):
        ranges.ranges_proof(spans, 11, tree.Subtrees(leaves))
    with pytest.raises(InputError):
        ranges.SpanHashes(spans, 11)


def test_too_few_passing_leaves():
    passing = ranges.SpanHashes([(0, 1)], 3)
    passing.append(tree.leaf_hash(b""))
    with pytest.raises(InputError, match="1 leaves passed"):
        passing.proof()


@pytest.mark.parametrize("size", [1023, 1024, 1025, 2049, 5000])
def test_many_passing_leaves_are_folded_on_the_way(size):
    leaves = [tree.leaf_hash(b"%d" % number) for number in range(size)]
    for spans in ([(0, 1)], [(size - 1, size)], [(7, 9), (size // 2, size // 2 + 1)]):
        passing = ranges.SpanHashes(spans, size)
        for leaf in leaves:
            passing.append(leaf)
        assert passing.proof() == ranges.ranges_proof(spans, size, tree.Subtrees(leaves))
