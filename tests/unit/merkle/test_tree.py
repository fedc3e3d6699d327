"""`evkit.merkle.tree`: published roots, and what is refused."""

from __future__ import annotations

import json

import pytest

from evkit.core.errors import InputError
from evkit.merkle import tree


@pytest.fixture(scope="module")
def published(vectors):
    return json.loads((vectors / "merkle" / "rfc6962-roots.json").read_text())


def _leaves(published):
    return [tree.leaf_hash(bytes.fromhex(text)) for text in published["leaf_inputs_hex"]]


def test_roots_of_sizes_0_to_8(published):
    leaves = _leaves(published)
    frontier = tree.Frontier()
    assert len(published["root_by_tree_size_hex"]) == 9
    for size in range(9):
        expected = published["root_by_tree_size_hex"][str(size)]
        assert tree.root(leaves[:size]).hex() == expected
        assert tree.root_from_reader(size, tree.Subtrees(leaves)).hex() == expected
        assert frontier.root().hex() == expected
        if size < 8:
            frontier.append(leaves[size])


def test_nodes_by_level(published):
    reader = tree.Subtrees(_leaves(published))
    for level, row in enumerate(published["node_hashes_hex_by_level"]):
        assert [reader(level, index).hex() for index in range(len(row))] == row


def test_leaf_and_node_are_kept_apart():
    left, right = tree.leaf_hash(b"l"), tree.leaf_hash(b"r")
    assert tree.node_hash(left, right) != tree.leaf_hash(left + right)


@pytest.mark.parametrize("bad", [b"", b"x" * 31, b"x" * 33, "x" * 32, bytearray(32), None, 7])
def test_hashes_of_a_wrong_length_or_type_are_refused(bad):
    good = tree.leaf_hash(b"")
    with pytest.raises(InputError):
        tree.root([good, bad])
    with pytest.raises(InputError):
        tree.Frontier().append(bad)
    with pytest.raises(InputError):
        tree.Subtrees([bad])
    with pytest.raises(InputError):
        tree.Subtrees().append(bad)
    with pytest.raises(InputError):
        tree.root_from_reader(1, lambda _level, _index: bad)


@pytest.mark.parametrize("bad", [-1, True, 1.0, "1", "٤", None, 2**63])
def test_sizes_are_plain_integers_in_range(bad):
    reader = tree.Subtrees([tree.leaf_hash(b"")])
    with pytest.raises(InputError):
        tree.root_from_reader(bad, reader)
    with pytest.raises(InputError):
        tree.Frontier.restore(bad, [])


def test_subtrees_append_gives_what_building_gives():
    leaves = [tree.leaf_hash(bytes([number])) for number in range(70)]
    grown = tree.Subtrees()
    for size, leaf in enumerate(leaves, start=1):
        grown.append(leaf)
        assert grown.size == size
        assert grown._levels == tree.Subtrees(leaves[:size])._levels
    assert grown.leaves() == tuple(leaves)


@pytest.mark.parametrize(("level", "index"), [(-1, 0), (0, -1), (0, 5), (1, 2), (2, 1), (3, 0)])
def test_an_incomplete_subtree_is_refused(level, index):
    reader = tree.Subtrees([tree.leaf_hash(b"")] * 5)
    with pytest.raises(InputError, match="no complete subtree"):
        reader(level, index)


def test_frontier_takes_subtrees_and_can_be_restored():
    leaves = [tree.leaf_hash(bytes([number])) for number in range(13)]
    reader = tree.Subtrees(leaves)
    frontier = tree.Frontier()
    frontier.append_subtree(3, reader(3, 0))
    frontier.append_subtree(2, reader(2, 2))
    assert frontier.root() == tree.root(leaves[:12])
    again = tree.Frontier.restore(frontier.size, frontier.hashes)
    again.append(leaves[12])
    assert again.size == 13
    assert again.root() == tree.root(leaves)
    with pytest.raises(InputError, match="not a multiple"):
        again.append_subtree(1, reader(1, 0))
    with pytest.raises(InputError, match="edge hashes"):
        tree.Frontier.restore(12, frontier.hashes[:1])


@pytest.mark.parametrize("level", [-1, 63, True, 1.0])
def test_frontier_refuses_an_impossible_level(level):
    with pytest.raises(InputError):
        tree.Frontier().append_subtree(level, tree.EMPTY_ROOT)


def test_frontier_does_not_grow_over_the_largest_size():
    size = 2**63 - 1
    frontier = tree.Frontier.restore(size, [tree.EMPTY_ROOT] * 63)
    with pytest.raises(InputError):
        frontier.append(tree.EMPTY_ROOT)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (1, 3), (2, 5), (4, 3), (-4, 0)])
def test_span_hash_refuses_what_is_no_subtree(start, stop):
    reader = tree.Subtrees([tree.leaf_hash(b"")] * 8)
    with pytest.raises(InputError):
        tree.span_hash(start, stop, reader)
