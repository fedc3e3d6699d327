"""Rescues from real kernel errors: nbdkit's ddrescue filter through FUSE, a loop device on top."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import subprocess

import acquirekit as kit
import pytest
from fakemedium import Taken

from evkit.acquire import mapfile
from evkit.acquire.mapfile import RescueMap
from evkit.acquire.medium import OpenedMedium, beyond
from evkit.acquire.rescue import DONE, Rescue
from evkit.acquire.source import open_source
from evkit.core.errors import StorageError

MIB = 1 << 20
SIZE = 12 * MIB


@pytest.fixture
def server(tmp_path, program):
    """Serve content of which ranges fail; yields the path and the server."""
    return functools.partial(kit.bad_sectors, tmp_path, program)


@pytest.fixture
def disk(server):
    """The path alone."""

    @contextlib.contextmanager
    def serve(*arguments):
        with server(*arguments) as (place, _):
            yield place

    return serve


@contextlib.contextmanager
def loop(place, *options):
    """A loop device on a file; the file is read past the cache, so single sectors can fail."""
    command = ["losetup", "--find", "--show", "--read-only", "--direct-io=on", *options, str(place)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("loop devices cannot be made here")
    name = done.stdout.strip()
    try:
        yield name
    finally:
        subprocess.run(["losetup", "--detach", name], check=True)


def rescue(path, chart=None, taken=None, **options):
    opened = open_source(os.fsencode(path))
    medium = OpenedMedium(opened)
    chart = RescueMap(medium.size) if chart is None else chart
    taken = Taken(medium.size) if taken is None else taken
    try:
        report = Rescue(medium, chart).run(taken, **options)
        assert beyond(medium) == 0
    finally:
        medium.close()
        with contextlib.suppress(OSError):  # closing fails on a source that is gone
            opened.close()
    return chart, taken, report


def compare(content, bad, chart, taken):
    """Map = truth, neighbours intact, zeros exactly there."""
    assert list(chart.ranges("-")) == bad
    assert chart.total("+") == len(content) - sum(length for _, length in bad)
    wanted = bytearray(content)
    for offset, length in bad:
        wanted[offset : offset + length] = bytes(length)
    assert taken.image == wanted


CASES = [
    [],
    [(3 * MIB + 512 * 9, 512)],
    [(0, 512), (SIZE - 512, 512)],
    [(0, 4096), (5 * MIB, 512), (5 * MIB + 1024, 1024), (9 * MIB - 512, MIB + 512)],
    [(65536 * n + 512 * (n % 7), 512) for n in range(1, 40)],
]


@pytest.mark.parametrize("bad", CASES)
def test_a_failing_file(disk, bad):
    content = os.urandom(SIZE)
    with disk(content, bad) as place:
        chart, taken, report = rescue(place)
    compare(content, bad, chart, taken)
    assert report.ended == DONE
    if not bad:
        assert (report.reads, report.sector_reads) == (3, 0)


@pytest.mark.parametrize("bad", CASES)
def test_a_failing_block_device(disk, bad):
    content = os.urandom(SIZE)
    with disk(content, bad) as place, loop(place) as name:
        chart, taken, report = rescue(name)
    compare(content, bad, chart, taken)
    assert report.ended == DONE


def test_sectors_of_4096_bytes(disk):
    content = os.urandom(SIZE)
    bad = [(0, 512), (3 * MIB + 512 * 9, 512), (SIZE - 512, 512)]
    with disk(content, bad) as place, loop(place, "--sector-size=4096") as name:
        chart, taken, _ = rescue(name)
    compare(content, [(at // 4096 * 4096, 4096) for at, _ in bad], chart, taken)


def test_the_last_sector_is_a_part_of_one(disk):
    content = os.urandom(5 * MIB + 700)
    for bad in ([(5 * MIB + 512, 188)], [(MIB, 512)]):
        with disk(content, bad, f"m{len(bad)}{bad[0][1]}") as place:
            chart, taken, _ = rescue(place)
        compare(content, bad, chart, taken)


def test_random_damage_on_both(disk):
    chance = random.Random(5)
    chart = mapfile.of_gaps([], SIZE)
    for _ in range(60):
        sector = chance.randrange(SIZE // 512 - 100)
        chart.mark(sector * 512, chance.choice((1, 1, 1, 2, 9, 80)) * 512, "-")
    bad = list(chart.ranges("-"))
    content = os.urandom(SIZE)
    with disk(content, bad) as place:
        compare(content, bad, *rescue(place)[:2])
        with loop(place) as name:
            compare(content, bad, *rescue(name)[:2])


def test_stopped_often_and_continued(disk):
    content = os.urandom(SIZE)
    bad = CASES[3]
    chart, taken = RescueMap(SIZE), Taken(SIZE)
    runs = 0
    with disk(content, bad) as place:
        while True:
            left = iter(range(300))
            _, _, report = rescue(place, chart, taken, stop=lambda it=left: next(it, None) is None)
            runs += 1
            if report.ended == DONE:
                break
            chart = mapfile.parse(mapfile.encode(chart), SIZE)
    assert runs > 5
    compare(content, bad, chart, taken)


def test_ddrescue_begins_and_evkit_goes_on(disk, program, tmp_path):
    content = os.urandom(SIZE)
    bad = CASES[3]
    image, text = tmp_path / "image", tmp_path / "map"
    ddrescue = [program("ddrescue"), "--quiet", "--idirect"]
    with disk(content, bad) as place:
        for more in ((), ("--no-scrape",), ("--no-trim",)):
            image.unlink(missing_ok=True)
            text.unlink(missing_ok=True)
            subprocess.run(
                [*ddrescue, *more, f"--size={10 * MIB}", place, image, text], check=True
            )  # fmt: skip
            chart = mapfile.read(os.fsencode(text), SIZE)
            taken = Taken(SIZE)
            data = image.read_bytes().ljust(SIZE, b"\0")
            before = list(chart.ranges("+"))
            assert sum(length for _, length in before) > 5 * MIB
            for offset, length in before:
                taken(offset, memoryview(data)[offset : offset + length])
            rescue(place, chart, taken)
            compare(content, bad, chart, taken)


def test_evkit_begins_and_ddrescue_goes_on(disk, program, tmp_path):
    """At every kind of stop; the map says afterwards what the disk is."""
    content = os.urandom(SIZE)
    bad = CASES[3]
    seen = set()
    with disk(content, bad) as place:
        for reads in (1, 4, 20, 60, 300, 1500, 2500):
            left = iter(range(reads))
            chart, taken, _ = rescue(place, stop=lambda it=left: next(it, None) is None)
            seen.add(chart.phase)
            image, text = tmp_path / f"image{reads}", tmp_path / f"map{reads}"
            image.write_bytes(taken.image)
            text.write_bytes(mapfile.encode(chart))
            log = subprocess.run(
                [program("ddrescuelog"), "--show-status", text], check=True, capture_output=True
            )
            assert log.stdout.count(b"B,  in ") == 6
            subprocess.run(
                [program("ddrescue"), "--quiet", "--idirect", place, image, text], check=True
            )
            after = mapfile.read(os.fsencode(text), SIZE)
            compare(content, bad, after, TakenFrom(image))
    assert seen >= {"?", "*", "/"}


class TakenFrom:
    """An image file in the place of what a rescue handed on."""

    def __init__(self, path):
        self.image = bytearray(path.read_bytes())


@pytest.mark.parametrize("through_loop", [False, True])
def test_a_source_that_vanishes(server, through_loop):
    """The server dies: the file says so, a loop device answers as if every sector were bad."""
    content = os.urandom(SIZE)
    with (
        server(content, [(9 * MIB, 512)]) as (place, process),
        loop(place) if through_loop else contextlib.nullcontext(place) as name,
    ):
        chart, taken = RescueMap(SIZE), Taken(SIZE)

        def take(offset, view):
            taken(offset, view)
            if offset:
                process.kill()
                process.wait(60)

        with pytest.raises(StorageError, match=r"answers no more|gone"):
            rescue(name, chart, take)
    assert list(chart.ranges("+")) == taken.ranges()
    assert chart.total("+") >= 4 * MIB
    assert chart.total("-") == 0
