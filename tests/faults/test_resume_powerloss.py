"""Power lost at any durable step of an acquisition, also while it goes on: resumed to the same."""

from __future__ import annotations

import random

import acquirekit as kit
import powerloss
import pytest
import resumekit as rk
import stations

from evkit.core.errors import CaseError

MIB = 1 << 20
SIZE = 9 * MIB + 512


@pytest.fixture
def disk(monkeypatch):
    """The folder that loses power: station, second copy and user's state."""
    with rk.memory() as folder:
        path = folder / "disk"
        path.mkdir()
        monkeypatch.setenv("XDG_STATE_HOME", str(path / "state"))
        yield path


@pytest.fixture(autouse=True)
def small(monkeypatch):
    rk.small_steps(monkeypatch)


def some(run, most):
    """States that a power loss at any moment can leave, evenly over the run."""
    chance = random.Random(most)
    for turn in range(most):
        number = (turn * len(run.cuts) + chance.randrange(len(run.cuts))) // most
        ledger = "new" if run.cuts[number].after is not None and chance.random() < 0.5 else "old"
        yield powerloss.loss_of(
            run.cuts[number], number, chance.choice(powerloss.NAMES),
            chance.choice(powerloss.DATA), ledger,
        )  # fmt: skip


def ready(disk, name):
    """A station and the folder of a second copy, both below the disk."""
    (disk / f"second-{name}").mkdir()
    return stations.ready(disk / f"station-{name}")


def settled(made, found):
    """Go on, or put on record what had not begun; the files are those of an uninterrupted run."""
    try:
        done = rk.go_on(made)
    except CaseError:
        end = kit.end_of(made, "C1/E1/A1")
        if end is None:
            assert not (rk.folders(made)[0] / "image.E01").exists()
            assert not (rk.folders(made)[0] / "image.raw").exists()
            return False
    else:
        assert done.exit_code == 0, done.lines()
    assert [rk.files(folder) for folder in rk.folders(made)] == found
    assert kit.end_of(made, "C1/E1/A1").fields["result"] == "complete"
    kit.settled(made.path)
    return True


@pytest.mark.parametrize("most", [12, pytest.param(250, marks=pytest.mark.slow)])
@pytest.mark.parametrize("way", ["raw", "split-at-blocks", "e01-segments"])
@pytest.mark.timeout(3000)
def test_power_lost_and_resumed(disk, way, most, monkeypatch):
    source = disk.parent / "stick.dd"
    source.write_bytes(rk.content(SIZE))
    monkeypatch.setenv("XDG_STATE_HOME", str(disk.parent / "state"))
    (disk.parent / "second-whole").mkdir()
    whole = stations.ready(disk.parent / "station-whole")
    rk.acquire(whole, source, way, verify="none")
    found = [rk.files(folder) for folder in rk.folders(whole)]
    monkeypatch.setenv("XDG_STATE_HOME", str(disk / "state"))
    made = ready(disk, "a")
    run = powerloss.watch(lambda: rk.acquire(made, source, way, verify="none"), disk)
    assert run.code == 0
    went_on = 0
    for loss in some(run, most):
        loss.play(disk)
        try:
            went_on += settled(made, found)
        except BaseException:
            print(loss, run.cuts[loss.cut].kind, run.cuts[loss.cut].path)
            raise
    assert went_on > most // 4


@pytest.mark.parametrize("way", ["raw", "e01-segments"])
def test_power_lost_again_while_going_on(disk, way, monkeypatch):
    source = disk.parent / "stick.dd"
    source.write_bytes(rk.content(SIZE))
    monkeypatch.setenv("XDG_STATE_HOME", str(disk.parent / "state"))
    (disk.parent / "second-whole").mkdir()
    whole = stations.ready(disk.parent / "station-whole")
    rk.acquire(whole, source, way, verify="none")
    found = [rk.files(folder) for folder in rk.folders(whole)]
    monkeypatch.setenv("XDG_STATE_HOME", str(disk / "state"))
    made = ready(disk, "a")
    rk.stop_after(lambda: rk.acquire(made, source, way, verify="none"), 1)
    run = powerloss.watch(lambda: rk.go_on(made), disk)
    assert run.code == 0
    for loss in some(run, 8):
        loss.play(disk)
        try:
            assert settled(made, found)
        except BaseException:
            print(loss, run.cuts[loss.cut].kind, run.cuts[loss.cut].path)
            raise
