"""The rule of the device guard, read by udev itself in a mount namespace of its own."""

from __future__ import annotations

import os
import subprocess

import pytest

from evkit.acquire import guard, sysfs


@pytest.fixture
def simulate(program, tmp_path):
    """Let udev apply a rule to the first real disk; return the properties and programs to run."""
    udevadm = program("udevadm")
    if os.geteuid() != 0:
        pytest.skip("a mount namespace needs root")
    disks = [
        os.path.realpath(os.path.join(sysfs.LOOPS, name)) for name in sysfs.entries(sysfs.LOOPS)
    ]
    disks = [disk for disk in disks if b"/devices/virtual/" not in disk]
    if not disks:
        pytest.skip("this machine has no disk that is not virtual")
    names = [os.fsdecode(disk) for disk in disks]

    def run(text: str, action: str = "add") -> str:
        rule = tmp_path / guard.NAME.decode()
        rule.write_text(text)
        script = "\n".join((
            "set -e",
            "mount -t tmpfs none /run && mount -t tmpfs none /dev",
            f"mkdir -p /run/udev/rules.d && cp {rule} /run/udev/rules.d/",
            f"exec {udevadm} test --action={action} {names[0]}",
        ))  # fmt: skip
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False
        )
        if done.returncode and "unshare" in done.stderr:
            pytest.skip(f"no mount namespace here: {done.stderr}")
        told = done.stdout + done.stderr
        assert "DEVNAME=" in told, told
        wrong = [line for line in told.splitlines() if "evkit-guard.rules:" in line]
        assert all(" RUN " in line for line in wrong), wrong
        return told

    return run


def test_what_is_there_is_left_alone(simulate):
    told = simulate(guard.rule("/sbin/blockdev"))
    assert "EVKIT_GUARD=" not in told
    assert "blockdev" not in told.replace("/dev/blockdev", "")


def test_what_is_new_is_guarded(simulate, monkeypatch):
    monkeypatch.setattr(guard, "_present", list)
    told = simulate(guard.rule("/sbin/blockdev"))
    assert "EVKIT_GUARD=" in told
    assert "UDISKS_IGNORE=1" in told
    assert "run: '/sbin/blockdev --setro /dev/" in told


def test_another_disk_at_the_same_place_is_new(simulate):
    text = guard.rule("/sbin/blockdev")
    if "diskseq" not in text:
        pytest.skip("this kernel has no sequence of disks")
    import re

    told = simulate(re.sub(r'diskseq}=="\d+"', 'diskseq}=="999999"', text))
    assert "UDISKS_IGNORE=1" in told


def test_later_events_do_not_lock_again(simulate, monkeypatch):
    monkeypatch.setattr(guard, "_present", list)
    told = simulate(guard.rule("/sbin/blockdev"), action="change")
    assert "blockdev --setro" not in told.replace("RUN+=", "")
