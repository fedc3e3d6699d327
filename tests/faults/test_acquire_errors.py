"""Media with real read errors, through the whole of acquiring: map equals truth, stops and all."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess

import acquirekit as kit
import pytest
import resumekit as rk

from evkit.acquire import mapfile, passes, reading, storm
from evkit.acquire.mapfile import RescueMap
from evkit.acquire.rescue import Policy
from evkit.actions import status
from evkit.core.errors import InputError, RefusedError
from evkit.images.e01.reader import E01Image

MIB = 1 << 20
SIZE = 13 * MIB + 512 * 3
BAD = [(0, 512), (3 * MIB + 512 * 9, 512), (7 * MIB, 40 * 512), (SIZE - 512, 512)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    rk.small_steps(monkeypatch)


@pytest.fixture
def disk(memory, program):
    """Serve content of which ranges fail; yields the path and the server."""
    return functools.partial(kit.bad_sectors, memory, program)


def blanked(content, bad):
    """What an image must hold: zeros exactly there."""
    wanted = bytearray(content)
    for offset, length in bad:
        wanted[offset : offset + length] = bytes(length)
    return bytes(wanted)


def as_truth(made, content, bad, untried=()):
    """The event, the map and the image of the only acquisition say what the medium is."""
    lost = sorted([*bad, *untried])
    folder = rk.folders(made)[0]
    end = kit.end_of(made, "C1/E1/A1")
    wanted = blanked(content, lost)
    assert end.fields["result"] == "with-gaps"
    unread = end.fields["unread"]
    sizes = [sum(length for _, length in ranges) for ranges in (lost, bad, untried)]
    assert [unread[name] for name in ("bytes", "bad", "untried")] == sizes
    assert unread["fill"] == "zero"
    assert end.fields["bytes"] == len(content) - sizes[0]
    chart = mapfile.read(os.fsencode(folder / "image.map"), len(content))
    assert list(chart.ranges("-")) == list(bad)
    assert list(chart.ranges(*mapfile.UNREAD)) == lost
    assert end.fields["media"]["sha256"] == hashlib.sha256(wanted).hexdigest()
    assert end.fields["media"]["md5"] == hashlib.md5(wanted, usedforsecurity=False).hexdigest()
    if end.fields["format"] == "raw":
        parts = sorted(folder.glob("image.[0-9]*")) or [folder / "image.raw"]
        assert b"".join(path.read_bytes() for path in parts) == wanted
    else:
        paths = [os.fsencode(path) for path in sorted(folder.glob("image.E*"))]
        with E01Image(paths) as image:
            assert image.read(0, len(content)) == wanted
            assert list(image.declared_gaps) == lost
    assert not list(folder.glob("*.part"))
    assert not (folder / "journal.json").exists()
    kit.settled(made.path)
    return end


@pytest.mark.parametrize("way", ["raw", "split"])
def test_raw_in_passes(memory, disk, way, monkeypatch):
    content = rk.content()
    made = rk.fresh(memory, "passes", monkeypatch)
    with disk(content, BAD) as (place, _):
        done = rk.acquire(made, place, way)
    assert done.exit_code == 3
    as_truth(made, content, BAD)
    first, second = rk.folders(made)
    names = {name for name in rk.files(first) if name.startswith("image.")}
    assert {name: rk.files(first)[name] for name in names} == {
        name: rk.files(second)[name] for name in names
    }


def test_e01_in_order(memory, disk, program, monkeypatch):
    content = rk.content()
    made = rk.fresh(memory, "e01", monkeypatch)
    with disk(content, BAD) as (place, _):
        done = rk.acquire(made, place, "e01")
    assert done.exit_code == 3
    as_truth(made, content, BAD)
    image = rk.folders(made)[0] / "image.E01"
    shown = subprocess.run(
        [program("ewfverify"), "-q", str(image)], check=False, capture_output=True, text=True
    )
    assert "SUCCESS" in shown.stdout, shown.stdout + shown.stderr
    told = subprocess.run(
        [program("ewfinfo"), str(image)], check=True, capture_output=True, text=True
    ).stdout
    for offset, length in BAD:
        first, count = offset // 512, length // 512
        assert f"at sector(s): {first} - {first + count - 1} number: {count}" in told, told


@pytest.mark.parametrize("early", [0, 512 * 4])
def test_an_error_storm_makes_it_a_raw_image(memory, disk, early, monkeypatch):
    """Sectors that were bad before the storm stay in the map."""
    content = rk.content()
    bad = [(early, 512), *[(at * 512, 512) for at in range(12 * 2048, 12 * 2048 + 60, 2)]]
    monkeypatch.setattr(storm, "RULE", storm.Rule(bad=20))
    monkeypatch.setattr(storm.Watch.__init__, "__defaults__", (storm.RULE,))
    made = rk.fresh(memory, "storm", monkeypatch)
    with disk(content, bad) as (place, _):
        done = rk.acquire(made, place, "e01-segments", storm="raw")
    assert done.exit_code == 3
    end = as_truth(made, content, bad)
    assert end.fields["format"] == "raw"
    assert "error-storm" in {entry.code for entry in end.deviations}
    assert "container" not in end.fields
    assert end.fields["verification"]["state"] == "match"


def test_stopped_in_a_storm_at_every_step(memory, disk, monkeypatch):
    content = rk.content()
    bad = [(512, 512), *[(at * 512, 512) for at in range(10 * 2048, 10 * 2048 + 60, 2)]]
    monkeypatch.setattr(storm.Watch.__init__, "__defaults__", (storm.Rule(bad=20),))
    with disk(content, bad) as (place, _):
        made = rk.fresh(memory, "count", monkeypatch)
        act = lambda made: rk.acquire(made, place, "e01-segments", storm="raw")  # noqa: E731
        code, total = kit.run_stopped(lambda: act(made), None)
        assert code == 0
        for at in range(total // 3, total, max(1, total // 16)):
            made = rk.fresh(memory, at, monkeypatch)
            code, _ = kit.run_stopped(lambda made=made: act(made), at)
            if code == 9:
                done = rk.go_on(made)
                assert done.exit_code == 3, done.lines()
            as_truth(made, content, bad)


def test_stopped_in_passes_at_every_step(memory, disk, monkeypatch):
    content = rk.content()
    with disk(content, BAD) as (place, _):
        made = rk.fresh(memory, "count", monkeypatch)
        code, total = kit.run_stopped(lambda: rk.acquire(made, place, "raw"), None)
        assert code == 0
        for at in range(30, total, max(1, total // 16)):
            made = rk.fresh(memory, at, monkeypatch)
            code, _ = kit.run_stopped(lambda made=made: rk.acquire(made, place, "raw"), at)
            if code == 9 and not has_begun(made):
                continue
            if code == 9:
                done = rk.go_on(made)
                assert done.exit_code == 3, done.lines()
            as_truth(made, content, BAD)


def has_begun(made):
    """Say whether the journal has what it takes to go on, or the end is recorded."""
    path = rk.folders(made)[0] / "journal.json"
    return not path.exists() or b'"work"' in path.read_bytes()


def test_e01_stopped_behind_a_bad_sector(memory, disk, monkeypatch):
    """What could not be read before the stop is still said after it."""
    content = rk.content()
    made = rk.fresh(memory, "again", monkeypatch)
    with disk(content, BAD) as (place, _):
        rk.stop_after(lambda: rk.acquire(made, place, "e01-segments"), 2)
        done = rk.go_on(made)
    assert done.exit_code == 3, done.lines()
    as_truth(made, content, BAD)


def test_e01_closed_behind_a_bad_sector(memory, disk, monkeypatch):
    """Bad sectors are bad and the rest is untried."""
    content = rk.content()
    made = rk.fresh(memory, "again", monkeypatch)
    with disk(content, BAD) as (place, _):
        rk.stop_after(lambda: rk.acquire(made, place, "e01"), 1)
    done = rk.go_on(made, closing=True)
    assert done.exit_code == 3, done.lines()
    rest = done.made.map.next("?", 0)
    assert sum(rest) == SIZE
    as_truth(made, content, [one for one in BAD if one[0] < rest[0]], [rest])


def test_closed_in_passes(memory, disk, monkeypatch):
    content = rk.content()
    made = rk.fresh(memory, "closed", monkeypatch)
    with disk(content, BAD) as (place, _):
        rk.stop_in_passes(lambda: rk.acquire(made, place, "raw"), 5 * MIB)
    chart = mapfile.read(os.fsencode(rk.folders(made)[0] / "image.map.part"), SIZE)
    untried = list(chart.ranges("?", "*", "/"))
    assert untried
    done = rk.go_on(made, closing=True)
    assert done.exit_code == 3, done.lines()
    as_truth(made, content, list(chart.ranges("-")), untried)


def test_another_medium_in_place_of_one_that_is_rescued(memory, disk, monkeypatch):
    """Its length is the same; passes keep no pieces, the image tells them apart."""
    content, bad = rk.content(), [(512, 512), (9 * MIB, 512)]
    made = rk.fresh(memory, "other", monkeypatch)
    with disk(content, bad) as (place, _):
        rk.stop_in_passes(lambda: rk.acquire(made, place, "raw"), 8 * MIB)
    with made.open() as station:
        work = status.run(station).work[0]
    chart = mapfile.read(os.fsencode(rk.folders(made)[0] / "image.map.part"), SIZE)
    assert (work.done, work.size) == (chart.total("+"), SIZE)
    other = content[: 5 * MIB] + rk.content(seed=2)[5 * MIB :]
    with disk(other, bad, "n") as (place, _), pytest.raises(RefusedError, match="differs at byte"):
        rk.go_on(made, source=os.fsencode(place))
    with disk(content, bad, "o") as (place, _):
        assert rk.go_on(made, source=os.fsencode(place)).exit_code == 3
    as_truth(made, content, bad)
    end = kit.end_of(made, "C1/E1/A1")
    text = next(entry.text for entry in end.deviations if entry.code == "resumed")
    assert f"resumed after {chart.total('+'):,} bytes" in text
    assert re.search(r"; [1-9]\d* MiB of the source compared and equal", text)


def test_a_file_of_a_rescue_that_is_gone_is_not_made_again(memory, disk, monkeypatch):
    """It would be zeros that count as read."""
    content = rk.content()
    made = rk.fresh(memory, "gone", monkeypatch)
    with disk(content, BAD) as (place, _):
        rk.stop_in_passes(lambda: rk.acquire(made, place, "raw"), 5 * MIB)
        for folder in rk.folders(made):
            (folder / "image.raw.part").unlink()
        done = rk.go_on(made)
        assert done.exit_code == 16, done.lines()
        assert kit.end_of(made, "C1/E1/A1") is None


def test_giving_up(memory, disk, monkeypatch):
    content = rk.content()
    made = rk.fresh(memory, "up", monkeypatch)
    with disk(content, BAD) as (place, _):
        done = rk.acquire(made, place, "raw", policy=Policy(give_up_seconds=0.0))
    assert done.exit_code == 3
    chart = done.made.map
    assert chart.total("?", "*", "/") > 0
    untried = list(chart.ranges("?", "*", "/"))
    as_truth(made, content, list(chart.ranges("-")), untried)


def test_a_rescue_by_ddrescue_is_taken_over(memory, disk, program, monkeypatch):
    """In all parts of all copies; what it had not read is read or zeros, whatever it put there."""
    content = rk.content()
    image, chart = memory / "dd.image", memory / "dd.map"
    with disk(content, BAD) as (place, _):
        subprocess.run(
            [program("ddrescue"), "--quiet", "--idirect", "--no-scrape", f"--size={10 * MIB}",
             str(place), str(image), str(chart)], check=True,
        )  # fmt: skip
        data = bytearray(image.read_bytes())
        for offset, length in mapfile.read(os.fsencode(chart), SIZE).ranges("*", "/", "-"):
            data[offset : offset + length] = b"\xee" * length
        image.write_bytes(data)
        for way in ("raw", "split"):
            made = rk.fresh(memory, way, monkeypatch)
            rescued = (os.fsencode(image), os.fsencode(chart))
            done = rk.acquire(made, place, way, rescued=rescued)
            assert done.exit_code == 3, done.lines()
            end = as_truth(made, content, BAD)
            taken = [d.text for d in end.deviations if d.code == "rescue-taken-over"]
            assert len(taken) == 1
            first, second = (rk.files(folder) for folder in rk.folders(made))
            assert all(first[name] == second[name] for name in second)
        for at, stop in (("before", rk.stop_in_filling), ("in", rk.stop_in_passes)):
            made = rk.fresh(memory, at, monkeypatch)
            stop(lambda made=made: rk.acquire(made, place, "raw", rescued=rescued), 11 * MIB)
            done = rk.go_on(made)
            assert done.exit_code == 3, done.lines()
            end = as_truth(made, content, BAD)
            assert [d.text for d in end.deviations if d.code == "rescue-taken-over"] == taken


def test_a_rescue_that_is_not_there_is_refused_before_anything_is_recorded(memory, monkeypatch):
    source = memory / "stick.dd"
    source.write_bytes(rk.content())
    made = rk.fresh(memory, "none", monkeypatch)
    (memory / "map").write_bytes(mapfile.encode(RescueMap(SIZE)))
    with pytest.raises(InputError, match="cannot read"):
        rk.acquire(
            made, source, "raw", rescued=(os.fsencode(memory / "no"), os.fsencode(memory / "map"))
        )
    assert not (made.path / "cases" / "C1").exists()


@pytest.mark.parametrize("way", ["raw", "e01"])
def test_a_device_that_vanishes(memory, disk, way, monkeypatch):
    """Exit 16 and no end; on the healthy device it goes on to the same digests."""
    content = rk.content(40 * MIB + 512)
    made = rk.fresh(memory, "vanish", monkeypatch)
    with disk(content, []) as (place, process):
        real = kit.acquire.engine.Tally.take
        seen = []

        def take(tally, number, answer):
            real(tally, number, answer)
            seen.append(number)
            if len(seen) == 3:
                process.kill()
                process.wait(60)

        with monkeypatch.context() as patch:
            patch.setattr("evkit.acquire.engine.DEPTH", 3)
            patch.setattr("evkit.acquire.engine.DEPTH_STORED", 3)
            patch.setattr("evkit.acquire.engine.Tally.take", take)
            done = rk.acquire(made, place, way)
    assert done.exit_code == 16, done.lines()
    assert done.made.resumable
    assert kit.end_of(made, "C1/E1/A1") is None
    assert any("--resume" in line for line in done.lines())
    with disk(content, [], "n") as (place, _):
        done = rk.go_on(made, source=os.fsencode(place))
    assert done.exit_code == 0, done.lines()
    assert done.made.outcome.digests["sha256"] == hashlib.sha256(content).hexdigest()
    kit.settled(made.path)


@pytest.mark.parametrize("way", ["raw", "e01"])
@pytest.mark.parametrize("change", [-5 * MIB, 3 * MIB])
def test_a_file_that_changes_its_length_while_it_is_read(memory, way, change, monkeypatch):
    """A deviation and exit 3; an E01 keeps the length that it states, what is lost is a gap."""
    content = rk.content()
    source = memory / "stick.dd"
    source.write_bytes(content)
    made = rk.fresh(memory, "length", monkeypatch)
    real = reading.MediumReader.fill
    monkeypatch.setattr("evkit.acquire.engine.DEPTH", 2)

    def fill(reader, view):
        if reader.done == rk.engine.BLOCK and os.path.getsize(source) == SIZE:
            os.truncate(source, SIZE + change)
        return real(reader, view)

    with monkeypatch.context() as patch:
        patch.setattr(reading.MediumReader, "fill", fill)
        done = rk.acquire(made, source, way)
    assert done.exit_code == 3, done.lines()
    end = kit.end_of(made, "C1/E1/A1")
    assert "source-changed" in {entry.code for entry in end.deviations}
    now = content[: SIZE + change].ljust(SIZE + change, b"\0")
    if way == "e01":
        now = now[:SIZE].ljust(SIZE, b"\0")
        lost = [(SIZE + change, -change)] if change < 0 else []
        assert done.made.gaps == lost
    assert end.fields["media"]["size"] == len(now)
    assert end.fields["media"]["sha256"] == hashlib.sha256(now).hexdigest()
    kit.settled(made.path)


@pytest.mark.parametrize("way", ["raw", "e01"])
def test_a_loop_device_whose_disk_dies(memory, disk, way, monkeypatch):
    """Every sector answers with an error then; that is no medium full of bad sectors."""
    content = rk.content(40 * MIB)
    made = rk.fresh(memory, "loop", monkeypatch)
    with disk(content, [(9 * MIB, 512)]) as (place, process):
        found = subprocess.run(
            ["losetup", "--find", "--show", "--read-only", "--direct-io=on", str(place)],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if found.returncode:
            pytest.skip("loop devices cannot be made here")
        name = found.stdout.strip()
        real, seen = kit.acquire.engine.Tally.take, []

        def take(tally, number, answer):
            real(tally, number, answer)
            seen.append(number)
            if len(seen) == (4 if way == "e01" else 2):  # by then something is kept
                process.kill()
                process.wait(60)

        try:
            with monkeypatch.context() as patch:
                patch.setattr("evkit.acquire.engine.DEPTH", 3)
                patch.setattr("evkit.acquire.engine.DEPTH_STORED", 3)
                patch.setattr("evkit.acquire.engine.Tally.take", take)
                done = rk.acquire(made, name, way)
        finally:
            subprocess.run(["losetup", "--detach", name], check=True)
    assert done.exit_code == 16, done.lines()
    assert done.made.resumable
    assert kit.end_of(made, "C1/E1/A1") is None
    with disk(content, [(9 * MIB, 512)], "n") as (place, _):
        done = rk.go_on(made, source=os.fsencode(place))
    assert done.exit_code == 3, done.lines()
    assert done.made.gaps == [(9 * MIB, 512)]


def test_many_small_reads_do_not_stay_in_memory(memory, disk, monkeypatch):
    """They are compared with the image and forgotten."""
    monkeypatch.setattr(passes, "SAVE_SECONDS", 1e9)
    monkeypatch.setattr(passes, "SMALL", 40)
    most = []
    real = passes.Passes._maybe_keep

    def keep(work):
        most.append(len(work._small))
        real(work)

    monkeypatch.setattr(passes.Passes, "_maybe_keep", keep)
    content = rk.content()
    bad = [(at * 512, 512) for at in range(2000, 9000, 200)]
    made = rk.fresh(memory, "small", monkeypatch)
    with disk(content, bad) as (place, _):
        done = rk.acquire(made, place, "raw")
    assert done.exit_code == 3
    as_truth(made, content, bad)
    assert len(most) > 1000
    assert max(most) <= 41


def test_a_small_read_that_the_disk_does_not_keep_is_found(memory, disk, monkeypatch):
    monkeypatch.setattr(passes, "SAVE_SECONDS", 0.0)
    real = os.pwrite

    def pwrite(descriptor, data, offset):
        place = 3 * MIB + 512 * 3 - offset
        if 0 <= place < len(data) < rk.engine.BLOCK:
            data = bytearray(data)
            data[place] ^= 1
        return real(descriptor, data, offset)

    content = rk.content()
    made = rk.fresh(memory, "forgets", monkeypatch)
    with disk(content, BAD) as (place, _), monkeypatch.context() as patch:
        patch.setattr("evkit.acquire.output.rawout.os.pwrite", pwrite)
        done = rk.acquire(made, place, "raw")
    assert done.exit_code == 4, done.lines()
    assert "does not hold what was read" in done.made.error.message
