"""`evkit.merkle.proof`: the 196 published cases, and the number of hashes that a proof costs."""

from __future__ import annotations

import base64
import json

import pytest

from evkit.core.errors import InputError
from evkit.merkle import proof, tree


def _cases(folder):
    files = sorted(folder.rglob("*.json"))
    assert len(files) == 98
    for path in files:
        yield path.relative_to(folder), json.loads(path.read_text())


def _hashes(texts):
    return [base64.b64decode(text, validate=True) for text in texts or []]


def test_published_inclusion_cases(vectors):
    for name, case in _cases(vectors / "merkle" / "inclusion"):
        leaf, root = _hashes([case["leafHash"], case["root"]])
        accepted = proof.verify_inclusion(
            case["leafIdx"], case["treeSize"], leaf, _hashes(case["proof"]), root
        )
        assert accepted is not case["wantErr"], name


def test_published_consistency_cases(vectors):
    for name, case in _cases(vectors / "merkle" / "consistency"):
        old_root, new_root = _hashes([case["root1"], case["root2"]])
        accepted = proof.verify_consistency(
            case["size1"], case["size2"], old_root, new_root, _hashes(case["proof"])
        )
        assert accepted is not case["wantErr"], name


class Counting:
    """A reader that counts what is asked of it; its tree has any size."""

    def __init__(self):
        self.asked = 0

    def __call__(self, level, index):
        self.asked += 1
        return tree.leaf_hash(b"%d/%d" % (level, index))


@pytest.mark.parametrize("size", [10_000, 2**20 - 1, 2**40 + 12345, 2**63 - 1])
def test_a_proof_costs_logarithmically_many_hashes(size):
    most = size.bit_length()
    for index in (0, 1, size // 3, size // 2, size - 1):
        reader = Counting()
        path = proof.inclusion_proof(index, size, reader)
        assert len(path) <= most
        assert reader.asked <= 2 * most
    for old in (1, 2, size // 3, size // 2, size - 1, size):
        reader = Counting()
        path = proof.consistency_proof(old, size, reader)
        assert len(path) <= most + 1
        assert reader.asked <= 3 * most


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5), (True, 5), (0, 2**63)])
def test_no_inclusion_proof_outside_the_tree(index, size):
    with pytest.raises(InputError):
        proof.inclusion_proof(index, size, Counting())


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5), (1, 2**63), (1.0, 5)])
def test_no_consistency_proof_from_nothing_or_backwards(old, new):
    with pytest.raises(InputError):
        proof.consistency_proof(old, new, Counting())


def _tree(size):
    leaves = [tree.leaf_hash(bytes([number])) for number in range(size)]
    return leaves, tree.Subtrees(leaves), tree.root(leaves)


def test_checking_never_raises_and_malformed_is_false():
    leaves, reader, root = _tree(7)
    path = proof.inclusion_proof(3, 7, reader)
    old_root, link = tree.root(leaves[:3]), proof.consistency_proof(3, 7, reader)
    assert proof.verify_inclusion(3, 7, leaves[3], path, root)
    assert proof.verify_consistency(3, 7, old_root, root, link)
    for bad in (None, 3.0, "3", True, -3, 2**63, 2**70):
        assert not proof.verify_inclusion(bad, 7, leaves[3], path, root)
        assert not proof.verify_inclusion(3, bad, leaves[3], path, root)
        assert not proof.verify_consistency(bad, 7, old_root, root, link)
        assert not proof.verify_consistency(3, bad, old_root, root, link)
    for bad in (None, b"", root[:31], root + b"\0", "x" * 32, 5):
        assert not proof.verify_inclusion(3, 7, bad, path, root)
        assert not proof.verify_inclusion(3, 7, leaves[3], path, bad)
        assert not proof.verify_inclusion(3, 7, leaves[3], bad, root)
        assert not proof.verify_inclusion(3, 7, leaves[3], [bad, *path[1:]], root)
        assert not proof.verify_consistency(3, 7, bad, root, link)
        assert not proof.verify_consistency(3, 7, old_root, bad, link)
        assert not proof.verify_consistency(3, 7, old_root, root, bad)
        assert not proof.verify_consistency(3, 7, old_root, root, [*link[:-1], bad])


def test_a_proof_from_size_0_says_nothing():
    _, _, root = _tree(4)
    assert not proof.verify_consistency(0, 4, tree.EMPTY_ROOT, root, [])
    assert not proof.verify_consistency(0, 0, tree.EMPTY_ROOT, tree.EMPTY_ROOT, [])


def test_an_inner_node_is_not_taken_for_a_leaf():
    leaves, reader, root = _tree(8)
    inner = tree.node_hash(leaves[0], leaves[1])
    path = proof.inclusion_proof(0, 8, reader)
    assert not proof.verify_inclusion(0, 8, inner, path[1:], root)
    assert proof.verify_inclusion(0, 4, inner, path[1:], root)  # hence the size must be signed too
