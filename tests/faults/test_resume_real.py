"""The real program killed at random, on full disks, beside another; its memory and its start."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import time

import acquirekit as kit
import pytest
import resumekit as rk
import stations

from evkit.core import durable
from evkit.core.errors import RefusedError, StorageError

MIB = 1 << 20
FEW = 10
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def whole(made, content, number=1):
    """The image of an acquisition is the content, and nothing is left beside it."""
    folder = made.path / "cases" / "C1" / "E1" / f"A{number}"
    names = {path.name for path in folder.iterdir()}
    assert not any(name.endswith(durable.PART) for name in names), names
    assert "journal.json" not in names
    end = kit.end_of(made, f"C1/E1/A{number}")
    assert end.fields["result"] == "complete"
    assert end.fields["media"]["sha256"] == hashlib.sha256(content).hexdigest()
    if (folder / "image.raw").exists():
        assert (folder / "image.raw").read_bytes() == content
    kit.settled(made.path)
    return end


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("form", ["raw", "e01"])
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_random_and_resumed(memory, form, kills, monkeypatch):
    """Again and again until it gets through; sometimes several times in one acquisition."""
    content = rk.content((96 if kills > FEW else 20) * MIB + 512)
    source = memory / "stick.dd"
    source.write_bytes(content)
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state"))
    made = stations.ready(memory / "station")
    chance = random.Random(11)
    begin = ("acquire", str(source), "--exhibit", "C1/E1", "--format", form)
    started = time.monotonic()
    assert kit.evkit_process(made.path, *begin, **QUIET).wait(120) == 0
    length = time.monotonic() - started
    whole(made, content)
    number, begun, killed, gone_on = 1, False, 0, 0
    while killed < kills or begun:
        arguments = ("acquire", "--resume", "--exhibit", "C1/E1") if begun else begin
        process = kit.evkit_process(
            made.path, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if killed < kills:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.15 if kills > FEW else 0.5, 1.0) * length)
            killed += process.poll() is None
            process.send_signal(signal.SIGKILL)
        said = process.stderr.read()
        process.stderr.close()
        code = process.wait(120)
        assert code in {0, 10, -9}, said
        gone_on += begun and code == 0
        if code == 10:  # nothing to go on with: it had not begun, or all was recorded
            rk.settle(made)
        folder = made.path / "cases" / "C1" / "E1" / f"A{number + 1}"
        begun = (folder / "journal.json").exists()
        if folder.exists() and not begun:
            number += 1
            if kit.end_of(made, f"C1/E1/A{number}") is not None:
                end = kit.end_of(made, f"C1/E1/A{number}")
                if end.fields["result"] != "failed":
                    whole(made, content, number)
    assert gone_on > 0 or kills <= FEW


@contextlib.contextmanager
def small_disk(folder, size):
    """A tmpfs; needs the right to mount."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)],
        check=False, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("way", ["e01", "e01-segments"])
def test_a_disk_that_fills_up_in_a_segment(memory, way, monkeypatch):
    """Exit 16, the journal stays, room is given back; with more room it goes on."""
    rk.small_steps(monkeypatch)
    content = random.Random(1).randbytes(rk.SIZE)
    source = memory / "stick.dd"
    source.write_bytes(content)
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state-expected"))
    expected = stations.ready(memory / "expected")
    kit.acquire_with(expected, source, **rk.WAYS[way])
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state"))
    made = stations.ready(memory / "station")
    with small_disk(memory / "small", "9m") as place:
        done = kit.acquire_with(made, source, **{**rk.WAYS[way], "to": os.fsencode(place)})
        assert done.exit_code == 16, done.lines()
        assert done.made.resumable
        assert "No space left" in done.made.error.message
        assert any("free space" in line for line in done.lines())
        assert kit.end_of(made, "C1/E1/A1") is None
        state = json.loads((made.path / "cases/C1/E1/A1/journal.json").read_bytes())
        parts = sum(path.stat().st_size for path in (place / "C1/E1/A1").iterdir())
        kept = sum(part["size"] for part in state["work"]["state"]["done"])
        assert parts == kept + state["work"]["state"]["e01"]["offset"]
        again = rk.go_on(made)
        assert again.exit_code == 16
        subprocess.run(["mount", "-o", "remount,size=40m", str(place)], check=True)
        done = rk.go_on(made)
        assert done.exit_code == 0, done.lines()
        found = rk.files(place / "C1/E1/A1")
        plain = rk.files(expected.path / "cases/C1/E1/A1")
        images = {name for name in plain if name.startswith("image.E")}
        assert {name: found[name] for name in images} == {name: plain[name] for name in images}
        assert not any(name.endswith(".part") for name in found)


def test_a_full_station_and_a_raw_image(memory, monkeypatch):
    """The journal of an earlier checkpoint is enough when a newer one could not be written."""
    rk.small_steps(monkeypatch)
    content = random.Random(2).randbytes(rk.SIZE)
    source = memory / "stick.dd"
    source.write_bytes(content)
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state"))
    monkeypatch.setattr("evkit.acquire.preflight.room", lambda _: None)
    with small_disk(memory / "small", "11m") as place:
        made = stations.ready(place / "station")
        done = kit.acquire_with(made, source)
        assert done.exit_code == 16, done.lines()
        kit.settled(made.path)
        subprocess.run(["mount", "-o", "remount,size=60m", str(place)], check=True)
        assert rk.go_on(made).exit_code == 0
        whole(made, content)


def test_a_read_only_destination_is_refused_before_anything_is_recorded(memory, monkeypatch):
    source = memory / "stick.dd"
    source.write_bytes(bytes(MIB))
    made = rk.fresh(memory, "ro", monkeypatch)
    with small_disk(memory / "small", "9m") as place:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        for name in ("to", "also"):
            with pytest.raises(StorageError, match="cannot be written to"):
                kit.acquire_with(made, source, **{name: os.fsencode(place)})
    assert not (made.path / "cases" / "C1").exists()


def test_a_destination_that_holds_an_image_is_refused(memory, monkeypatch):
    """As when two stations use the same numbers on one medium: said before, not after the hours."""
    source = memory / "stick.dd"
    source.write_bytes(bytes(MIB))
    place = memory / "store"
    place.mkdir()
    first = rk.fresh(memory, "first", monkeypatch)
    other = rk.fresh(memory, "other", monkeypatch)
    assert kit.acquire_with(first, source, to=os.fsencode(place)).exit_code == 0
    before = rk.files(place / "C1/E1/A1")
    with pytest.raises(RefusedError, match="holds files already"):
        kit.acquire_with(other, source, to=os.fsencode(place))
    assert rk.files(place / "C1/E1/A1") == before
    assert not (other.path / "cases" / "C1").exists()


def test_the_wrong_passphrase_is_found_before_the_first_read(memory, monkeypatch):
    source = memory / "stick.dd"
    source.write_bytes(bytes(MIB))
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state"))
    made = stations.ready(memory / "station")
    (memory / "phrase").write_bytes(b"wrong\n")
    process = kit.evkit_process(
        made.path, "acquire", str(source), "--exhibit", "C1/E1", stderr=subprocess.PIPE
    )
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 12, said
    assert not (made.path / "cases" / "C1").exists()
    with made.open() as station:
        assert not any(e.kind.startswith("acquire") for _, e, _ in station.events("C1"))


def test_two_acquisitions_of_one_device(memory, monkeypatch):
    backing = memory / "backing"
    with open(backing, "wb") as handle:
        handle.truncate(2 << 30)
    found = subprocess.run(
        ["losetup", "--find", "--show", "--read-only", str(backing)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if found.returncode:
        pytest.skip("loop devices cannot be made here")
    name = found.stdout.strip()
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state"))
    try:
        made = stations.ready(memory / "station")
        arguments = ("acquire", name, "--exhibit", "C1/E1", "--format", "e01")
        first = kit.evkit_process(made.path, *arguments, **QUIET)
        part = made.path / "cases/C1/E1/A1/image.E01.part"
        end = time.monotonic() + 60
        while not part.exists() and first.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        first.send_signal(signal.SIGSTOP)  # it is not done before the other has tried
        second = kit.evkit_process(made.path, *arguments, stderr=subprocess.PIPE)
        said = second.stderr.read().decode()
        second.stderr.close()
        assert second.wait(60) == 11, said
        assert "being acquired already" in said
        first.kill()
        first.wait()
        with made.open() as station:
            starts = [e for _, e, _ in station.events("C1") if e.kind == "acquire-start"]
        assert len(starts) == 1
    finally:
        subprocess.run(["losetup", "--detach", name], check=True)


def resident(process) -> int:
    """Memory of a program and its children, shared pages counted once."""
    total = 0
    numbers = [process.pid]
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    with contextlib.suppress(OSError), open(children) as handle:
        numbers += map(int, handle.read().split())
    for number in numbers:
        with contextlib.suppress(OSError), open(f"/proc/{number}/smaps_rollup") as handle:
            for line in handle:
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


@pytest.mark.slow
@pytest.mark.parametrize("form", ["e01", "raw"])
def test_memory_and_start_of_a_large_source(tmp_path, form):
    source = tmp_path / "sparse"
    with open(source, "wb") as handle:
        handle.truncate(1 << 40)
        for at in range(0, 2 << 30, 64 * MIB):
            os.pwrite(handle.fileno(), os.urandom(8 * MIB), at)
    made = stations.ready(tmp_path / "station")
    process = kit.evkit_process(
        made.path, "acquire", str(source), "--exhibit", "C1/E1", "--format", form,
        "--verify", "none", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    folder = made.path / "cases/C1/E1/A1"
    part = folder / ("image.E01.part" if form == "e01" else "image.raw.part")
    begun = wrote = 0.0
    peak = 0
    end = time.monotonic() + 25
    while time.monotonic() < end and process.poll() is None:
        if not begun and (folder / "journal.json").exists():
            begun = b"start_event" in (folder / "journal.json").read_bytes() and time.monotonic()
        if not wrote and part.exists() and part.stat().st_size:
            wrote = time.monotonic()
        peak = max(peak, resident(process))
        time.sleep(0.02)
    if form == "raw" and process.poll() is not None:  # there is no room for a TiB
        assert b"are needed" in process.stderr.read()
        process.stderr.close()
        return
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(120) == 130, said
    print("start to first bytes", wrote - begun, "peak", peak / 1e6)
    assert begun
    assert 0 < wrote - begun < 2.0
    assert 30_000_000 < peak < 300_000_000


def test_a_plan_says_the_time_of_each_phase(memory, monkeypatch):
    source = memory / "stick.dd"
    source.write_bytes(rk.content())
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state"))
    made = stations.ready(memory / "station")
    process = kit.evkit_process(
        made.path, "acquire", str(source), "--exhibit", "C1/E1", "--dry-run",
        stdout=subprocess.PIPE,
    )  # fmt: skip
    said = process.stdout.read().decode()
    process.stdout.close()
    assert process.wait(60) == 0
    assert "time: read about" in said
    assert "verify about" in said
    assert not (made.path / "cases" / "C1").exists()
