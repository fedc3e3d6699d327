"""The Merkle code against a model that follows the text of RFC 6962 section 2.1, recursively."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from evkit.merkle import proof, ranges, tiles, tree


def naive_root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = _cut(len(leaves))
    return hashlib.sha256(b"\1" + naive_root(leaves[:cut]) + naive_root(leaves[cut:])).digest()


def _cut(count):
    cut = 1
    while cut * 2 < count:
        cut *= 2
    return cut


def naive_path(index, leaves):
    if len(leaves) == 1:
        return []
    cut = _cut(len(leaves))
    if index < cut:
        return [*naive_path(index, leaves[:cut]), naive_root(leaves[cut:])]
    return [*naive_path(index - cut, leaves[cut:]), naive_root(leaves[:cut])]


def naive_subproof(old, leaves, *, whole):
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    cut = _cut(len(leaves))
    if old <= cut:
        return [*naive_subproof(old, leaves[:cut], whole=whole), naive_root(leaves[cut:])]
    return [*naive_subproof(old - cut, leaves[cut:], whole=False), naive_root(leaves[:cut])]


def naive_range(start, stop, leaves):
    if start <= 0 and stop >= len(leaves):
        return []
    if stop <= 0 or start >= len(leaves):
        return [naive_root(leaves)]
    cut = _cut(len(leaves))
    right = naive_range(start - cut, stop - cut, leaves[cut:])
    return naive_range(start, stop, leaves[:cut]) + right


LEAVES = [hashlib.sha256(b"\0leaf %d" % number).digest() for number in range(300)]
sizes = st.integers(min_value=1, max_value=len(LEAVES))


@st.composite
def ordered(draw, count):
    """`count` integers in rising order from 0 to the number of leaves; the last is at least 1."""
    last = draw(sizes)
    rest = draw(st.lists(st.integers(0, last), min_size=count - 1, max_size=count - 1))
    return [*sorted(rest), last]


@given(st.integers(0, len(LEAVES)))
def test_roots(size):
    expected = naive_root(LEAVES[:size])
    frontier = tree.Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert tree.root(LEAVES[:size]) == expected
    assert frontier.root() == expected
    assert tree.Frontier.restore(size, frontier.hashes).root() == expected
    assert tree.root_from_reader(size, tree.Subtrees(LEAVES)) == expected


@given(ordered(2))
def test_inclusion(numbers):
    index, size = numbers
    index = min(index, size - 1)
    path = proof.inclusion_proof(index, size, tree.Subtrees(LEAVES))
    assert path == naive_path(index, LEAVES[:size])
    assert proof.verify_inclusion(index, size, LEAVES[index], path, naive_root(LEAVES[:size]))


@given(ordered(2))
def test_consistency(numbers):
    old, new = max(numbers[0], 1), numbers[1]
    path = proof.consistency_proof(old, new, tree.Subtrees(LEAVES))
    assert path == naive_subproof(old, LEAVES[:new], whole=True)
    roots = naive_root(LEAVES[:old]), naive_root(LEAVES[:new])
    assert proof.verify_consistency(old, new, *roots, path)


@given(ordered(3))
def test_ranges(numbers):
    start, stop, size = numbers
    start, stop = min(start, size - 1), max(stop, min(start, size - 1) + 1)
    path = ranges.range_proof(start, stop, size, tree.Subtrees(LEAVES))
    assert path == naive_range(start, stop, LEAVES[:size])
    inside = LEAVES[start:stop]
    assert ranges.verify_range(start, stop, size, inside, path, naive_root(LEAVES[:size]))


@st.composite
def mutation(draw):
    """A function that changes a list of hashes: one bit, a lost, doubled, added or moved item."""
    kind = draw(st.sampled_from(["flip", "drop", "double", "add", "swap", "cut", "empty"]))
    place = draw(st.integers(0, 1000))
    bit = draw(st.integers(0, 255))

    def change(items):
        made = list(items)
        if kind == "add" or not made:
            made.insert(place % (len(made) + 1), LEAVES[place % len(LEAVES)])
            return made
        at = place % len(made)
        if kind == "flip":
            value = int.from_bytes(made[at], "big") ^ (1 << bit)
            made[at] = value.to_bytes(32, "big")
        elif kind == "drop":
            del made[at]
        elif kind == "double":
            made.insert(at, made[at])
        elif kind == "swap":
            made[at], made[at - 1] = made[at - 1], made[at]
        elif kind == "cut":
            made[at] = made[at][:31]
        else:
            made = []
        return made

    return change


@given(ordered(2), mutation())
def test_mutated_inclusion_proofs_are_rejected(numbers, change):
    index, size = min(numbers[0], numbers[1] - 1), numbers[1]
    path = naive_path(index, LEAVES[:size])
    root = naive_root(LEAVES[:size])
    changed = change(path)
    if changed != path:
        assert not proof.verify_inclusion(index, size, LEAVES[index], changed, root)
    for wrong in change([root])[:1]:
        accepted = proof.verify_inclusion(index, size, LEAVES[index], path, wrong)
        assert accepted is (wrong == root)
    other = LEAVES[index - 1] if size > 1 else LEAVES[1]
    assert not proof.verify_inclusion(index, size, other, path, root)


@given(ordered(2), st.integers(0, 320))
def test_an_inclusion_proof_holds_at_one_index_only(numbers, other):
    index, size = min(numbers[0], numbers[1] - 1), numbers[1]
    path = naive_path(index, LEAVES[:size])
    accepted = proof.verify_inclusion(other, size, LEAVES[index], path, naive_root(LEAVES[:size]))
    assert accepted is (other == index)


@given(ordered(2), mutation())
def test_mutated_consistency_proofs_are_rejected(numbers, change):
    old, new = max(numbers[0], 1), numbers[1]
    path = naive_subproof(old, LEAVES[:new], whole=True)
    old_root, new_root = naive_root(LEAVES[:old]), naive_root(LEAVES[:new])
    changed = change(path)
    if changed != path:
        assert not proof.verify_consistency(old, new, old_root, new_root, changed)
    if old != new:
        assert not proof.verify_consistency(old, new, new_root, old_root, path)
        assert not proof.verify_consistency(old, new, old_root, old_root, path)
        assert not proof.verify_consistency(new, old, old_root, new_root, path)


@given(ordered(3), mutation())
def test_mutated_range_proofs_are_rejected(numbers, change):
    start, stop, size = numbers
    start, stop = min(start, size - 1), max(stop, min(start, size - 1) + 1)
    path = naive_range(start, stop, LEAVES[:size])
    root, inside = naive_root(LEAVES[:size]), LEAVES[start:stop]
    changed = change(path)
    if changed != path:
        assert not ranges.verify_range(start, stop, size, inside, changed, root)
    changed = change(inside)
    if changed != inside:
        assert not ranges.verify_range(start, stop, size, changed, path, root)


@given(ordered(3), ordered(3))
def test_a_range_proof_holds_for_one_range_only(first, second):
    start, stop, size = first
    start, stop = min(start, size - 1), max(stop, min(start, size - 1) + 1)
    path = naive_range(start, stop, LEAVES[:size])
    low, high, _ = second
    accepted = ranges.verify_range(
        low, high, size, LEAVES[start:stop], path, naive_root(LEAVES[:size])
    )
    assert accepted is ((low, high) == (start, stop))


@given(st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_tile_paths_round_trip(level, index, width):
    path = tiles.tile_path(level, index, width)
    assert tiles.parse_tile_path(path) == (level, index, width)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20), st.integers(0, 10**6))
def test_entry_bundles_round_trip_and_a_cut_is_seen(entries, place):
    bundle = tiles.entry_bundle(entries)
    assert tiles.parse_entry_bundle(bundle, len(entries)) == entries
    cut = bundle[: place % len(bundle)]
    try:
        tiles.parse_entry_bundle(cut, len(entries))
    except tiles.InputError:
        return
    raise AssertionError("a bundle that is cut short was accepted")
