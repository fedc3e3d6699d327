"""Digests from the disk: those of the source, or the place where the disk is not what was read."""

from __future__ import annotations

import hashlib
import os

import pytest

from evkit.acquire import engine
from evkit.acquire.catchup import CatchUp
from evkit.core.errors import InputError
from evkit.hashing.pieces import PieceHasher, hash_groups

BLOCK = 4 << 20
SIZE = 2 * BLOCK + 12345


@pytest.fixture(scope="module")
def data():
    return os.urandom(SIZE)


def tally_of(data, *blocks):
    tally = engine.Tally.fresh(("md5", "sha256"), block_nodes=True)
    for number in blocks:
        leaves = bytearray()
        part = data[number * BLOCK : (number + 1) * BLOCK]
        tally.nodes[number] = hash_groups(part, leaves)
        tally.leaves[number] = bytes(leaves)
    return tally


def test_digests_and_pieces_are_completed(data):
    tally = tally_of(data, 1)
    catch = CatchUp(tally.hashes, 0, BLOCK)
    seen = []
    catch.follow(lambda at, count: data[at : at + count], SIZE, tally, seen.append)
    tally.size = SIZE
    plain = PieceHasher(block_nodes=True)
    plain.update(data)
    outcome = tally.outcome()
    assert outcome.pieces == plain.finish()
    assert outcome.digests["sha256"] == hashlib.sha256(data).hexdigest()
    assert catch.wrong == []
    assert seen == [BLOCK, 2 * BLOCK, SIZE]


def test_what_is_not_what_was_read(data):
    tally = tally_of(data, 0, 1, 2)
    other = bytearray(data)
    other[BLOCK + 7] ^= 1
    other[-1] ^= 1
    catch = CatchUp(tally.hashes, 0, BLOCK)
    catch.follow(lambda at, count: bytes(other[at : at + count]), SIZE, tally)
    assert catch.wrong == [(BLOCK, BLOCK), (2 * BLOCK, 12345)]


def test_an_image_that_ends_early_or_fails_stops_where_it_was(data):
    tally = tally_of(data)
    catch = CatchUp(tally.hashes, 0, BLOCK)
    with pytest.raises(InputError, match=f"ends at byte {BLOCK + 5}"):
        catch.follow(lambda at, count: data[at : min(at + count, BLOCK + 5)], SIZE, tally)
    assert catch.at == BLOCK
    catch.follow(lambda at, count: data[at : at + count], SIZE, tally)  # from another copy
    assert catch.hashes["sha256"].hexdigest() == hashlib.sha256(data).hexdigest()


def test_it_can_be_stopped(data):
    tally = tally_of(data)
    catch = CatchUp(tally.hashes, 0, BLOCK)

    def read(at, count):
        catch.stopped = True
        return data[at : at + count]

    catch.follow(read, SIZE, tally)
    assert catch.at == BLOCK
