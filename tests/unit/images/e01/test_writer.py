"""The E01 writer: groups, segments, the end of the image, refusals, going on."""

from __future__ import annotations

import os
import struct
import tracemalloc

import e01kit
import pytest

from evkit.core.errors import InputError, UsageError
from evkit.images.e01 import build, layout
from evkit.images.e01.writer import E01Writer, State

CHUNK = 32768
RAW = CHUNK + 4
PACKED = layout.COMPRESSED
ZERO, _ = e01kit.encode(bytes(CHUNK))


def raw_chunks(count, seed=0):
    """Stored forms that cannot be told from incompressible chunks."""
    return b"".join((seed + n).to_bytes(4, "big") * (RAW // 4) for n in range(count))


def run(plan, stored, sizes, *, step=10**9, resume=None, files=None, states=None, **finish):
    memory = e01kit.Memory(files, resume)
    writer = E01Writer(
        plan, memory, resume=resume, on_group=None if states is None else states.append
    )
    first = writer.state.chunks
    at = sum(size & ~PACKED for size in sizes[:first])
    for start in range(first, len(sizes), step):
        part = sizes[start : start + step]
        length = sum(size & ~PACKED for size in part)
        writer.append(memoryview(stored)[at : at + length], part)
        at += length
    finished = writer.finish(**{"md5": b"m" * 16, "sha1": b"s" * 20} | finish)
    assert memory.finished >= set(memory.opened)
    return {number: bytes(data) for number, data in memory.files.items()}, finished


def kinds(data, number):
    return [part.kind for part in e01kit.sections(data, number)]


def content(files):
    return b"".join(
        chunk
        for number, data in sorted(files.items())
        for group in e01kit.groups(data, number)
        for chunk, _ in group
    )


def test_one_segment():
    plan = e01kit.plan(3 * CHUNK - 512)
    stored = raw_chunks(2) + ZERO
    files, finished = run(plan, stored, [RAW, RAW, len(ZERO) | PACKED])
    assert kinds(files[1], 1) == [
        "header2", "header2", "header", "volume", "sectors", "table", "table2", "data", "digest",
        "hash", "done",
    ]  # fmt: skip
    assert e01kit.groups(files[1], 1) == [
        [(stored[:RAW], False), (stored[RAW : 2 * RAW], False), (ZERO, True)]
    ]
    assert (finished.segments, finished.errors, finished.unsaid) == (1, (), 0)
    by_kind = {part.kind: part.body for part in e01kit.sections(files[1], 1)}
    assert by_kind["volume"] == by_kind["data"]
    assert e01kit.checked(by_kind["digest"]) == b"m" * 16 + b"s" * 20 + bytes(40)
    assert e01kit.checked(by_kind["hash"]) == b"m" * 16 + bytes(16)


def test_digests_that_are_not_there_are_not_stated():
    plan = e01kit.plan(512)
    for given, expected in (
        ({"md5": None}, ["data", "digest", "done"]),
        ({"sha1": None}, ["data", "hash", "done"]),
        ({"md5": None, "sha1": None}, ["data", "done"]),
    ):
        files, _ = run(plan, bytes(516), [516], **given)
        assert kinds(files[1], 1)[7:] == expected


def test_several_segments():
    plan = e01kit.plan(10 * CHUNK, segment_size=4 * RAW)
    files, finished = run(plan, raw_chunks(10), [RAW] * 10)
    assert finished.segments == len(files) == 4
    assert kinds(files[1], 1)[-1] == "next"
    assert kinds(files[2], 2) == ["data", "sectors", "table", "table2", "next"]
    assert kinds(files[4], 4) == ["data", "sectors", "table", "table2", "digest", "hash", "done"]
    assert content(files) == raw_chunks(10)


@pytest.mark.parametrize("step", [1, 2, 7, 100])
def test_groups_do_not_depend_on_how_chunks_are_given(step):
    plan = e01kit.plan(23 * CHUNK, group=5)
    stored = raw_chunks(23)
    whole, _ = run(plan, stored, [RAW] * 23)
    assert [len(group) for group in e01kit.groups(whole[1], 1)] == [5, 5, 5, 5, 3]
    assert run(plan, stored, [RAW] * 23, step=step)[0] == whole


def test_groups_close_at_their_bytes():
    plan = e01kit.plan(9 * CHUNK, group_bytes=2 * RAW + 100)
    sizes = [RAW, RAW, 60 | PACKED, RAW, RAW, RAW, 101 | PACKED, RAW, 3 | PACKED]
    stored = bytes(sum(size & ~PACKED for size in sizes))
    files, _ = run(plan, stored, sizes)
    assert [len(group) for group in e01kit.groups(files[1], 1)] == [3, 2, 1 + 1, 1 + 1]


def test_groups_close_at_the_largest_offset(monkeypatch):
    limit = build.HEAD + 3 * RAW
    monkeypatch.setattr(layout, "OFFSET_LIMIT", limit)
    files, _ = run(e01kit.plan(7 * CHUNK), raw_chunks(7), [RAW] * 7)
    assert [len(group) for group in e01kit.groups(files[1], 1)] == [3, 3, 1]
    monkeypatch.setattr(layout, "OFFSET_LIMIT", limit - 1)
    files, _ = run(e01kit.plan(7 * CHUNK), raw_chunks(7), [RAW] * 7)
    assert [len(group) for group in e01kit.groups(files[1], 1)] == [2, 2, 2, 1]


def test_the_real_limit_leaves_room_for_65527_incompressible_chunks():
    plan = e01kit.plan(70_000 * CHUNK, group=layout.MAX_ENTRIES)
    assert plan.buffer // RAW == 65_527


@pytest.mark.parametrize("total", range(5, 13))
def test_no_segment_is_longer_than_asked_for_and_none_wastes_a_chunk(total):
    stored = raw_chunks(total)
    smallest = e01kit.plan(CHUNK).smallest_segment
    edges = [*range(smallest, smallest + 3), *range(smallest, smallest + 4 * RAW, 7919)]
    # where the end of the image, or `next`, just fits after some chunks
    for prefix in (len(e01kit.plan(CHUNK).prefix(number)) for number in (1, 2)):
        for count in range(1, 5):
            for end in (build.HEAD, build.HEAD + build.DIGESTS):
                exact = prefix + build.group_size(count, count * RAW) + end
                edges += [limit for limit in (exact - 1, exact, exact + 1) if limit >= smallest]
    longest = 0
    for limit in edges:
        plan = e01kit.plan(total * CHUNK, segment_size=limit)
        files, finished = run(plan, stored, [RAW] * total)
        assert plan.most_segments - 1 <= finished.segments <= plan.most_segments
        assert content(files) == stored
        for number, data in files.items():
            assert len(data) <= limit
            longest = max(longest, len(data) - limit)
            if number < len(files) - 1:
                assert len(data) + RAW + 8 > limit
    assert longest == 0


def test_the_smallest_segment_is_the_smallest():
    smallest = e01kit.plan(CHUNK).smallest_segment
    files, finished = run(e01kit.plan(CHUNK, segment_size=smallest), raw_chunks(1), [RAW])
    assert finished.segments == 1
    assert len(files[1]) == smallest
    with pytest.raises(UsageError, match="too small") as error:
        e01kit.plan(CHUNK, segment_size=smallest - 1)
    assert str(smallest) in error.value.hint


def test_the_error_list():
    plan = e01kit.plan(10 * CHUNK)
    unread = [(5 * 512, 1), (6 * 512, 512), (100, 1), (9 * CHUNK, CHUNK)]
    files, finished = run(plan, raw_chunks(10), [RAW] * 10, unread=unread)
    assert finished.errors == ((0, 1), (5, 2), (9 * 64, 64))
    assert kinds(files[1], 1)[7:] == ["data", "error2", "digest", "hash", "done"]
    body = next(part.body for part in e01kit.sections(files[1], 1) if part.kind == "error2")
    assert e01kit.checked(body[:520]) == struct.pack("<I512x", 3)
    assert e01kit.checked(body[520:]) == struct.pack("<6I", 0, 1, 5, 2, 576, 64)


def test_an_error_list_without_room_gets_a_segment_of_its_own_with_the_last_chunk():
    smallest = e01kit.plan(6 * CHUNK).smallest_segment
    unread = [(sector * 1024, 1) for sector in range(190)]
    seen = set()
    for limit in range(smallest + 2000, smallest + 2000 + 2 * RAW, 499):
        plan = e01kit.plan(6 * CHUNK, segment_size=limit)
        states = []
        files, finished = run(plan, raw_chunks(6), [RAW] * 6, unread=unread, states=states)
        assert (len(finished.errors), finished.unsaid) == (190 - finished.unsaid, finished.unsaid)
        assert all(len(data) <= limit for data in files.values())
        assert content(files) == raw_chunks(6)
        without, _ = run(plan, raw_chunks(6), [RAW] * 6)
        seen.add(len(files) - len(without))
        for state in states:
            assert state.chunks < 6
            again, _ = run(plan, raw_chunks(6), [RAW] * 6, resume=state, files=files, unread=unread)
            assert again == files
    assert seen == {0, 1}


def test_an_error_list_that_no_segment_can_hold_is_cut_and_counted():
    smallest = e01kit.plan(CHUNK).smallest_segment
    unread = [(0, 512), (1024, 512), (2048, 1024)]
    for room, entries in ((0, 0), (build.ERRORS + 7, 0), (build.ERRORS + 8, 1),
                          (build.ERRORS + 24, 3)):  # fmt: skip
        plan = e01kit.plan(CHUNK, segment_size=smallest + room)
        files, finished = run(plan, raw_chunks(1), [RAW], unread=unread)
        assert len(finished.errors) == entries
        assert finished.unsaid == 4 - sum(count for _, count in finished.errors)
        assert len(files) == 1
        assert len(files[1]) <= smallest + room
        assert ("error2" in kinds(files[1], 1)) == (entries > 0)


def test_a_wrong_number_of_chunks_is_refused():
    plan = e01kit.plan(3 * CHUNK)
    writer = E01Writer(plan, e01kit.Memory())
    writer.append(memoryview(raw_chunks(2)), [RAW, RAW])
    with pytest.raises(ValueError, match="1 of 3 chunks are missing"):
        writer.finish(md5=None, sha1=None)
    with pytest.raises(ValueError, match="4 chunks for a medium of 3"):
        writer.append(memoryview(raw_chunks(2)), [RAW, RAW])
    writer.append(memoryview(raw_chunks(1)), [RAW])
    writer.append(memoryview(b""), [])
    writer.finish(md5=None, sha1=None)
    for again in (
        lambda: writer.append(memoryview(b""), []),
        lambda: writer.finish(md5=None, sha1=None),
    ):
        with pytest.raises(ValueError, match="finished"):
            again()


@pytest.mark.parametrize(
    "sizes", [[RAW - 1], [RAW + 1], [CHUNK | PACKED], [RAW | PACKED], [PACKED], [0], [516]]
)
def test_sizes_that_no_chunk_has_are_refused(sizes):
    writer = E01Writer(e01kit.plan(CHUNK + 512), e01kit.Memory())
    with pytest.raises(ValueError, match="chunk"):
        writer.append(memoryview(bytes(sum(size & ~PACKED for size in sizes))), sizes)
    writer.append(memoryview(raw_chunks(1)), [RAW])
    for last in (515, 517, RAW, 512 | PACKED):
        with pytest.raises(ValueError, match="chunk"):
            writer.append(memoryview(bytes(last & ~PACKED)), [last])
    with pytest.raises(ValueError, match="not 515"):
        writer.append(memoryview(bytes(515)), [516])
    writer.append(memoryview(bytes(516)), [516])


def test_unread_ranges_outside_the_medium_are_refused():
    for unread in ([(0, 0)], [(-1, 1)], [(CHUNK, 1)], [(CHUNK - 1, 2)]):
        with pytest.raises(ValueError, match="no range"):
            run(e01kit.plan(CHUNK), raw_chunks(1), [RAW], unread=unread)


def test_segments_end_with_the_last_name(monkeypatch):
    smallest = e01kit.plan(CHUNK).smallest_segment
    plan = e01kit.plan(4 * CHUNK, segment_size=smallest)
    monkeypatch.setattr(layout, "LAST_SEGMENT", 3)
    with pytest.raises(UsageError, match="no name for a segment after number 3") as error:
        run(plan, raw_chunks(4), [RAW] * 4)
    assert "--split" in error.value.hint
    monkeypatch.setattr(layout, "LAST_SEGMENT", 4)
    assert run(plan, raw_chunks(4), [RAW] * 4)[1].segments == 4


def test_every_state_goes_on_to_the_same_bytes():
    plan = e01kit.plan(40 * CHUNK - 512, group=3, segment_size=6 * RAW)
    sizes = [RAW if n % 3 else 100 + n | PACKED for n in range(39)] + [CHUNK - 512 + 4]
    stored = os.urandom(sum(size & ~PACKED for size in sizes))
    states: list[State] = []
    files, finished = run(plan, stored, sizes, states=states)
    assert len(states) > 10
    assert content(files) == stored
    for state in [State.from_json(state.to_json()) for state in [State(), *states]]:
        # what a stop leaves: bytes after the group, and a segment that was begun
        left = {n: data for n, data in files.items() if n <= state.segment + 1}
        memory_states: list[State] = []
        again, other = run(
            plan, stored, sizes, step=4, resume=state, files=left, states=memory_states
        )
        assert again == files
        assert other == finished
        assert memory_states == [later for later in states if later.chunks > state.chunks]


def test_states_that_are_not_of_this_image_are_refused():
    plan = e01kit.plan(40 * CHUNK, group=3, segment_size=6 * RAW)
    for state in (
        State(segment=0, offset=9000, chunks=3),
        State(segment=1, offset=0, chunks=3),
        State(segment=1, offset=9000, chunks=40),
        State(segment=1, offset=9000, chunks=0),
        State(segment=1, offset=6 * RAW, chunks=3),
        State(segment=layout.LAST_SEGMENT + 1, offset=9000, chunks=3),
        State(segment=2, offset=1141, chunks=3),
    ):
        with pytest.raises(InputError, match="does not belong"):
            E01Writer(plan, e01kit.Memory(), resume=state)
    for value in (
        {},
        {"segment": 1, "offset": 0},
        {"segment": 1, "offset": 0, "chunks": -1},
        {"segment": True, "offset": 0, "chunks": 0},
        {"segment": "1", "offset": 0, "chunks": 0},
        {"segment": 1, "offset": 0, "chunks": 0, "more": 0},
    ):
        with pytest.raises(InputError):
            State.from_json(value)


def test_nothing_is_opened_before_there_is_a_group():
    memory = e01kit.Memory()
    writer = E01Writer(e01kit.plan(3 * CHUNK, group=2), memory)
    writer.append(memoryview(raw_chunks(2)), [RAW, RAW])
    assert memory.opened == []
    assert writer.state == State()
    writer.append(memoryview(raw_chunks(1)), [RAW])
    assert memory.opened == [1]
    assert writer.state.chunks == 2


def test_a_sink_that_fails_leaves_the_state_of_the_last_group():
    class Full(e01kit.MemorySink):
        def write(self, data):
            if len(self._memory.files[self._number]) > 3 * RAW:
                raise OSError("no space")
            super().write(data)

    memory = e01kit.Memory()
    writer = E01Writer(e01kit.plan(9 * CHUNK, group=2), lambda n: Full(memory, n))
    memory.files[1] = bytearray()
    with pytest.raises(OSError, match="no space"):
        writer.append(memoryview(raw_chunks(9)), [RAW] * 9)
    assert writer.state.chunks == 2
    assert writer.state.offset <= len(memory.files[1])
    with pytest.raises(ValueError, match="go on from"):
        writer.append(memoryview(b""), [])


def test_memory_does_not_depend_on_the_medium():
    class Nowhere:
        def write(self, data):
            pass

        def finish(self):
            pass

    count = 4000
    plan = e01kit.plan(count * CHUNK, group_bytes=1 << 20)
    stored = memoryview(raw_chunks(40))
    tracemalloc.start()
    try:
        writer = E01Writer(plan, lambda number: Nowhere())
        for _ in range(count // 40):
            writer.append(stored, [RAW] * 40)
        writer.finish(md5=None, sha1=None)
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()
