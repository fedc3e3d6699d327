"""Streams digested from passing blocks have the digests of their bytes, whatever the extents."""

from __future__ import annotations

import hashlib
import os
import random

import inventorykit as kit
import mftkit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.inventory.offered import Offered

ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "4"))
SIZE = 5000
IMAGE = random.Random(11).randbytes(SIZE)
_placed = st.tuples(st.integers(0, SIZE - 1), st.integers(1, 600)).map(
    lambda item: [item[0], min(item[1], SIZE - item[0])]
)
_hole = st.integers(1, 300).map(lambda length: [-1, length])
_stream = st.lists(st.one_of(_placed, _placed, _hole), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.lists(_stream, max_size=12), st.integers(1, 900), st.integers(0, 20_000))
def test_any_extents_in_any_window(streams, block, room):
    data = [b"".join(bytes(n) if p < 0 else IMAGE[p : p + n] for p, n in s) for s in streams]
    narrow, wide = Offered(SIZE, ("sha256",), window=room), Offered(SIZE, ("sha256",))
    numbers = [narrow.offer(s, len(d)) for s, d in zip(streams, data, strict=True)]
    assert numbers == [wide.offer(s, len(d)) for s, d in zip(streams, data, strict=True)]
    for at in range(0, SIZE, block):
        narrow.write(memoryview(IMAGE)[at : at + block])
        wide.write(memoryview(IMAGE)[at : at + block])
    for number, part in zip(numbers, data, strict=True):
        expected = {"sha256": hashlib.sha256(part).hexdigest()}
        assert wide.digests(number) == (None if number < 0 else expected)
        assert narrow.digests(number) in (None, expected)
    assert narrow.peak <= room


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2048), st.integers(0, 300), st.integers(0, 65535))
def test_any_record_has_a_valid_length_or_none(data, attr, number):
    record = b"FILE\x30\x00\x03\x00" + data
    for tried in (data, record, record.ljust(1024, b"\x00")):
        found = mftkit.valid_length(tried, attr, number)
        assert found is None or (tried[:4] == b"FILE" and 0 <= found < 1 << 64)


@pytest.mark.parametrize("name", ["usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw"])
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_damaged_images_give_the_same_rows_both_ways(tmp_path, name, seed):
    source = kit.SAMPLES / name
    if not source.exists():
        pytest.skip("the sample images are not here")
    chance = random.Random(f"{name}{seed}")
    size = source.stat().st_size
    changes = {chance.randrange(size // 4): bytes([chance.randrange(256)]) for _ in range(60)}
    image = kit.damaged_copy(source, tmp_path / "bad.raw", changes)
    kit.same_both_ways(image, tmp_path / "out", block=chance.choice([512, 4096, kit.BLOCK]))
