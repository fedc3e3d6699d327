"""Proofs of origin: any extents, any damage."""

from __future__ import annotations

import functools
import io
import itertools

import proofkit as kit
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.hashing.pieces import BLOCK
from evkit.manifest import proof as form
from evkit.verify.filecontent import runs_of
from evkit.verify.report import PASS

PLACE = st.integers(0, kit.SIZE - 1).flatmap(
    lambda at: st.tuples(st.just(at), st.integers(1, min(3 * BLOCK, kit.SIZE - at)))
)
EXTENT = PLACE | st.tuples(st.just(-1), st.integers(1, 9000))
RANGES = st.lists(st.tuples(st.integers(0, 99_999), st.integers(1, 40_000)), min_size=1, max_size=9)


@functools.cache
def honest():
    station = kit.Station()
    return station, kit.file_of(station.prove(11)), kit.trusting(station)


@given(st.lists(EXTENT, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_extents_give_a_proof_of_their_content(extents):
    station = kit.Station(extra=kit.file_rows(50, kit.random_bytes(kit.SIZE, 7), extents))
    made, out = kit.file_of(station.prove(50)), io.BytesIO()
    report = kit.check(made, kit.trusting(station), sink=out)
    placed = any(at >= 0 for at, _ in extents)
    assert report.answer("file") == PASS, report.lines()
    assert report.answer("sectors") == (PASS if placed else "UNDECIDED")
    assert out.getvalue() == kit.gather(station.image, extents)


@given(st.lists(st.tuples(st.integers(0, 2**30), st.integers(1, 255)), min_size=1, max_size=5))
@settings(max_examples=80, deadline=None)
def test_no_damage_passes(changes):
    _, data, supplied = honest()
    changed = bytearray(data)
    for at, mask in changes:
        changed[at % len(data)] ^= mask
    if bytes(changed) != data:
        assert kit.check(bytes(changed), supplied).word != PASS


@given(st.binary(max_size=400), st.booleans())
def test_a_reader_of_anything_reads_what_it_would_write_or_refuses(data, magic):
    data = form.MAGIC + data if magic else data
    try:
        proof, at = form.read_proof(io.BytesIO(data))
    except InputError:
        return
    assert form.encode_head(proof) + data[at:] == data


@given(RANGES)
def test_runs_hold_exactly_the_blocks_that_ranges_touch(ranges):
    runs, needed = runs_of(ranges)
    blocks = {block for first, count in runs for block in range(first, first + count)}
    assert blocks == {
        block
        for offset, length in ranges
        for block in range(offset // BLOCK, (offset + length - 1) // BLOCK + 1)
    }
    every = set()
    for offset, length in ranges:
        every.update(range(offset, offset + length))
    assert needed == len(every)
    assert all(sum(a) < b[0] for a, b in itertools.pairwise(runs))
