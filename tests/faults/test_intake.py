"""Taking in stopped at every durable step, killed at random, on a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import acquirekit as kit
import pytest
import stations

from evkit.actions import latework
from evkit.core.errors import CaseError


def fresh(memory, name, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / f"state-{name}"))
    return stations.ready(memory / f"station-{name}")


def delivery(folder, count=4):
    top = folder / "export"
    top.mkdir()
    for number in range(count):
        (top / f"{number}.txt").write_bytes(os.urandom(100 + number))
    (top / "large").write_bytes(os.urandom((8 << 20) + 9))
    os.symlink("x", top / "link")
    return top


def finish_all(made) -> None:
    with made.open() as station:
        for action in (latework.sign_late, latework.finish):
            try:
                action(station, made.officer, "C1/E1", "intake")
            except CaseError:
                continue
        assert station.journals() == []


def every_step(memory, monkeypatch, paths, kind):
    def action(made):
        return lambda: kit.intake_with(made, *paths, kind=kind)

    made = fresh(memory, "count", monkeypatch)
    code, total = kit.run_stopped(action(made), None)
    assert (code, total > 20) == (0, True)
    for at in range(total):
        made = fresh(memory, at, monkeypatch)
        code, _ = kit.run_stopped(action(made), at)
        assert code == 9
        kit.settled(made.path)
        finish_all(made)
        kit.settled(made.path)
        assert kit.intake_with(made, *paths, kind=kind).exit_code == 0
        kit.settled(made.path)
        shutil.rmtree(made.path)


def test_files_stopped_at_every_step(memory, monkeypatch):
    every_step(memory, monkeypatch, [delivery(memory)], "files")


def test_an_image_stopped_at_every_step(memory, monkeypatch, vectors):
    every_step(memory, monkeypatch, [vectors / "images" / "ext2.split.E01"], "image")


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_random(memory, monkeypatch, kills):
    made = fresh(memory, "kill", monkeypatch)
    arguments = ("intake", str(delivery(memory, 200)), "--exhibit", "C1/E1")
    started = time.monotonic()
    assert kit.evkit_process(made.path, *arguments, stdout=subprocess.DEVNULL).wait(120) == 0
    whole_run = time.monotonic() - started
    chance = random.Random(11)
    for _ in range(kills):
        process = kit.evkit_process(
            made.path, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.3, 1.0) * whole_run)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        kit.settled(made.path)
    finish_all(made)
    kit.settled(made.path)


def test_a_destination_that_fills_up(tmp_path):
    """The room looks enough; somebody else takes it while the files are copied."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(place)],
        check=False, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        made = stations.ready(place / "station")
        top = tmp_path / "export"
        top.mkdir()
        for number in range(10):
            (top / str(number)).write_bytes(bytes(1 << 20))
        from evkit.acquire import taking

        real = taking.take
        taken = []

        def take(*arguments, **options):
            taken.append(True)
            if len(taken) == 5:
                with open(place / "other", "wb") as handle:
                    handle.write(bytes((32 << 20) - _used(place) - (1 << 20) * 3 // 4))
            return real(*arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(taking, "take", take)
            patch.setattr("evkit.acquire.preflight.SPARE", 0)
            result = kit.intake_with(made, top)
        assert result.exit_code == 16
        assert kit.end_of(made, "C1/E1/A1").fields["result"] == "failed"
        assert list((made.path / "cases/C1/E1/A1").iterdir()) == []
        kit.settled(made.path)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _used(place: Path) -> int:
    found = os.statvfs(place)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
