"""Which file systems are mounted, and how one is told from another."""

from __future__ import annotations

import os

import machinekit
import pytest

from evkit.acquire import sysfs, udev, volumes
from evkit.acquire.volumes import Volume


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = machinekit.Machine(tmp_path)
    made.patch(monkeypatch)
    made.disk("sdb", "8:16", parts={"sdb1": ("8:17", 2000)}, device__serial="WX31A1")
    return made


def test_a_mounted_partition_has_uuid_and_the_serial_of_its_disk(machine):
    machine.udev("8:17", "E:ID_FS_UUID=3E5C-0B71", "E:ID_SERIAL_SHORT=USB0A")
    machine.mount("8:17", "/media/x\\040y", type_="vfat")
    found = volumes.mounted()
    assert found == (
        Volume(point=b"/media/x y", type="vfat", uuid="3E5C-0B71",
               serials=frozenset({"WX31A1", "USB0A"})),
    )  # fmt: skip
    assert found[0].has("3e5c-0b71", None)
    assert found[0].has(None, "wx31a1 ")
    assert not found[0].has("3E5C-0B72", "WX31A1")  # the UUID decides where it is known
    assert not found[0].has(None, None)


def test_what_has_no_device_is_no_medium(machine):
    machine.mount("0:39", "/run", type_="tmpfs")
    assert volumes.mounted() == ()


def test_without_udev_nothing_is_known(machine):
    machine.mount("8:17", "/media/x")
    assert [(one.uuid, sorted(one.serials)) for one in volumes.mounted()] == [(None, ["WX31A1"])]
    assert not volumes.mounted()[0].has("3E5C-0B71", None)


def test_the_latest_mount_comes_first(machine):
    machine.mount("8:17", "/a")
    machine.mount("8:17", "/b")
    assert [one.point for one in volumes.mounted()] == [b"/b", b"/a"]


def test_uuid_of_a_folder(machine, tmp_path):
    number = os.stat(tmp_path).st_dev
    own = f"{os.major(number)}:{os.minor(number)}"
    assert volumes.uuid_of(os.fsencode(tmp_path)) is None
    machine.udev(own, "E:ID_FS_UUID=aa-bb")
    assert volumes.uuid_of(os.fsencode(tmp_path)) == "aa-bb"
    assert volumes.uuid_of(b"/nowhere/at/all") is None


def test_uuid_through_the_device_behind_a_fuse_mount(machine, tmp_path, monkeypatch):
    number = os.stat(tmp_path).st_dev
    own = f"{os.major(number)}:{os.minor(number)}"
    mount = sysfs.Mount(frozenset({own, "8:17"}), b"/x", "fuseblk", read_only=False)
    monkeypatch.setattr(sysfs, "mounts", lambda: [mount])
    machine.udev("8:17", "E:ID_FS_UUID=cc-dd")
    assert volumes.uuid_of(os.fsencode(tmp_path)) == "cc-dd"


def test_plugged_in_and_not_mounted(machine, monkeypatch):
    folder = machine.top / "dev-disk" / "by-uuid"
    assert not volumes.is_plugged_in("3E5C-0B71")
    folder.mkdir()
    (folder / "3E5C-0B71").symlink_to("../../sdb1")
    assert volumes.is_plugged_in("3e5c-0b71")
    assert not volumes.is_plugged_in("3E5C")
    monkeypatch.setattr(udev, "DISK_LINKS", b"/nowhere")
    assert not volumes.is_plugged_in("3E5C-0B71")
