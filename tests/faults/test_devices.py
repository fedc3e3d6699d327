"""Devices that misbehave around the first read: read twice, exchanged, gone, a wrong passphrase."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
import stations

from evkit.acquire import log, preflight, source
from evkit.acquire.checks import STATES
from evkit.acquire.found import items as found_items
from evkit.cli.main import run
from evkit.core.errors import ExitCode, InputError
from evkit.station import Station


@pytest.fixture
def loop(tmp_path):
    """A read-only loop device over 1 MiB; detached at the end."""
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        pytest.skip("loop devices need root")
    image = tmp_path / "disk.dd"
    image.write_bytes(os.urandom(1 << 20))
    command = ["losetup", "-r", "-f", "--show", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"losetup: {done.stderr}")
    if shutil.which("udevadm"):  # it looks at new devices as well
        subprocess.run(["udevadm", "settle"], check=False, capture_output=True)
    yield done.stdout.strip()
    listed = subprocess.run(
        ["losetup", "-n", "-O", "NAME", "-j", str(image)], check=True, capture_output=True
    )
    for name in listed.stdout.split():  # a number that was given back may be another test's by now
        subprocess.run(["losetup", "-d", name], check=True)


@pytest.fixture
def station(tmp_path, monkeypatch):
    made = stations.ready(tmp_path / "station")
    phrase = tmp_path / "officer.pw"
    phrase.write_bytes(stations.PHRASE + b"\n")
    monkeypatch.setenv("EVKIT_STATION", str(made.path))
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", str(phrase))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    return made


def kinds(made):
    with Station.open(made.path) as opened:
        return [event.kind for _, event, _ in opened.events()]


def test_two_acquisitions_of_one_device(station, loop, capsys):
    """A process of another station, or of none, reads it: nothing begins here."""
    before = kinds(station)
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from evkit.acquire.source import open_source\n"
        f"opened = open_source({os.fsencode(loop)!r})\n"
        "print('open', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"open\n"
        assert run(["acquire", loop, "--exhibit", "C1/E1"]) == ExitCode.LOCKED
        err = capsys.readouterr().err
        assert f"is being acquired already by process {other.pid}" in err
        assert "hint: wait" in err
        assert kinds(station) == before
    finally:
        other.stdin.close()
        other.wait()
        other.stdout.close()
    source.open_source(os.fsencode(loop)).close()  # the lock went with the process


def test_a_wrong_passphrase_is_found_before_the_first_read(station, loop, tmp_path, monkeypatch):
    wrong = tmp_path / "wrong.pw"
    wrong.write_bytes(b"not the passphrase\n")
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", str(wrong))
    stat = os.path.join("/sys/block", os.path.basename(loop), "stat")
    with open(stat) as handle:
        before = handle.read().split()[0]
    events = kinds(station)
    assert run(["acquire", loop, "--exhibit", "C1/E1"]) == ExitCode.KEY
    with open(stat) as handle:
        assert handle.read().split()[0] == before
    assert kinds(station) == events


def test_a_device_that_is_gone_before_it_is_opened(loop):
    planned = source.open_source(os.fsencode(loop))
    planned.close()
    subprocess.run(["losetup", "-d", loop], check=True)
    try:
        opened = source.open_source(os.fsencode(loop))
    except InputError:
        return
    try:  # an empty loop device can be opened, and has no length
        assert source.same_device(planned.facts, opened.facts)
    finally:
        opened.close()


def test_another_medium_in_the_same_drive(loop, tmp_path):
    opened = source.open_source(os.fsencode(loop))
    planned = opened.facts
    opened.close()
    os.truncate(tmp_path / "disk.dd", 3 << 20)
    subprocess.run(["losetup", "--set-capacity", loop], check=True)
    again = source.open_source(os.fsencode(loop))
    try:
        assert "its size was" in source.same_device(planned, again.facts)[0]
    finally:
        again.close()


def test_what_is_read_cannot_be_mounted(loop, tmp_path):
    """Opened exclusively: the system mounts it for nobody, whatever it holds."""
    opened = source.open_source(os.fsencode(loop))
    try:
        with pytest.raises(OSError, match="busy"):
            os.close(os.open(loop, os.O_RDONLY | os.O_EXCL))
        checks = preflight.examine(opened.facts, os.fsencode(tmp_path))
        assert "cannot be mounted" in checks.named("read-alone").text
    finally:
        opened.close()


def test_the_checks_of_a_real_device(loop, tmp_path):
    opened = source.open_source(os.fsencode(loop))
    try:
        report = preflight.examine(
            opened.facts, os.fsencode(tmp_path), label={"serial": "Z2A1B3C4"}
        )
    finally:
        opened.close()
    fields = report.fields()
    found = {check["check"]: check for check in fields["checks"]}
    assert found["write-block"]["state"] == "checked"
    assert found["read-alone"]["state"] == "checked"
    assert found["mounted-since-attach"]["answer"] in {"no", "unknown"}
    assert found["written-since-attach"]["state"] == "could-not-check"
    assert found["hidden-areas"]["state"] == "could-not-check"
    assert found["label"]["state"] == "could-not-check"
    assert {check["state"] for check in found.values()} <= set(STATES)
    assert fields["identity"] == {"label": {"serial": "Z2A1B3C4"}}
    items = found_items(report)
    assert items["source.mounted"] == "not mounted"
    assert items["source.hidden_areas"] is None
    assert set(items) <= set(log.ITEMS)
    document = log.build("C1/E1/A1", items, {})
    assert document["items"]["source.read_alone"]["state"] == "recorded"
