"""A targeted acquisition stopped at every durable step, by signals, on a full disk."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import time

import acquirekit as kit
import stations

from evkit.actions import acquire_targeted, latework
from evkit.actions.targeted_job import Wish
from evkit.core import durable
from evkit.core.errors import CaseError


def fresh(memory, name, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / f"state-{name}"))
    return stations.ready(memory / f"station-{name}")


def system(folder, count=3):
    top = folder / "system"
    (top / "d").mkdir(parents=True)
    for number in range(count):
        (top / "d" / f"{number}.txt").write_bytes(os.urandom(100 + number))
    (top / "other").write_bytes(b"1")
    return top


def acquire(made, top):
    with made.open() as station:
        wish = Wish(source=os.fsencode(top), exhibit="C1/E1", listed=b"d\nno\n")
        return acquire_targeted.run(station, made.officer, wish)


def finish_all(made) -> None:
    with made.open() as station:
        for action in (latework.sign_late, latework.finish):
            try:
                action(station, made.officer, "C1/E1", "acquire")
            except CaseError:
                continue
        assert station.journals() == []


def test_stopped_at_every_step(memory, monkeypatch):
    top = system(memory)

    def action(made):
        return lambda: acquire(made, top)

    made = fresh(memory, "count", monkeypatch)
    code, total = kit.run_stopped(action(made), None)
    assert (code, total > 20) == (0, True)
    for at in range(total):
        made = fresh(memory, at, monkeypatch)
        assert kit.run_stopped(action(made), at)[0] == 9
        kit.settled(made.path)
        finish_all(made)
        kit.settled(made.path)
        assert acquire(made, top).exit_code == 0
        kit.settled(made.path)
        shutil.rmtree(made.path)


def test_a_full_disk_is_recorded_as_failed(memory, monkeypatch):
    made, top = fresh(memory, "full", monkeypatch), system(memory)

    def full(path):
        if b"files.jsonl" in os.fsencode(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "step", lambda _kind, path, *_: full(path))
    result = acquire(made, top)
    monkeypatch.undo()
    assert (result.taken.result, result.exit_code) == ("failed", 16)
    assert not [line for line in result.lines() if "partial by decision" in line]
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["result"] == "failed"
    assert "selection" not in end.fields
    kit.settled(made.path)


def test_killed_while_copying(memory, monkeypatch):
    """SIGINT is recorded as stopped; SIGKILL leaves a journal that `--finish` closes."""
    top = system(memory)
    with open(top / "d" / "large", "wb") as handle:
        handle.truncate(3 << 30)
    (memory / "list").write_bytes(b"d\n")
    for number, word in ((signal.SIGINT, "stopped"), (signal.SIGKILL, "failed")):
        made = fresh(memory, word, monkeypatch)
        process = kit.evkit_process(
            made.path, "acquire", str(top), "--exhibit", "C1/E1", "--type", "targeted",
            "--files", str(memory / "list"), "--no-count", "--hash", "sha512,md5,sha1",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        part = made.path / "cases/C1/E1/A1/files.part"
        for _ in range(2400):
            if part.is_dir() and any(part.iterdir()):
                break
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate(timeout=60)
        kit.settled(made.path)
        finish_all(made)
        assert kit.end_of(made, "C1/E1/A1").fields["result"] == word
        kit.settled(made.path)
        shutil.rmtree(made.path)
