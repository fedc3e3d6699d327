"""Rescues of made-up media: each readable sector comes once, each bad one is marked."""

from __future__ import annotations

import itertools

from fakemedium import FakeMedium, Taken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evkit.acquire.mapfile import RescueMap, encode, of_gaps, parse
from evkit.acquire.rescue import DONE, Policy, Rescue
from evkit.core.errors import InputError

SMALL = 4096
MAX = 60_000
CONTENT = bytes(range(1, 252)) * (MAX // 251 + 1)

ranges = st.lists(st.tuples(st.integers(0, MAX), st.integers(1, 9000)), max_size=12)
policies = st.builds(
    Policy,
    block=st.sampled_from([SMALL, SMALL * 4, SMALL * 8]),
    small=st.just(SMALL),
    skip_min=st.sampled_from([4096, 8192]),
    skip_max=st.sampled_from([8192, 1 << 20]),
    retries=st.integers(0, 2),
)
media = st.builds(
    lambda size, bad, sector, partial: FakeMedium(
        CONTENT[:size], bad, sector=sector, partial=partial
    ),
    st.integers(0, MAX), ranges, st.sampled_from([512, 512, 4096]), st.booleans(),
)  # fmt: skip


def check(medium, chart, taken):
    """The map is the truth, and the image is the content with zeros in the bad ranges."""
    bad = medium.unreadable()
    assert list(chart.ranges("-")) == bad
    assert chart.total("+") + chart.total("-") == medium.size
    wanted = bytearray(medium.content.ljust(medium.size, b"\0")[: medium.size])
    for offset, length in bad:
        wanted[offset : offset + length] = bytes(length)
    assert taken.image == wanted


@settings(deadline=None)
@given(media, policies)
def test_every_sector_has_its_answer(medium, policy):
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    report = Rescue(medium, chart, policy).run(taken)
    assert report.ended == DONE
    assert report.ends_at is None
    check(medium, chart, taken)
    sectors = -(-medium.size // medium.sector_size)
    assert report.sector_reads <= sectors * (1 + policy.retries) + report.failed // 32 + 1
    blocks = -(-medium.size // SMALL)
    assert report.reads <= 6 * blocks + 6
    assert report.reads + report.sector_reads == len(medium.log)
    if not medium.unreadable():
        assert report.sector_reads == report.failed == 0
        assert report.reads == -(-medium.size // policy.block)
        assert taken.order == sorted(taken.order)


@settings(deadline=None)
@given(media, policies, st.lists(st.integers(0, 60), max_size=20))
def test_stopped_and_taken_up_again(medium, policy, stops):
    """Each run ends after some reads and the next one knows only the text of the map."""
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    for left in stops:
        count = iter(range(left))
        Rescue(medium, chart, policy).run(taken, stop=lambda it=count: next(it, None) is None)
        chart = parse(encode(chart), medium.size)
    assert Rescue(medium, chart, policy).run(taken).ended == DONE
    check(medium, chart, taken)


@settings(deadline=None)
@given(media, policies, st.data())
def test_any_map_can_be_taken_over(medium, policy, data):
    """Also one whose ranges begin and end within sectors."""
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    have = data.draw(ranges)
    bad = medium.unreadable()
    for offset, length in have:
        if offset < medium.size:
            status = data.draw(st.sampled_from("?*/-"))
            chart.mark(offset, min(length, medium.size - offset), status)
    for offset, length in data.draw(ranges):
        end = min(offset + length, medium.size)
        if offset < end and not any(offset < sum(b) and end > b[0] for b in bad):
            chart.mark(offset, end - offset, "+")
    before = {"+": list(chart.ranges("+")), "-": list(chart.ranges("-"))}
    for offset, length in before["+"]:
        taken(offset, memoryview(medium.content)[offset : offset + length])
    chart.phase = data.draw(st.sampled_from("?*/-+FG"))
    chart.number = data.draw(st.integers(1, 5))
    chart.position = data.draw(st.integers(0, medium.size))
    assert Rescue(medium, chart, policy).run(taken).ended == DONE
    assert chart.total("+", "-") == medium.size
    told = [r for r in before["-"] if policy.retries == 0]  # not tried again: still bad
    found = list(chart.ranges("-"))
    for offset, length in bad:
        assert any(o <= offset and offset + length <= o + n for o, n in found)
    for offset, length in found:
        inside = any(o < offset + length and offset < sum((o, n)) for o, n in [*bad, *told])
        assert inside or policy.retries


@settings(deadline=None)
@given(media, st.integers(1, 20_000), policies)
@example(FakeMedium(CONTENT[:5000], claimed=9000), 1, Policy(small=SMALL, block=SMALL))
def test_a_medium_shorter_than_it_says(medium, more, policy):
    medium.size = len(medium.content) + more
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    report = Rescue(medium, chart, policy).run(taken)
    assert report.ended == DONE
    assert chart.total("+", "-") == medium.size
    start = len(medium.content)
    assert list(chart.ranges("-"))[-1][0] <= start
    assert sum(list(chart.ranges("-"))[-1]) == medium.size
    first = medium.content[: start - start % medium.sector_size]
    for offset, length in taken.ranges():
        assert taken.image[offset : offset + length] == medium.content[offset : offset + length]
    whole = [(o, n) for o, n in medium.unreadable() if o + n <= len(first)]
    for offset, length in whole:
        assert chart.at(offset) == chart.at(offset + length - 1) == "-"


places = st.integers(0, 50).map(lambda n: n * 100)  # so that ranges often touch


marks = st.lists(st.tuples(places, places | st.integers(0, 900), st.sampled_from("+?*/-")))


@given(places | st.integers(0, 5000), marks)
def test_marks_are_those_of_a_plain_list(size, marks):
    chart, plain = RescueMap(size), ["?"] * size
    for start, most, status in marks:
        offset = min(start, size)
        length = min(most, size - offset)
        chart.mark(offset, length, status)
        plain[offset : offset + length] = [status] * length
    assert [kind for _, n, kind in chart.blocks() for _ in range(n)] == plain
    for status in "+?*/-":
        assert chart.total(status) == plain.count(status)
        places = [i for i, kind in enumerate(plain) if kind == status]
        assert [b for o, n in chart.ranges(status) for b in range(o, o + n)] == places
        for at in (0, size // 3, size):
            found = chart.next(status, at)
            assert (found[0] if found else None) == next((i for i in places if i >= at), None)
            back = chart.previous(status, at)
            assert (sum(back) - 1 if back else None) == max(
                (i for i in places if i < at), default=None
            )
    kinds = [kind for _, _, kind in chart.blocks()]
    assert all(a != b for a, b in itertools.pairwise(kinds))
    assert list(parse(encode(chart), size).blocks()) == list(chart.blocks())


@given(st.binary(max_size=300), st.integers(0, 3000))
@settings(max_examples=300)
def test_any_bytes_are_a_map_or_refused(data, size):
    for text in (data, b"0 ?\n0 512 +\n" + data, encode(of_gaps([(3, 9)], 99)) + data):
        try:
            chart = parse(text, size)
        except InputError:
            continue
        assert sum(length for _, length, _ in chart.blocks()) == size
