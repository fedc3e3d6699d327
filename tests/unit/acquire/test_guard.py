"""The rule of the device guard, and what the pre-flight says of attach, mounts and writes."""

from __future__ import annotations

import machinekit
import pytest

from evkit.acquire import guard, mounting
from evkit.acquire.checks import CHECKED, FAILED, UNKNOWN
from evkit.core import clock


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = machinekit.Machine(tmp_path)
    made.patch(monkeypatch)
    made.disk("sda", "8:0", diskseq="3")
    made.disk("sdb", "8:16", at="pci/usb1/host5", parts={"sdb1": ("8:17", 10)})
    made.disk("loop0", "7:0", at="virtual")
    return made


def test_the_rule_leaves_alone_what_is_there(machine):
    text = guard.rule("/sbin/blockdev")
    skip = [line for line in text.splitlines() if line.startswith("DEVPATH==")]
    assert skip[0] == 'DEVPATH=="/devices/virtual/*", GOTO="evkit_guard_end"'
    assert '"/devices/pci/ata1/host0/block/sda|/devices/pci/ata1/host0/block/sda/*"' in skip[1]
    assert 'ATTRS{diskseq}=="3"' in skip[1]
    assert "diskseq" not in skip[2]
    assert len(skip) == 3
    assert text.index("sdb/*") < text.index("--setro $devnode")
    assert 'ENV{UDISKS_IGNORE}="1"' in text
    assert guard.NOTE in text


def test_a_path_that_could_break_the_rule_is_left_out(machine):
    machine.disk('s"x', "8:99", at="pci/usb2")
    assert 's"x' not in guard.rule("/sbin/blockdev")


def test_status(machine):
    assert guard.status().text == "the guard is off"
    path = machine.top / "rules" / guard.NAME.decode()
    path.write_text(guard.rule("/sbin/blockdev"))
    found = guard.status()
    assert found.active
    assert found.since in found.text
    (machine.top / "control").unlink()
    assert not guard.status().active
    (machine.top / "boot_id").write_text("00000000-0000-0000-0000-000000000001\n")
    assert "earlier start" in guard.status().text
    path.write_text("something else")
    assert "not a rule of evkit" in guard.status().text
    path.write_bytes(b"\xff" * 99)
    assert not guard.status().active


def test_active_at_attach(machine):
    machine.udev("8:16", "E:EVKIT_GUARD=2026-11-26T00:46:50.272Z", ago=5)
    check = guard.at_attach("8:16")
    assert (check.state, check.answer) == (CHECKED, "yes")
    assert "no write blocker" in check.text
    machine.udev("8:16", ago=5)
    assert guard.at_attach("8:16").answer == "no"
    check = guard.at_attach("8:0")
    assert (check.state, check.answer) == (UNKNOWN, "unknown")


def test_mounted_now_is_yes(machine):
    machine.mount("8:17", "/media/x", "ro")
    check = mounting.since_attach("8:16")
    assert (check.state, check.answer, check.code) == (FAILED, "yes", "mounted-since-attach")


@pytest.mark.parametrize(
    "line",
    ["EXT4-fs (sdb1): mounted filesystem 1-2 ro", "XFS (sdb1): Mounting V5 Filesystem",
     "BTRFS info (device sdb1): using crc32c", "FAT-fs (sdb1): Volume was not properly unmounted",
     "exFAT-fs (sdb1): Volume was not", "ntfs3: sdb1: volume is dirty",
     "F2FS-fs (sdb): Mounted with checkpoint"],
)  # fmt: skip
def test_the_kernel_names_a_mount(machine, line):
    now = int(clock.monotonic() * 1e6)
    machine.udev("8:16", ago=60)
    machine.log((now - 30_000_000, line))
    assert mounting.since_attach("8:16").answer == "yes"
    machine.log((now - 90_000_000, line))  # before it was attached: another device of that name
    assert mounting.since_attach("8:16").answer == "unknown"
    machine.log((now - 30_000_000, line.replace("sdb", "sdbx")))
    assert mounting.since_attach("8:16").answer == "unknown"


def test_without_attach_time_the_log_says_nothing(machine):
    machine.log((10**12, "EXT4-fs (sdb1): mounted filesystem"))
    check = mounting.since_attach("8:16")
    assert (check.state, check.answer) == (UNKNOWN, "unknown")


def test_never_read_is_never_mounted(machine):
    folder = machine.sys / "devices/pci/usb1/host5/block/sdb"
    assert mounting.since_attach("8:16").answer == "unknown"
    (folder / "stat").write_text("0 0 0 0 0 0 0 0\n")
    assert mounting.since_attach("8:16").answer == "unknown"  # its partition was read
    (folder / "sdb1/stat").write_text("0 0 0 0 0 0 0 0\n")
    check = mounting.since_attach("8:16")
    assert (check.state, check.answer) == (CHECKED, "no")


@pytest.mark.parametrize(
    ("stat", "state", "answer"),
    [("9 0 9 9 0 0 0 0 0 0 0 0 0 0 0", CHECKED, "no"), ("9 0 9 9 4 0 0 0", FAILED, "yes"),
     ("9 0 9 9 0 0 0 0 0 0 0 2 0 0 0", FAILED, "yes"), ("9 0 9", UNKNOWN, None),
     ("a b c d e f g h", UNKNOWN, None), ("", UNKNOWN, None)],
)  # fmt: skip
def test_writes_are_counted(machine, stat, state, answer):
    (machine.sys / "devices/pci/usb1/host5/block/sdb/stat").write_text(stat)
    check = mounting.writes("8:16")
    assert (check.state, check.answer) == (state, answer)


def test_writes_that_are_not_counted(machine):
    folder = machine.sys / "devices/pci/usb1/host5/block/sdb"
    (folder / "queue").mkdir()
    (folder / "queue/iostats").write_text("0\n")
    assert mounting.writes("8:16").state == UNKNOWN
    assert mounting.writes("7:0").state == UNKNOWN
    assert mounting.writes("99:9").state == UNKNOWN
