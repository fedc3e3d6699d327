from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from evkit.core.errors import InputError
from evkit.hashing import piecefile, pieces
from evkit.hashing.pieces import BLOCK, EMPTY_ROOT, GROUP_BYTES, PieceHasher, locate

MIB = GROUP_BYTES
SIZES = [
    0,
    1,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    3 * BLOCK,
    MIB - 1,
    MIB,
    MIB + 1,
    3 * MIB + 7 * BLOCK + 5,
]


def naive_root(hashes):
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


def naive(data):
    return naive_root(
        [hashlib.sha256(b"\0" + data[i : i + BLOCK]).digest() for i in range(0, len(data), BLOCK)]
    )


def tree(data, *, block_nodes=False):
    hasher = PieceHasher(block_nodes=block_nodes)
    hasher.update(data)
    return hasher.finish()


@pytest.mark.parametrize("size", SIZES)
def test_root_is_that_of_rfc_6962(size):
    data = os.urandom(size)
    result = tree(data)
    assert result.root == naive(data)
    assert result.size == size
    assert len(result.nodes) == 32 * (-(-size // MIB))


def test_empty():
    assert tree(b"").root == EMPTY_ROOT
    assert tree(b"").fields() == {
        "algorithm": "rfc6962-sha256-16384",
        "size": 0,
        "root": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }


@pytest.mark.parametrize("step", [1, 1000, BLOCK, MIB - 1, MIB, MIB + 1, 2 * MIB])
def test_parts_of_any_length_give_the_same_tree(step):
    data = os.urandom(2 * MIB + 3 * BLOCK + 100) if step > 1 else os.urandom(BLOCK + 3)
    hasher = PieceHasher(block_nodes=True)
    for start in range(0, len(data), step):
        hasher.update(data[start : start + step])
    assert hasher.finish() == tree(data, block_nodes=True)


def test_threads_hash_groups_in_any_order():
    data = memoryview(os.urandom(5 * MIB + 17))
    parts = [data[i : i + MIB] for i in range(0, len(data), MIB)]
    with ThreadPoolExecutor(3) as pool:
        nodes = b"".join(pool.map(pieces.group_node, parts))
    assert nodes == pieces.hash_groups(data)
    assert pieces.tree_from_nodes(len(data), nodes) == tree(data)


def test_nodes_must_belong_to_the_size():
    nodes = tree(os.urandom(2 * MIB)).nodes
    for size in (MIB, 2 * MIB + 1, -1, 0, 2**53):
        with pytest.raises(InputError):
            pieces.tree_from_nodes(size, nodes)
    with pytest.raises(InputError, match="do not give"):
        pieces.tree_from_nodes(2 * MIB, nodes, bytes(32 * 128))


def test_locate_to_the_mib_and_to_the_block():
    data = bytearray(os.urandom(6 * MIB + 5))
    before = tree(data, block_nodes=True)
    data[MIB + 3 * BLOCK] ^= 1
    data[2 * MIB] ^= 1
    data[-1] ^= 1
    after = tree(data, block_nodes=True)
    assert locate(before, before) == []
    assert locate(before, after) == [
        (MIB + 3 * BLOCK, BLOCK), (2 * MIB, BLOCK), (6 * MIB, 5),
    ]  # fmt: skip
    assert locate(before, tree(data)) == [(MIB, 2 * MIB), (6 * MIB, 5)]


def test_locate_in_contents_of_different_length():
    data = os.urandom(3 * MIB)
    assert locate(tree(data), tree(data[: MIB + 5])) == [(MIB, 2 * MIB)]
    assert locate(tree(data[:MIB]), tree(data)) == [(MIB, 2 * MIB)]
    assert locate(tree(b""), tree(b"x")) == [(0, 1)]


def test_fields_are_read_strictly():
    fields = tree(b"abc").fields()
    assert pieces.read_fields(fields) == (3, tree(b"abc").root)
    bad = [
        {**fields, "size": True}, {**fields, "size": "3"}, {**fields, "size": -1},
        {**fields, "size": 2**53}, {**fields, "root": str(fields["root"]).upper()},
        {**fields, "root": "00"}, {**fields, "algorithm": "sha256"}, {**fields, "more": 1},
        {"algorithm": fields["algorithm"], "root": fields["root"]},
    ]  # fmt: skip
    for wrong in bad:
        with pytest.raises(InputError):
            pieces.read_fields(wrong)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("block_nodes", [False, True])
def test_file_round_trip(tmp_path, size, block_nodes):
    made = tree(os.urandom(size), block_nodes=block_nodes)
    path = os.fsencode(tmp_path / "p")
    data = piecefile.write_pieces(path, made)
    assert piecefile.read_pieces(path) == made
    assert piecefile.encode(piecefile.decode(data)) == data


def test_every_flipped_bit_and_every_cut_is_noticed():
    data = piecefile.encode(tree(os.urandom(MIB + BLOCK), block_nodes=False))
    for position in range(len(data)):
        for bit in range(8):
            wrong = bytearray(data)
            wrong[position] ^= 1 << bit
            with pytest.raises(InputError):
                piecefile.decode(bytes(wrong))
    for length in range(len(data)):
        with pytest.raises(InputError):
            piecefile.decode(data[:length])
    with pytest.raises(InputError):
        piecefile.decode(data + b"\0")


def test_a_forged_file_with_a_fresh_checksum_is_noticed():
    data = bytearray(piecefile.encode(tree(os.urandom(2 * MIB), block_nodes=True)))
    for position in (20, 40, 70, 64 + 64 + 5):  # size, root, node, block hash
        wrong = bytearray(data)
        wrong[position] ^= 1
        wrong[-32:] = hashlib.sha256(wrong[:-32]).digest()
        with pytest.raises(InputError):
            piecefile.decode(bytes(wrong))


def test_the_cap_and_the_name_are_in_the_error(tmp_path):
    path = os.fsencode(tmp_path / "p")
    piecefile.write_pieces(path, tree(b"abc"))
    with pytest.raises(InputError, match="over the limit") as caught:
        piecefile.read_pieces(path, max_bytes=50)
    assert caught.value.details["file"].endswith("p")
