"""The passes of a rescue: order, steps, edges, stops, what the taker gets."""

from __future__ import annotations

import ctypes

import pytest
from fakemedium import FakeMedium, Taken

from evkit.acquire import attempts
from evkit.acquire import medium as media
from evkit.acquire.mapfile import RescueMap, encode, parse
from evkit.acquire.rescue import DONE, Policy, Rescue
from evkit.core import clock
from evkit.core.errors import InterruptedByUserError, StorageError

KIB, MIB = 1 << 10, 1 << 20
SMALL = Policy(block=16 * KIB, small=4 * KIB, skip_min=4 * KIB, skip_max=32 * KIB)
CONTENT = bytes(range(1, 252)) * (4 * MIB // 251 + 1)


def rescue(medium, policy=SMALL, chart=None, **options):
    chart = RescueMap(medium.size) if chart is None else chart
    taken = Taken(medium.size)
    return chart, taken, Rescue(medium, chart, policy).run(taken, **options)


def test_a_healthy_medium_is_read_in_order_in_large_blocks():
    size = 9 * MIB + 700
    medium = FakeMedium(bytes(size))
    chart, taken, report = rescue(medium, Policy())
    assert taken.order == [(0, 4 * MIB), (4 * MIB, 4 * MIB), (8 * MIB, MIB + 700)]
    assert [entry[0] for entry in medium.log] == ["read"] * 3
    assert (report.failed, report.sector_reads, report.ended) == (0, 0, DONE)
    assert encode(chart).endswith(b"status\n0x00000000  0x009002BC  +\n")
    assert (chart.phase, chart.number, chart.position) == ("+", 1, 0)


def test_blocks_lie_on_pages():
    medium = FakeMedium(CONTENT[: 256 * KIB], [(100 * KIB, 512)])
    odd = []

    def take(offset, view):
        if ctypes.addressof(ctypes.c_char.from_buffer(view)) % 4096:
            odd.append(offset)

    Rescue(medium, RescueMap(medium.size), SMALL).run(take)
    assert odd == []


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        [(0, 1)],
        [(200_000, 1)],
        [(199_680, 999)],  # the last sector, which is a part of one
        [(0, 1), (70_000, 1), (200_699, 1)],
        [(0, 200_700)],
        [(16 * KIB - 1, 2)],
        [(50_000, 40_000)],
    ],
)
def test_edges(bad, partial, sector):
    medium = FakeMedium(CONTENT[:200_700], bad, sector=sector, partial=partial)
    chart, taken, report = rescue(medium)
    assert list(chart.ranges("-")) == medium.unreadable()
    wanted = bytearray(CONTENT[:200_700])
    for offset, length in medium.unreadable():
        wanted[offset : offset + length] = bytes(length)
    assert taken.image == wanted
    assert report.ended == DONE


def test_pass_1_skips_in_growing_steps_and_leaves_the_rest_untried():
    size = 8 * MIB
    policy = Policy(block=16 * KIB, small=4 * KIB, skip_min=4 * KIB, skip_max=MIB)
    medium = FakeMedium(bytes(size), [(MIB, 2 * MIB)])
    chart = RescueMap(size)
    snapshots = []

    def look():
        snapshots.append((chart.phase, chart.number, list(chart.ranges("?")), chart.total("*")))

    Rescue(medium, chart, policy).run(lambda *_: None, look)
    last = [entry for entry in snapshots if entry[:2] == ("?", 1)][-1]
    steps = [length for _, length in last[2]]
    most = size // 100 // 4096 * 4096
    assert steps[:6] == [4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, most]
    assert set(steps[6:]) == {most}
    assert last[3] == len(steps) * 4 * KIB
    reads = [entry for entry in medium.log if entry[0] == "read"]
    first = next(i for i, (_, at, _) in enumerate(reads) if at >= 3 * MIB)
    assert first < MIB // (16 * KIB) + 60  # a dead stretch of 2 MiB cost few reads
    assert list(chart.ranges("-")) == [(MIB, 2 * MIB)]


def test_after_an_error_reads_grow_again():
    medium = FakeMedium(bytes(256 * KIB), [(0, 512)])
    rescue(medium)
    lengths = [length for kind, at, length in medium.log if kind == "read" and at >= 8 * KIB]
    assert lengths[:5] == [4 * KIB, 4 * KIB, 16 * KIB, 16 * KIB, 16 * KIB]
    assert medium.log[:2] == [("read", 0, 16 * KIB), ("read", 0, 4 * KIB)]


def test_one_bad_sector_is_met_few_times():
    """Each meeting costs a drive many seconds."""
    for partial in (False, True):
        medium = FakeMedium(bytes(16 * MIB), [(5 * MIB + 3 * 512, 512)], partial=partial)
        _, _, report = rescue(medium, Policy())
        assert report.failed <= 3
        assert report.sector_reads <= 128


def test_trimming_goes_from_both_edges_and_scraping_between():
    bad = [(8 * 512, 512), (12 * 512, 512)]
    medium = FakeMedium(bytes(16 * 512), bad)
    chart = RescueMap(medium.size, "*")
    chart.phase = "*"
    seen = []
    rescue(medium, chart=chart, on_checkpoint=lambda: seen.append((chart.phase, chart.position)))
    sectors = [at // 512 for kind, at, _ in medium.log if kind == "sector"]
    assert sectors == [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 14, 13, 12, 9, 10, 11]
    assert seen[-1] == ("/", 11 * 512)
    assert list(chart.ranges("-")) == bad


@pytest.mark.parametrize(("retries", "left"), [(0, 512), (1, 512), (4, 0)])
def test_retries(retries, left):
    policy = Policy(block=4096, small=4096, skip_min=4096, retries=retries)
    medium = FakeMedium(CONTENT[:8192], [(1024, 512)], healing=6)
    chart, taken, _ = rescue(medium, policy)
    assert chart.total("-") == left
    assert (taken.image == CONTENT[:8192]) is not bool(left)


def test_a_first_round_after_scraping_begins_at_the_start():
    medium = FakeMedium(CONTENT[:8192], [(0, 512)], healing=1)
    chart = RescueMap(8192, "+")
    chart.mark(0, 512, "-")
    chart.mark(4096, 512, "/")
    chart.phase, chart.position = "/", 4096
    policy = Policy(block=4096, small=4096, skip_min=4096, retries=1)
    Rescue(medium, chart, policy).run(lambda *_: None)
    assert list(chart.blocks()) == [(0, 8192, "+")]


def test_an_interrupted_round_goes_on_where_it_was():
    medium = FakeMedium(CONTENT[:8192], [(0, 512), (4096, 512)])
    chart = RescueMap(8192, "+")
    for offset in (0, 4096):
        chart.mark(offset, 512, "-")
    chart.phase, chart.number, chart.position = "-", 2, 4096
    policy = Policy(block=4096, small=4096, skip_min=4096, retries=3)
    Rescue(medium, chart, policy).run(lambda *_: None)
    assert [at for kind, at, _ in medium.log] == [4096, 0, 4096]


def test_a_run_after_the_end_tries_bad_sectors_again():
    medium = FakeMedium(CONTENT[:8192], [(1024, 512)], healing=4)
    chart, taken, _ = rescue(medium, Policy(block=4096, small=4096, skip_min=4096))
    assert chart.total("-") == 512
    policy = Policy(block=4096, small=4096, skip_min=4096, retries=5)
    Rescue(medium, chart, policy).run(taken)
    assert chart.total("-") == 0


def test_a_device_that_goes_away():
    medium = FakeMedium(CONTENT[: 256 * KIB], [(100 * KIB, 512)], gone_after=9)
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    with pytest.raises(StorageError, match="gone"):
        Rescue(medium, chart, SMALL).run(taken)
    assert list(chart.ranges("+")) == taken.ranges()
    assert chart.total("?") > 0
    medium._gone_after = None
    again = parse(encode(chart), medium.size)
    assert Rescue(medium, again, SMALL).run(taken).ended == DONE
    assert list(again.ranges("-")) == [(100 * KIB, 512)]


@pytest.mark.parametrize("after", [1, 10, 40, 60])
def test_a_device_that_fails_every_read_is_gone_and_not_bad(after):
    """As a disk does that was unplugged or hung; nothing of it may stand in the map as bad."""
    bad = [(100 * KIB, 20 * KIB)]
    medium = FakeMedium(CONTENT[: 256 * KIB], bad, dumb_after=after)
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    with pytest.raises(StorageError, match="answers no more"):
        Rescue(medium, chart, SMALL).run(taken)
    assert len(medium.log) <= after + 80
    assert list(chart.ranges("+")) == taken.ranges()
    for offset, length in chart.ranges("-"):
        assert bad[0][0] <= offset <= offset + length <= sum(bad[0])
    medium._dumb_after = None
    assert Rescue(medium, parse(encode(chart), medium.size), SMALL).run(taken).ended == DONE
    assert taken.image[: 100 * KIB] == CONTENT[: 100 * KIB]
    assert taken.image[120 * KIB :] == CONTENT[120 * KIB : 256 * KIB]


@pytest.mark.parametrize("status", ["/", "*", "?"])
def test_failures_of_a_device_that_is_gone_are_taken_back(status):
    medium = FakeMedium(CONTENT[: 512 * KIB], dumb_after=5)
    chart = RescueMap(medium.size, status)
    chart.phase = status
    with pytest.raises(StorageError, match="answers no more"):
        Rescue(medium, chart, SMALL).run(Taken(medium.size))
    read = 5 * (16 * KIB if status == "?" else 512)
    assert list(chart.ranges("+")) == [(0, read)]
    if status == "*":  # the sector in doubt is as it was; what lies behind has to be scraped
        assert list(chart.blocks())[1:3] == [(read, 512, "*"), (read + 512, 520704, "/")]
    else:
        assert list(chart.blocks())[1:] == [(read, medium.size - read, status)]
    assert chart.total("-") == 0


def test_a_medium_that_never_answered_is_all_bad():
    medium = FakeMedium(CONTENT[: 64 * KIB], dumb_after=0)
    chart, _, report = rescue(medium)
    assert (report.ended, list(chart.ranges("-"))) == (DONE, [(0, 64 * KIB)])


def test_what_the_taker_raises_leaves_the_map_as_it_was():
    medium = FakeMedium(CONTENT[: 64 * KIB])
    chart = RescueMap(medium.size)

    def take(offset, _view):
        if offset:
            raise InterruptedByUserError("stopped")

    with pytest.raises(InterruptedByUserError):
        Rescue(medium, chart, SMALL).run(take)
    assert list(chart.blocks()) == [(0, 16 * KIB, "+"), (16 * KIB, 48 * KIB, "?")]


def test_stopped():
    medium = FakeMedium(CONTENT[: 64 * KIB])
    chart, taken, report = rescue(medium, stop=lambda: len(medium.log) == 2)
    assert report.ended == "stopped"
    assert (chart.position, chart.phase, chart.number) == (32 * KIB, "?", 1)
    assert chart.total("+") == 32 * KIB == sum(length for _, length in taken.order)


class Clock:
    """Time goes on when a read fails, and a little with every question."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)


class SlowWhenBad(FakeMedium):
    time: Clock

    def _answer(self, kind, offset, view):
        try:
            return super()._answer(kind, offset, view)
        except OSError:
            self.time.now += 10
            raise
        finally:
            self.time.now += 1


@pytest.mark.parametrize("limit", [0, 30, 100, 1000])
def test_giving_up_leaves_the_rest_as_it_is(monkeypatch, limit):
    medium = SlowWhenBad(CONTENT[:MIB], [(300 * KIB, 20 * KIB)])
    medium.time = Clock(monkeypatch)
    policy = Policy(
        block=16 * KIB, small=4 * KIB, skip_min=4 * KIB, skip_max=32 * KIB, give_up_seconds=limit
    )
    chart, _, report = rescue(medium, policy)
    if limit == 1000:
        assert report.ended == DONE
        return
    assert report.ended == "gave-up"
    assert limit <= report.trouble_seconds <= limit + 11
    assert chart.total("?", "*", "/") > 0
    assert chart.total("-") < 20 * KIB
    monkeypatch.undo()
    assert rescue(medium, chart=parse(encode(chart)))[2].ended == DONE


def test_time_for_good_reads_of_pass_1_is_not_counted(monkeypatch):
    medium = SlowWhenBad(CONTENT[:MIB])
    medium.time = Clock(monkeypatch)
    policy = Policy(block=4096, small=4096, skip_min=4096, give_up_seconds=1)
    assert rescue(medium, policy)[2].ended == DONE


def test_a_map_has_no_more_ranges_than_are_read_again(monkeypatch):
    """A medium of which every other sector fails; `mapfile.parse` refuses what is longer."""
    monkeypatch.setattr(attempts, "MAX_RANGES", 200)
    bad = [(at, 512) for at in range(0, 128 * KIB, 1024)]
    medium = FakeMedium(CONTENT[: 128 * KIB], bad)
    chart, taken, report = rescue(medium)
    assert report.ended == attempts.TOO_MANY
    assert 136 < len(chart) <= 200
    again = parse(encode(chart), medium.size)
    assert list(again.blocks()) == list(chart.blocks())
    assert Rescue(medium, again, SMALL).run(taken).ended == attempts.TOO_MANY


def test_checkpoints_see_only_what_was_taken():
    medium = FakeMedium(CONTENT[: 128 * KIB], [(20 * KIB, 3000)])
    chart, taken = RescueMap(medium.size), Taken(medium.size)
    count = 0

    def look():
        nonlocal count
        count += 1
        assert list(chart.ranges("+")) == taken.ranges()

    Rescue(medium, chart, SMALL).run(taken, look)
    assert count > 10


def test_a_source_shorter_than_it_says_is_settled_at_once():
    size = 1 << 40
    medium = FakeMedium(CONTENT[:1_000_100], claimed=size)
    chart = RescueMap(size)
    total = 0

    def take(_offset, view):
        nonlocal total
        total += len(view)

    report = Rescue(medium, chart, Policy()).run(take)
    assert report.ends_at == total == 1_000_100
    assert list(chart.ranges("-")) == [(1_000_100, size - 1_000_100)]
    assert len(medium.log) < 10
    again = Rescue(medium, chart, Policy(retries=3)).run(take)
    assert (again.sector_reads, again.ended) == (3, DONE)


@pytest.mark.parametrize(("size", "more"), [(1024, 0), (1024, 512), (1000, 0), (1000, 24)])
def test_a_source_longer_than_it_says(size, more):
    medium = FakeMedium(CONTENT[: size + more], claimed=size)
    assert media.beyond(medium) == more
    chart, taken, _ = rescue(medium)
    assert taken.image == CONTENT[:size]
    assert chart.total("+") == size
    assert media.beyond(FakeMedium(CONTENT[:1536], [(1024, 1)], claimed=1024)) == 0


def test_an_empty_medium():
    chart, taken, report = rescue(FakeMedium(b""))
    assert (report.ended, report.reads, len(chart)) == (DONE, 0, 0)
    assert taken.order == []


@pytest.mark.parametrize(
    "values",
    [{"block": 100}, {"block": 12 * KIB, "small": 4 * KIB}, {"small": 512, "block": 1024},
     {"skip_min": 0}, {"skip_min": 512}, {"skip_max": 1}],
)  # fmt: skip
def test_policies_that_cannot_be(values):
    with pytest.raises(ValueError):
        Policy(**values)


def test_a_map_of_another_size():
    with pytest.raises(ValueError):
        Rescue(FakeMedium(bytes(512)), RescueMap(511))
