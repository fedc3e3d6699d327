"""Relations of devices, mounts and identity, read from folders made up like those of Linux."""

from __future__ import annotations

import os

import pytest

from evkit.acquire import preflight, sysfs
from evkit.acquire.source import Facts
from evkit.core.errors import RefusedError, StorageError


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A disk sda with sda1 (LVM on it: dm-0) and sda2, a disk sdb, a loop over a file."""
    devices = tmp_path / "devices"
    links = tmp_path / "block"
    links.mkdir()

    def add(place, number, **files):
        folder = devices / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dev").write_text(number + "\n")
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        os.symlink(folder, links / number)
        return folder

    sda = add("usb1/sda", "8:0", device__vendor="ACME ", device__model="Disk\x1b[31m 9",
              device__serial="S1", removable="1")  # fmt: skip
    sda1 = add("usb1/sda/sda1", "8:1", partition="1", start="2048")
    add("usb1/sda/sda2", "8:2", partition="2", start="999")
    add("ata1/sdb", "8:16", device__model="Other")
    dm = add("virtual/dm-0", "253:0")
    (sda1 / "holders").mkdir()
    os.symlink(dm, sda1 / "holders" / "dm-0")
    (dm / "slaves").mkdir()
    os.symlink(sda1, dm / "slaves" / "sda1")
    (sda / "slaves").mkdir()
    monkeypatch.setattr(sysfs, "BLOCK", os.fsencode(links))
    (tmp_path / "sys-block").mkdir()
    monkeypatch.setattr(sysfs, "LOOPS", os.fsencode(tmp_path / "sys-block"))
    monkeypatch.setattr(sysfs, "SWAPS", os.fsencode(tmp_path / "swaps"))
    monkeypatch.setattr(sysfs, "MOUNTINFO", os.fsencode(tmp_path / "mountinfo"))
    (tmp_path / "mountinfo").write_text("")
    return tmp_path


def mount(machine, *rows):
    lines = [
        f"30 1 {device} / {point} {options} - ext4 none {super_}\n"
        for device, point, options, super_ in rows
    ]
    (machine / "mountinfo").write_text("".join(lines))


def facts(device, **more):
    return Facts(path=b"/dev/x", kind="block", size=1 << 20, device=device, **more)


def test_relations(machine):
    assert sysfs.below("8:0") == {"8:0", "8:1", "8:2", "253:0"}
    assert sysfs.below("8:2") == {"8:2"}
    assert sysfs.above("253:0") == {"253:0", "8:1", "8:0"}
    assert sysfs.above("8:16") == {"8:16"}
    assert sysfs.below("99:99") == {"99:99"}


def test_identity_is_cleaned_and_a_partition_names_its_disk(machine):
    found = sysfs.identity("8:1")
    assert found["model"] == "Disk[31m 9"
    assert found["make"] == "ACME"
    assert (found["partition"], found["disk"], found["start_sector"]) == ("1", "sda", "2048")
    assert sysfs.identity("99:99") == {}


def test_mounted_for_writing_is_refused_at_any_depth(machine):
    mount(machine, ("253:0", "/mnt/with\\040blank", "rw", "rw"))
    with pytest.raises(RefusedError, match="with blank"):
        preflight.examine(facts("8:0"), os.fsencode(machine))
    preflight.examine(facts("8:2"), os.fsencode(machine))
    preflight.examine(facts("8:16"), os.fsencode(machine))


def test_a_read_only_mount_of_a_writable_file_system_is_still_writable(machine):
    mount(machine, ("8:1", "/mnt", "ro", "rw"))
    with pytest.raises(RefusedError):
        preflight.examine(facts("8:0"), os.fsencode(machine))


def test_mounted_read_only_is_a_deviation(machine):
    mount(machine, ("8:1", "/mnt", "ro", "ro,relatime"))
    report = preflight.examine(facts("8:0", read_only=True), os.fsencode(machine))
    assert [check.code for check in report.deviations] == ["source-mounted", "mounted-since-attach"]
    assert preflight.deviations(report, None)[0][2] == "not stated"
    assert preflight.deviations(report, "live system")[0][2] == "live system"


def test_writable_is_a_deviation_with_a_hint(machine):
    report = preflight.examine(facts("8:16", read_only=False), os.fsencode(machine))
    assert [check.code for check in report.deviations] == ["source-writable"]
    assert "setro" in report.deviations[0].hint


def test_no_mount_table_is_not_a_pass(machine):
    (machine / "mountinfo").unlink()
    report = preflight.examine(facts("8:16", read_only=True), os.fsencode(machine))
    states = {check.name: check.state for check in report.checks}
    assert states["not-mounted"] == "could-not-check"


@pytest.fixture
def looped(machine):
    """A file with a loop device over it; `looped(backing)` says what the system names."""
    image = machine / "disk image.dd"
    image.write_bytes(b"x" * 512)

    def attach(backing=image, name="loop3", number="7:3"):
        folder = machine / "sys-block" / name
        (folder / "loop").mkdir(parents=True)
        (folder / "dev").write_text(number + "\n")
        (folder / "loop" / "backing_file").write_text(f"{backing}\n")
        os.symlink(folder, machine / "block" / number)

    found = os.stat(image)
    attach.image = image
    attach.facts = Facts(
        path=os.fsencode(image), kind="file", size=512, inode=(found.st_dev, found.st_ino)
    )
    return attach


def check_of(machine, source):
    report = preflight.examine(source, os.fsencode(machine))
    return next(check for check in report.checks if check.name == "not-mounted")


def test_an_image_file_without_a_loop_device(machine, looped):
    looped(machine / "mountinfo")
    (machine / "sys-block" / "sda").mkdir()
    (machine / "sys-block" / "loop0" / "loop").mkdir(parents=True)
    check = check_of(machine, looped.facts)
    assert (check.state, check.text) == ("checked", "not mounted through a loop device")


def test_an_image_file_mounted_for_writing_through_a_loop_device_is_refused(machine, looped):
    looped()
    assert check_of(machine, looped.facts).state == "checked"
    mount(machine, ("7:3", "/mnt/evidence", "rw", "rw"))
    with pytest.raises(RefusedError, match="mounted for writing at `/mnt/evidence`"):
        preflight.examine(looped.facts, os.fsencode(machine))
    mount(machine, ("7:3", "/mnt", "ro", "ro"))
    assert check_of(machine, looped.facts).code == "source-mounted"


def test_another_name_of_the_file_and_a_partition_of_the_loop_are_found(machine, looped):
    os.link(looped.image, machine / "other name")
    looped(machine / "other name")
    part = machine / "sys-block" / "loop3" / "loop3p1"
    part.mkdir()
    (part / "dev").write_text("259:0\n")
    (part / "partition").write_text("1\n")
    os.symlink(part, machine / "block" / "259:0")
    mount(machine, ("259:0", "/mnt", "rw", "rw"))
    with pytest.raises(RefusedError, match="mounted for writing"):
        preflight.examine(looped.facts, os.fsencode(machine))


def test_a_deleted_backing_file_is_told_by_its_name(machine, looped):
    looped(f"{looped.image} (deleted)")
    mount(machine, ("7:3", "/mnt", "rw", "rw"))
    with pytest.raises(RefusedError, match="mounted for writing"):
        preflight.examine(looped.facts, os.fsencode(machine))


@pytest.mark.parametrize("why", ["no sysfs", "another namespace", "no mount table", "a stream"])
def test_what_cannot_be_known_is_not_checked(machine, looped, monkeypatch, why):
    source = looped.facts
    if why == "no sysfs":
        monkeypatch.setattr(sysfs, "LOOPS", os.fsencode(machine / "none"))
    elif why == "another namespace":
        looped("/host/only/there.dd")
    elif why == "no mount table":
        looped()
        (machine / "mountinfo").unlink()
    else:
        source = Facts(path=b"-", kind="stream", size=None)
    check = check_of(machine, source)
    assert check.state == "could-not-check"
    assert check.text.startswith("not checked")


def test_swap_is_refused(machine, monkeypatch):
    monkeypatch.setattr(sysfs, "swap_devices", lambda: {"8:2"})
    with pytest.raises(RefusedError, match="swap"):
        preflight.examine(facts("8:0"), os.fsencode(machine))
    preflight.examine(facts("8:1"), os.fsencode(machine))


@pytest.mark.parametrize(("source", "refused"), [("8:0", True), ("8:1", True), ("8:2", False)])
def test_the_destination_never_lies_on_the_source(machine, monkeypatch, source, refused):
    """The destination lies on the logical volume dm-0, which lies on sda1."""
    here = os.stat(machine).st_dev
    own = f"{os.major(here)}:{os.minor(here)}"
    mount(machine, (own, str(machine), "rw", "rw"))
    monkeypatch.setattr(
        sysfs, "mounts", lambda: [sysfs.Mount(frozenset({own, "253:0"}), b"/x", "ext4", False)]
    )
    monkeypatch.setattr(preflight, "_not_mounted", lambda f, refuse: preflight.Check(
        name="not-mounted", state="checked", text=""))  # fmt: skip
    if refused:
        with pytest.raises(RefusedError, match="lies on the source"):
            preflight.examine(facts(source), os.fsencode(machine))
    else:
        preflight.examine(facts(source), os.fsencode(machine))


def test_room_counts_pieces(tmp_path, monkeypatch):
    size = 1 << 30
    assert preflight.space_for(size) == size + 1024 * 32 + preflight.SPARE
    assert preflight.space_for(size, block_nodes=True) > preflight.space_for(size)
    monkeypatch.setattr(preflight, "room", lambda folder: preflight.space_for(size) - 1)
    source = Facts(path=b"x", kind="file", size=size)
    with pytest.raises(StorageError, match="free"):
        preflight.examine(source, os.fsencode(tmp_path))
    monkeypatch.setattr(preflight, "room", lambda folder: preflight.space_for(size))
    preflight.examine(source, os.fsencode(tmp_path))


def test_malformed_mount_lines_are_skipped(machine):
    (machine / "mountinfo").write_bytes(b"\n1 2\n\xff\xff - \n30 1 8:1 / / rw - ext4 \\999 rw\n")
    assert len(sysfs.mounts()) == 1
