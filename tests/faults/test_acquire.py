"""Acquiring stopped at every durable step, killed at random, on a full and on a failing disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import acquirekit as kit
import pytest
import stations
import usage

from evkit.acquire import imager, journal
from evkit.actions import latework
from evkit.core.errors import CaseError

SIZE = (9 << 20) + 77


def medium(memory, size=SIZE):
    path = memory / "stick.dd"
    path.write_bytes(os.urandom(size))
    return path


def fresh(memory, name, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / f"state-{name}"))
    return stations.ready(memory / f"station-{name}")


def finish_all(made) -> None:
    """Do what `status` tells: nothing may be left over afterwards."""
    with made.open() as station:
        for action in (latework.sign_late, latework.finish):
            try:
                action(station, made.officer, "C1/E1", "acquire")
            except CaseError:
                continue
        assert station.journals() == []
        replayed = station.state("C1").state.exhibit("C1/E1")
        assert all(a.ended_entry is not None for a in replayed.acquisitions.values())


def test_stopped_at_every_step(memory, monkeypatch):
    source = medium(memory)
    made = fresh(memory, "count", monkeypatch)
    code, total = kit.run_stopped(lambda: kit.acquire_with(made, source), None)
    assert (code, total > 20) == (0, True)
    finals = 0
    for at in range(total):
        made = fresh(memory, at, monkeypatch)
        code, _ = kit.run_stopped(lambda made=made: kit.acquire_with(made, source), at)
        assert code == 9
        kit.settled(made.path)
        folder = made.path / "cases" / "C1" / "E1" / "A1"
        finals += (folder / "image.raw").exists()
        finish_all(made)
        kit.settled(made.path)
        after = kit.acquire_with(made, source)
        assert after.exit_code == 0
        kit.settled(made.path)
        shutil.rmtree(made.path)
    assert finals > 0


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_random(memory, monkeypatch, kills):
    """The real program, SIGKILL at random moments of its run."""
    source = medium(memory, 40 << 20)
    chance = random.Random(7)
    made = fresh(memory, "kill", monkeypatch)
    started = time.monotonic()
    arguments = ("acquire", str(source), "--exhibit", "C1/E1")
    process = kit.evkit_process(made.path, *arguments, stdout=subprocess.DEVNULL)
    assert process.wait(120) == 0
    whole_run = time.monotonic() - started
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


def test_status_says_what_was_begun(memory, monkeypatch):
    source = medium(memory)
    made = fresh(memory, "status", monkeypatch)
    _, total = kit.run_stopped(lambda: kit.acquire_with(made, source), None)
    made = fresh(memory, "status2", monkeypatch)
    kit.run_stopped(lambda: kit.acquire_with(made, source), total // 2)
    from evkit.actions import status

    with made.open() as station:
        work = status.run(station).work
    assert [(entry.ref, entry.what, entry.state) for entry in work] == [
        ("C1/E1/A1", "acquire", "stopped")
    ]


def test_running_work_is_not_finished_by_another(memory, monkeypatch):
    made = fresh(memory, "running", monkeypatch)
    process = kit.evkit_process(
        made.path, "acquire", "-", "--exhibit", "C1/E1",
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    part = made.path / "cases" / "C1" / "E1" / "A1" / "image.raw.part"
    try:
        process.stdin.write(bytes(9 << 20))
        process.stdin.flush()
        for _ in range(2400):
            if part.exists():
                break
            time.sleep(0.05)
        other = kit.evkit_process(
            made.path, "acquire", "--finish", "--exhibit", "C1/E1", stderr=subprocess.PIPE
        )
        assert b"another process works on this acquisition" in other.stderr.read()
        other.stderr.close()
        assert other.wait(60) == 15
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
    kit.settled(made.path)
    finish_all(made)


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 24 MiB; needs the right to mount."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)],
        check=False, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_destination(small_disk, tmp_path, monkeypatch):
    """A stream has no length that could be checked before: the disk fills while it is read."""
    made = stations.ready(small_disk / "station")
    process = kit.evkit_process(
        made.path, "acquire", "-", "--exhibit", "C1/E1", stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with contextlib.suppress(BrokenPipeError):
        for _ in range(64):
            process.stdin.write(bytes(1 << 20))
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    out = process.stdout.read().decode()
    process.stdout.close()
    assert process.wait(60) == 16, out
    assert "No space left" in out
    assert "hint: free space" in out
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["result"] == "failed"
    kit.settled(made.path)
    names = {path.name for path in (made.path / "cases" / "C1" / "E1" / "A1").iterdir()}
    assert names == {"acquisition-log.json"}


def test_too_little_room_is_said_before_the_first_read(small_disk, tmp_path):
    made = stations.ready(small_disk / "station")
    source = tmp_path / "big"
    with open(source, "wb") as handle:
        handle.truncate(1 << 30)
    process = kit.evkit_process(
        made.path, "acquire", str(source), "--exhibit", "C1/E1", "--format", "raw",
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert b"are needed" in process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 16
    assert not (made.path / "cases" / "C1").exists()


def test_a_failing_disk(tmp_path, program):
    """Real I/O errors: a sector in the middle and the last one cannot be read."""
    nbdkit, nbdfuse = program("nbdkit"), program("nbdfuse")
    size = 6 << 20
    content = os.urandom(size)
    (tmp_path / "disk.raw").write_bytes(content)
    script = tmp_path / "disk.sh"
    bad = [(3 << 20) + 512 * 9, size - 512]
    tests = " || ".join(f"[ $(($4 + $3)) -gt {at} -a $4 -lt {at + 512} ]" for at in bad)
    script.write_text(
        "#!/bin/bash\ncase $1 in\n"
        f"get_size) echo {size};;\n"
        f"pread) if {tests}; then echo EIO Input/output error >&2; exit 1; fi\n"
        f" dd if='{tmp_path}/disk.raw' skip=$4 count=$3 status=none"
        " iflag=skip_bytes,count_bytes;;\n"
        "*) exit 2;;\nesac\n"
    )
    script.chmod(0o755)
    with kit.failing_disk(tmp_path / "m", nbdkit, nbdfuse, "sh", str(script)) as place:
        if place is None:
            pytest.skip("FUSE cannot be used here")
        made = stations.ready(tmp_path / "station")
        done = kit.acquire_with(made, place)
    assert done.exit_code == 3
    assert done.made.gaps == [(at, 512) for at in bad]
    image = (made.path / "cases/C1/E1/A1/image.raw").read_bytes()
    wanted = bytearray(content)
    for at in bad:
        wanted[at : at + 512] = bytes(512)
    assert image == bytes(wanted)
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["result"] == "with-gaps"
    assert end.fields["unread"]["bytes"] == 1024
    assert end.fields["media"]["sha256"] == hashlib.sha256(image).hexdigest()
    assert "image.map" in {item["name"] for item in end.fields["artifacts"]}
    assert any("could not be read" in line for line in done.lines())
    assert f"complete but for gaps, {size:,} bytes" in done.lines()[0]
    assert done.document()["bytes_read"] == size - 1024
    kit.settled(made.path)


@pytest.fixture
def loop(tmp_path):
    """A loop device over an odd number of sectors; needs the right to make one."""
    backing = tmp_path / "backing"
    backing.write_bytes(os.urandom((5 << 20) + 512 * 3))
    done = subprocess.run(
        ["losetup", "--find", "--show", str(backing)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("loop devices cannot be made here")
    name = done.stdout.strip()
    yield name, backing
    subprocess.run(["losetup", "--detach", name], check=True)


def test_a_block_device(loop, tmp_path):
    name, backing = loop
    made = stations.ready(tmp_path / "station")
    done = kit.acquire_with(made, name)
    assert done.exit_code == 0
    image = (made.path / "cases/C1/E1/A1/image.raw").read_bytes()
    assert image == backing.read_bytes()
    assert any("the device is writable" in text for text in done.remarks)
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["media"]["sector_size"] == 512
    with made.open() as station:
        start = next(e for _, e, _ in station.events("C1") if e.kind == "acquire-start")
    assert start.fields["source"]["size"] == len(image)
    assert "source-writable" in {entry.code for entry in start.deviations}
    subprocess.run(["blockdev", "--setro", name], check=True)
    try:
        again = kit.acquire_with(made, name)
    finally:
        subprocess.run(["blockdev", "--setrw", name], check=True)
    assert not any("writable" in text for text in again.remarks)
    assert again.made.outcome.digests == done.made.outcome.digests


def test_a_mounted_device_and_a_station_on_the_source(loop, tmp_path, program):
    name, _ = loop
    subprocess.run([program("mkfs.ext4"), "-q", name], check=True, capture_output=True)
    place = tmp_path / "mnt"
    place.mkdir()
    made = stations.ready(tmp_path / "station")
    if subprocess.run(["mount", name, place], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        process = kit.evkit_process(
            made.path, "acquire", name, "--exhibit", "C1/E1", stderr=subprocess.PIPE
        )
        assert b"is mounted for writing at" in process.stderr.read()
        process.stderr.close()
        assert process.wait(60) == 15
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        done = kit.acquire_with(made, name)
        assert any("mounted read-only at" in text for text in done.remarks)
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("gib", [1, pytest.param(64, marks=pytest.mark.slow)])
def test_memory_does_not_depend_on_the_length(tmp_path, gib):
    """A sparse source much longer than all buffers together; 200 MB must do."""
    source = tmp_path / "sparse"
    with open(source, "wb") as handle:
        handle.truncate(gib << 30)
    made = stations.ready(tmp_path / "station")
    process = kit.evkit_process(
        made.path, "acquire", str(source), "--exhibit", "C1/E1", "--verify", "none",
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    peak = 0
    while process.poll() is None:
        peak = max(peak, usage.peak(process.pid))
        time.sleep(0.01)
    assert process.returncode == 0
    assert 10_000_000 < peak < 200_000_000


def test_the_journal_is_there_before_the_first_read(memory, monkeypatch):
    made = fresh(memory, "before", monkeypatch)
    seen = []
    real = imager.make

    def make(opened, order, *rest):
        seen.append(journal.read(order.folder))
        return real(opened, order, *rest)

    monkeypatch.setattr("evkit.actions.acquire.imager.make", make)
    kit.acquire_with(made, medium(memory, 100))
    assert seen[0].state == "running"
    assert seen[0].start_event is not None
