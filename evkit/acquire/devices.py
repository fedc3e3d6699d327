"""The block devices of this computer, and which of them are offered to be acquired.

Nobody needs to be root for this: everything comes from `/sys`, udev's files and the mount table.
A disk that the system or the station lies on is never offered; it is listed apart, with the reason.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.acquire import bridge, sysfs, udev
from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.acquire.sysfs import Mount

JUST = 300.0  # seconds during which a device counts as just plugged in
DEV = b"/dev"
SYSTEM = "the system uses it"
STATION = "the station lies on it"
_UNIT = 512  # of `size` in sysfs, whatever the sector size is
_POINTS = frozenset(
    (b"/", b"/usr", b"/var", b"/home", b"/opt", b"/srv", b"/root", b"/tmp", b"/etc")
)
_BELOW = (
    b"/boot", b"/usr/", b"/var/", b"/snap/", b"/cdrom", b"/isodevice", b"/lib/live/", b"/run/live/",
    b"/run/initramfs/", b"/run/archiso/", b"/run/rootfsbase",
)  # fmt: skip
_SKIPPED = (b"ram", b"zram")
_TOLD = ("make", "model", "serial", "firmware", "wwid", "backing_file")


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition, or a disk that holds a file system without partitions."""

    name: str
    number: str
    size: int
    start: int | None = None
    file_system: str | None = None
    label: str | None = None
    uuid: str | None = None
    mounted: tuple[bytes, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = {name: value for name, value in vars(self).items() if value not in (None, ())}
        if self.mounted:
            found["mounted"] = [escape_bytes(point) for point in self.mounted]
        return found


@dataclass(frozen=True, kw_only=True)
class Device:
    """A disk as the system sees it. Texts come from outside: they are clean, but not true.

    Attributes:
        name, path, number: `sdb`, `/dev/sdb`, `8:16`.
        size: bytes.
        bus: `usb`, `ata`, `nvme`, `mmc`, … or `unknown`.
        identity: make, model, serial, firmware, wwid as reported to the system.
        bridge: the USB bridge or dock in front of it, empty when there is none.
        links: stable names below `/dev`.
        partitions: its partitions; the disk itself first when it holds a file system.
        removable, read_only: as the system says, None where it does not.
        attached: seconds since it was plugged in, None where nobody knows.
        withheld: why it is not offered, None when it is.
    """

    name: str
    path: bytes
    number: str
    size: int
    bus: str
    identity: Mapping[str, str] = field(default_factory=dict)
    bridge: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    partitions: tuple[Partition, ...] = ()
    removable: bool | None = None
    read_only: bool | None = None
    attached: float | None = None
    guarded: bool | None = None
    withheld: str | None = None

    @property
    def just_plugged(self) -> bool:
        """Whether it was plugged in within the last minutes."""
        return self.attached is not None and self.attached <= JUST

    @property
    def serial(self) -> str | None:
        """The serial number as reported, of the bridge when the drive's does not come through."""
        return self.identity.get("serial") or self.bridge.get("serial")

    @property
    def mounted(self) -> tuple[bytes, ...]:
        """Every place where a part of it is mounted."""
        return tuple(point for part in self.partitions for point in part.mounted)

    @property
    def title(self) -> str:
        """Make and model, or what stands for them."""
        words = [self.identity.get("make", ""), self.identity.get("model", "")]
        if not any(words):
            words = [self.bridge.get("make", ""), self.bridge.get("product", "")]
        return " ".join(word for word in words if word) or self.identity.get(
            "backing_file", "(names no model)"
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = {name: value for name, value in vars(self).items() if value not in (None, (), {})}
        found["path"] = escape_bytes(self.path)
        found["partitions"] = [part.document() for part in self.partitions]
        found["just_plugged"] = self.just_plugged
        for name in ("identity", "bridge"):
            if name in found:
                found[name] = dict(found[name])
        if self.attached is not None:
            found["attached"] = int(self.attached)
        return found


def listing(kept: Iterable[bytes] = ()) -> list[Device]:
    """Return every disk, what was plugged in last first; those not offered say why.

    Args:
        kept: folders whose disks are not offered: the station's, a destination's.

    Raises:
        InputError: this system does not list its devices.
    """
    if not os.path.isdir(sysfs.LOOPS):
        raise InputError(
            "this system does not list its block devices",
            hint="devices are acquired on Linux; files and images on any system",
        )
    mounts = sysfs.mounts() or []
    system = _system(mounts)
    stations = {device for folder in kept for device in sysfs.devices_of(folder)}
    found = []
    for name in sysfs.entries(sysfs.LOOPS):
        if name.startswith(_SKIPPED):
            continue
        device = _device(name, mounts)
        if device is not None:
            found.append(_judge(device, system, stations))
    return sorted(found, key=lambda d: (d.attached is None, d.attached or 0.0, d.name))


def find(path: bytes, kept: Iterable[bytes] = ()) -> Device:
    """Return the disk that a node, a link to it, or one of its partitions names.

    Raises:
        InputError: there is none.
    """
    name = os.path.basename(os.path.realpath(path)).decode("utf-8", "replace")
    for device in listing(kept):
        if name == device.name or name in {part.name for part in device.partitions}:
            return device
    raise InputError(
        f"no block device `{escape_bytes(path)}` here", hint="`evkit device list` shows them"
    )


def _device(name: bytes, mounts: list[Mount]) -> Device | None:
    """Return one disk; None for a loop device without a file."""
    number = sysfs.read_text(os.path.join(sysfs.LOOPS, name, b"dev"))
    folder = sysfs.place_of(number) if number else None
    if folder is None:
        return None
    identity = sysfs.identity(number)
    if name.startswith(b"loop") and "backing_file" not in identity:
        return None
    record = udev.read(number)
    links = _links(identity["name"], record)
    serial = record.text("ID_SERIAL_SHORT") if record else None
    told = {name: identity[name] for name in _TOLD if name in identity}
    if serial and "serial" not in told:
        told["serial"] = serial
    parts = _partitions(folder, number, mounts)
    return Device(
        name=identity["name"],
        path=os.path.join(DEV, os.fsencode(identity["name"].replace("!", "/"))),
        number=number,
        size=_number(folder, b"size") * _UNIT,
        bus=identity["interface"],
        identity=told,
        bridge=bridge.of(folder),
        links=links,
        partitions=parts,
        removable=_flag(identity.get("removable")),
        read_only=_flag(sysfs.read_text(os.path.join(folder, b"ro"))),
        attached=udev.age(record),
        guarded=None if record is None else bool(record.text(udev.GUARD)),
    )


def _partitions(folder: bytes, number: str, mounts: list[Mount]) -> tuple[Partition, ...]:
    found = []
    whole = _partition(folder, number, mounts)
    if whole.file_system or whole.mounted:
        found.append(whole)
    for name in sysfs.entries(folder):
        child = os.path.join(folder, name)
        if os.path.isfile(os.path.join(child, b"partition")):
            device = sysfs.read_text(os.path.join(child, b"dev"))
            found.append(_partition(child, device, mounts))
    return tuple(found)


def _partition(folder: bytes, number: str, mounts: list[Mount]) -> Partition:
    name = sysfs.clean(os.path.basename(folder))
    record = udev.read(number)
    links = _links(name, record)
    told = record or udev.Record()
    start = sysfs.read_text(os.path.join(folder, b"start"))
    family = sysfs.below(number) if os.path.isfile(os.path.join(folder, b"partition")) else {number}
    here = [mount for mount in mounts if mount.devices & family]
    own = (mount.type for mount in here if number in mount.devices)  # not that of what lies below
    return Partition(
        name=name,
        number=number,
        size=_number(folder, b"size") * _UNIT,
        start=int(start) if start.isascii() and start.isdigit() else None,
        file_system=told.text("ID_FS_TYPE") or next(own, None),
        label=told.text("ID_FS_LABEL", "ID_PART_ENTRY_NAME") or udev.from_link(links, "by-label"),
        uuid=told.text("ID_FS_UUID") or udev.from_link(links, "by-uuid"),
        mounted=tuple(dict.fromkeys(mount.point for mount in here)),
    )


def _links(name: str, record: udev.Record | None) -> tuple[str, ...]:
    return record.links if record and record.links else udev.disk_links(name.replace("!", "/"))


def _system(mounts: list[Mount]) -> set[str]:
    """Return every device that the running system lies on."""
    found = set(sysfs.swap_devices())
    for mount in mounts:
        if _is_system(mount.point):
            found |= mount.devices
    found |= sysfs.devices_of(b"/")
    for device in tuple(found):
        found |= sysfs.above(device)
    return found


def _is_system(point: bytes) -> bool:
    own = os.path.expanduser(b"~")
    return point in _POINTS or point.startswith(_BELOW) or point == own


def _judge(device: Device, system: set[str], stations: set[str]) -> Device:
    """Return the device with the reason why it is not offered, if there is one."""
    family = sysfs.below(device.number)
    reason = None
    if family & system:
        reason = SYSTEM
        points = [point for point in device.mounted if _is_system(point)]
        if points:
            reason += f": `{escape_bytes(points[0])}`"
    elif family & stations:
        reason = STATION
    elif not device.size:
        reason = "no medium in it"
    elif device.bus in {"device-mapper", "raid"}:
        reason = "built by the system from other devices; name it by hand if it is the source"
    return dataclasses.replace(device, withheld=reason) if reason else device


def _number(folder: bytes, name: bytes) -> int:
    text = sysfs.read_text(os.path.join(folder, name))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0  # noqa: PLR2004 - 64 bits


def _flag(text: str | None) -> bool | None:
    return {"0": False, "1": True}.get(text or "")


def named(device: Device) -> str:
    """Return a device in one line for people, escaped."""
    from evkit.core.sizes import in_words

    serial = f", serial {device.serial}" if device.serial else ", no serial"
    return escape(f"{device.title}{serial}, {in_words(device.size)}, {device.bus}")
