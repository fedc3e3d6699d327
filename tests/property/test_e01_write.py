"""Random chunks, limits and stops: the same bytes, every chunk where its table says."""

from __future__ import annotations

import hashlib

import e01kit
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.images.e01.writer import E01Writer, State

CHUNK = 32768
PACKED = 1 << 31
SMALLEST = e01kit.plan(CHUNK).smallest_segment


@st.composite
def images(draw):
    """A plan, its chunks in stored form and their sizes."""
    sectors = draw(st.integers(1, 40 * 64))
    count = -(-sectors // 64)
    plan = e01kit.plan(
        sectors * 512,
        segment_size=SMALLEST + draw(st.integers(0, 300_000)),
        group=draw(st.integers(1, 12)),
        group_bytes=draw(st.none() | st.integers(CHUNK + 4, 200_000)),
    )
    sizes = []
    for index in range(count):
        length = plan.last_chunk if index == count - 1 else CHUNK
        packed = draw(st.none() | st.integers(1, length - 1) | st.integers(1, 60))
        sizes.append(length + 4 if packed is None else PACKED | min(packed, length - 1))
    total = sum(size & ~PACKED for size in sizes)
    stored = hashlib.shake_128(draw(st.binary(max_size=2))).digest(total)
    sector = st.integers(0, sectors - 1)
    unread = draw(st.lists(sector.map(lambda first: (first * 512, 512)), max_size=60))
    return plan, stored, sizes, unread


def write(plan, stored, sizes, unread, *, cuts=(), resume=None, files=None):
    memory = e01kit.Memory(files, resume)
    states = []
    writer = E01Writer(plan, memory, on_group=states.append, resume=resume)
    start = writer.state.chunks
    at = sum(size & ~PACKED for size in sizes[:start])
    for end in [*sorted(cut for cut in cuts if cut > start), len(sizes)]:
        part = sizes[start:end]
        length = sum(size & ~PACKED for size in part)
        writer.append(memoryview(stored)[at : at + length], part)
        at += length
        start = end
    finished = writer.finish(md5=bytes(16), sha1=bytes(20), unread=unread)
    assert memory.finished >= set(memory.opened)
    return {number: bytes(data) for number, data in memory.files.items()}, states, finished


@settings(max_examples=150, deadline=None)
@given(image=images(), data=st.data())
def test_stops_change_nothing(image, data):
    plan, stored, sizes, unread = image
    files, states, finished = write(*image)
    assert sorted(files) == list(range(1, finished.segments + 1))
    assert finished.segments <= plan.most_segments
    found = b""
    for number, content in sorted(files.items()):
        assert len(content) <= plan.segment_size
        for group in e01kit.groups(content, number):
            assert len(group) <= plan.group
            assert plan.group_bytes is None or sum(len(c) for c, _ in group) <= plan.group_bytes
            found += b"".join(chunk for chunk, _ in group)
    assert found == stored
    cuts = data.draw(st.lists(st.integers(1, len(sizes)), max_size=5, unique=True))
    state = data.draw(st.sampled_from([State(), *states]))
    again, later, other = write(plan, stored, sizes, unread, cuts=cuts, resume=state, files=files)
    assert again == files
    assert other == finished
    assert later == [one for one in states if one.chunks > state.chunks]
