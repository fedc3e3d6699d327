"""A made-up Linux machine below a folder: /sys, /run/udev, mounts, kernel log, locks."""

from __future__ import annotations

import os
from pathlib import Path

from evkit.acquire import claim, devices, guard, mounting, sysfs, udev
from evkit.core import clock

BOOT = "e79d8f4b-1488-4df2-ac9c-31f2faad20ce"


class Machine:
    """Disks are added one by one; everything else is a file that a test may write."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.sys = top / "sys"
        for folder in ("sys/block", "sys/dev-block", "udev/data", "rules", "dev", "dev-disk"):
            (top / folder).mkdir(parents=True)
        (top / "mountinfo").write_text("")
        (top / "swaps").write_text("Filename Type Size Used Priority\n")
        (top / "boot_id").write_text(BOOT + "\n")
        (top / "control").write_text("")
        self.mounts: list[str] = []

    def patch(self, monkeypatch) -> None:
        raw, real = os.fsencode(self.top), clock.monotonic
        monkeypatch.setattr(clock, "monotonic", lambda: real() + 100_000)  # up for a day
        monkeypatch.setattr(sysfs, "BLOCK", raw + b"/sys/dev-block")
        monkeypatch.setattr(sysfs, "LOOPS", raw + b"/sys/block")
        monkeypatch.setattr(sysfs, "MOUNTINFO", raw + b"/mountinfo")
        monkeypatch.setattr(sysfs, "SWAPS", raw + b"/swaps")
        monkeypatch.setattr(udev, "DATA", raw + b"/udev/data")
        monkeypatch.setattr(udev, "DISK_LINKS", raw + b"/dev-disk")
        monkeypatch.setattr(devices, "DEV", raw + b"/dev")
        monkeypatch.setattr(guard, "RULES", raw + b"/rules")
        monkeypatch.setattr(guard, "CONTROL", raw + b"/control")
        monkeypatch.setattr(guard, "BOOT", raw + b"/boot_id")
        monkeypatch.setattr(mounting, "KMSG", raw + b"/kmsg")
        monkeypatch.setattr(claim, "LOCKS", raw + b"/locks")

    def disk(self, name: str, number: str, *, at: str = "pci/ata1/host0", size: int = 2048,
             parts: dict[str, tuple[str, int]] | None = None, **files: str) -> Path:  # fmt: skip
        """Add a disk of `size` sectors; `files` are below its folder, `__` standing for `/`."""
        folder = self.sys / "devices" / at / "block" / name
        self._node(folder, number, {"size": str(size), "ro": "0", "removable": "0",
                                    "stat": "9 0 9 9 0 0 0 0 0 0 0 0 0 0 0", **files})  # fmt: skip
        os.symlink(folder, self.sys / "block" / name)
        for count, (part, (its, sectors)) in enumerate((parts or {}).items(), start=1):
            files = {"partition": str(count), "start": "2048", "size": str(sectors)}
            self._node(folder / part, its, {**files, "stat": "3 0 3 3 0 0 0 0"})
        return folder

    def usb(self, at: str, **values: str) -> None:
        """Make the folder `at` a USB device."""
        folder = self.sys / "devices" / at
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in {"idVendor": "152d", "idProduct": "0578", **values}.items():
            (folder / name).write_text(value + "\n")

    def udev(self, number: str, *lines: str, ago: float | None = None) -> None:
        """Write udev's record; `ago` are the seconds since the device was plugged in."""
        first = [] if ago is None else [f"I:{int((clock.monotonic() - ago) * 1e6)}"]
        (self.top / "udev/data" / f"b{number}").write_text("\n".join([*first, *lines]) + "\n")

    def mount(self, number: str, point: str, options: str = "rw", type_: str = "ext4") -> None:
        self.mounts.append(f"30 1 {number} / {point} rw - {type_} none {options}\n")
        (self.top / "mountinfo").write_text("".join(self.mounts))

    def log(self, *records: tuple[int, str]) -> None:
        """Write the kernel's log: microseconds since the start, text."""
        text = "".join(f"6,{n},{moment},-;{line}\n" for n, (moment, line) in enumerate(records))
        (self.top / "kmsg").write_text(text)

    def _node(self, folder: Path, number: str, files: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dev").write_text(number + "\n")
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        os.symlink(folder, self.sys / "dev-block" / number)
