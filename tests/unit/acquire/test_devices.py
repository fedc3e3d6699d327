"""Which disks are offered, and what is said of each; read from a made-up machine."""

from __future__ import annotations

import os
import subprocess

import machinekit
import pytest

from evkit.acquire import devices, sysfs, udev
from evkit.core.errors import InputError

STICK = "pci/usb1/1-2/1-2:1.0/host6"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """The system on sda, the station on sdb (LVM), a USB disk sdc, an empty reader sdd."""
    made = machinekit.Machine(tmp_path)
    made.patch(monkeypatch)
    made.disk("sda", "8:0", device__model="System", parts={"sda1": ("8:1", 100)})
    made.mount("8:1", "/")
    made.disk("sdb", "8:16", device__model="Store", parts={"sdb1": ("8:17", 200)})
    made.disk("sdc", "8:32", at=STICK, size=4096, device__vendor="JMicron ",
              device__model="Generic\x1b[2J", device__serial="DOCK01", removable="1",
              parts={"sdc1": ("8:33", 1024)})  # fmt: skip
    made.usb("pci/usb1/1-2", serial="DOCK01", manufacturer="JMicron", product="SATA dock")
    made.disk("sdd", "8:48", at="pci/usb1/1-3/host7", size=0)
    made.udev("8:32", "S:disk/by-id/usb-JMicron_DOCK01", "E:ID_SERIAL_SHORT=WX31A1234567",
              "E:EVKIT_GUARD=x", ago=12)  # fmt: skip
    made.udev("8:33", "E:ID_FS_TYPE=ntfs", "E:ID_FS_LABEL=Urlaub", "E:ID_FS_UUID=3E5C-0B71")
    made.udev("8:16", ago=9000)
    return made


def by_name(found):
    return {device.name: device for device in found}


def test_system_station_and_empty_slots_are_not_offered(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(sysfs, "devices_of", lambda path: {"8:17", "8:16"} if path == b"/st" else (
        {"8:1", "8:0"} if path == b"/" else set()))  # fmt: skip
    found = by_name(devices.listing([b"/st"]))
    assert found["sda"].withheld == "the system uses it: `/`"
    assert found["sdb"].withheld == "the station lies on it"
    assert found["sdd"].withheld == "no medium in it"
    assert found["sdc"].withheld is None
    assert by_name(devices.listing())["sdb"].withheld is None


@pytest.mark.parametrize("point", ["/boot/efi", "/usr", "/var/log", "/run/live/medium", "/cdrom"])
def test_system_folders_are_the_system(machine, point):
    machine.mount("8:33", point)
    assert by_name(devices.listing())["sdc"].withheld == f"the system uses it: `{point}`"


@pytest.mark.parametrize("point", ["/media/officer/STICK", "/mnt", "/home/officer/usb"])
def test_a_mounted_stick_is_offered_and_says_where(machine, point):
    machine.mount("8:33", point)
    found = by_name(devices.listing())["sdc"]
    assert found.withheld is None
    assert found.mounted == (point.encode(),)


def test_what_is_mounted_has_a_file_system_though_udev_does_not_know(machine, monkeypatch):
    monkeypatch.setattr(udev, "read", lambda _: None)
    machine.mount("8:33", "/mnt", type_="exfat")
    (part,) = (p for p in by_name(devices.listing())["sdc"].partitions if p.mounted)
    assert part.file_system == "exfat"


def test_swap_is_the_system(machine, monkeypatch):
    monkeypatch.setattr(sysfs, "swap_devices", lambda: {"8:33"})
    assert by_name(devices.listing())["sdc"].withheld == devices.SYSTEM


def test_what_was_plugged_in_last_comes_first(machine):
    found = devices.listing()
    assert [device.name for device in found] == ["sdc", "sdb", "sda", "sdd"]
    assert [device.just_plugged for device in found] == [True, False, False, False]
    assert found[2].attached is None


def test_what_is_said_of_a_device(machine):
    stick = by_name(devices.listing())["sdc"]
    assert (stick.size, stick.bus, stick.removable, stick.read_only) == (
        4096 * 512,
        "usb",
        True,
        False,
    )
    assert stick.identity["model"] == "Generic[2J"  # no control characters
    assert stick.identity["serial"] == "DOCK01"
    assert stick.bridge["product"] == "SATA dock"
    assert (stick.bridge["vendor_id"], stick.bridge["serial"]) == ("152d", "DOCK01")
    assert stick.links == ("disk/by-id/usb-JMicron_DOCK01",)
    assert stick.guarded is True
    part = stick.partitions[0]
    assert (part.name, part.file_system, part.label, part.uuid) == (
        "sdc1", "ntfs", "Urlaub", "3E5C-0B71")  # fmt: skip
    document = stick.document()
    assert document["just_plugged"] is True
    assert document["partitions"][0]["start"] == 2048


def test_links_are_read_from_dev_where_udev_has_no_record(machine):
    for kind, name in (("by-id", "ata-Store_S1"), ("by-label", r"My\x20Disk")):
        folder = machine.top / "dev-disk" / kind
        folder.mkdir()
        target = "sdb1" if kind == "by-label" else "sdb"
        os.symlink(f"../../dev/{target}", folder / name)
    store = by_name(devices.listing())["sdb"]
    assert store.links == ("disk/by-id/ata-Store_S1",)
    assert store.partitions[0].label == "My Disk"


def test_a_partition_or_a_link_finds_its_disk(machine):
    assert devices.find(b"/dev/sdc1").name == "sdc"
    assert devices.find(b"/dev/sdc").name == "sdc"
    with pytest.raises(InputError, match="no block device"):
        devices.find(b"/dev/sdz")


def test_no_sysfs_is_said(machine, monkeypatch):
    monkeypatch.setattr(sysfs, "LOOPS", b"/nowhere")
    with pytest.raises(InputError, match="does not list"):
        devices.listing()


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0" * 100, b"I:x\nI:\nI:-5\nI:" + b"9" * 30, b"E:\nE:=\nE:A\nS:\n:::", b"\xff" * 50,
     b"E:ID_FS_LABEL=" + b"A" * 10_000],
)  # fmt: skip
def test_hostile_records(raw):
    record = udev.parse(raw)
    assert record.initialized is None
    assert all(len(value) <= 256 for value in record.properties.values())


def test_hostile_sizes(machine):
    folder = machine.disk("sde", "8:64", size=1)
    for text in ("x", "-1", "9" * 40, ""):
        (folder / "size").write_text(text)
        assert by_name(devices.listing())["sde"].size == 0


def test_a_vanished_device_is_left_out(machine):
    (machine.sys / "dev-block" / "8:32").unlink()
    assert "sdc" not in by_name(devices.listing())


def test_a_real_loop_device(tmp_path):
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        pytest.skip("loop devices need root")
    image = tmp_path / "disk.dd"
    image.write_bytes(bytes(1 << 20))
    command = ["losetup", "-r", "-f", "--show", image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"losetup: {done.stderr}")
    node = done.stdout.strip()
    try:
        found = devices.find(os.fsencode(node))
        assert (found.size, found.bus, found.read_only) == (1 << 20, "loop", True)
        assert found.identity["backing_file"] == str(image)
        assert found.withheld is None
        # the station beside the image keeps the disk under it, not the loop over it
        kept = devices.find(os.fsencode(node), [os.fsencode(tmp_path)])
        assert kept.withheld is None
    finally:
        subprocess.run(["losetup", "-d", node], check=True)
