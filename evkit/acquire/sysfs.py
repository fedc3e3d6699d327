"""What Linux says about block devices: identity, relations, and what is mounted where.

Read from `/sys/dev/block`, `/sys/block`, `/proc/self/mountinfo` and `/proc/swaps`. Values are text
from outside (a device chooses its own model name): they are cut and cleaned, and escaped when
printed.
"""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple

BLOCK = b"/sys/dev/block"
LOOPS = b"/sys/block"
MOUNTINFO = b"/proc/self/mountinfo"
SWAPS = b"/proc/swaps"
_MAX = 256
_DELETED = b" (deleted)"
_DEPTH = 8
_ESCAPED = re.compile(rb"\\([0-7]{3})")
# name in records -> where it may stand, nearest first
_IDENTITY = {
    "make": (b"device/vendor",),
    "model": (b"device/model", b"device/name"),
    "serial": (b"device/serial", b"serial", b"device/vpd_pg80"),
    "firmware": (b"device/rev", b"device/firmware_rev", b"device/fwrev"),
    "wwid": (b"wwid", b"device/wwid"),
    "cid": (b"device/cid",),
    "removable": (b"removable",),
    "rotational": (b"queue/rotational",),
    "write_cache": (b"queue/write_cache",),
}


class Mount(NamedTuple):
    """One mounted file system: its devices, where, and whether it is mounted read-only."""

    devices: frozenset[str]
    point: bytes
    type: str
    read_only: bool


def identity(device: str) -> dict[str, str]:
    """Return what a device (`major:minor`) says of itself; a partition also names its disk."""
    folder = place_of(device)
    if folder is None:
        return {}
    found: dict[str, str] = {"name": clean(os.path.basename(folder))}
    partition = read_text(os.path.join(folder, b"partition"))
    disk = os.path.dirname(folder) if partition else folder
    if partition:
        found["partition"] = partition
        found["disk"] = clean(os.path.basename(disk))
        start = read_text(os.path.join(folder, b"start"))
        if start:
            found["start_sector"] = start
    for name, places in _IDENTITY.items():
        for place in places:
            value = read_text(os.path.join(disk, place))
            if value:
                found[name] = value
                break
    backing = read_text(os.path.join(disk, b"loop/backing_file"))
    if backing:
        found["backing_file"] = backing
    found["interface"] = _interface(disk)
    return found


def below(device: str, _depth: int = _DEPTH) -> set[str]:
    """Return a device with everything built on it: partitions and holders, at any depth."""
    found = {device}
    folder = place_of(device)
    if folder is None or not _depth:
        return found
    for name in entries(folder):
        child = os.path.join(folder, name)
        if os.path.isfile(os.path.join(child, b"partition")):
            found |= _with(child, below, _depth)
    for name in entries(os.path.join(folder, b"holders")):
        found |= _with(os.path.join(folder, b"holders", name), below, _depth)
    return found


def above(device: str, _depth: int = _DEPTH) -> set[str]:
    """Return a device with everything that it lies on: its disk, its parts, the file of a loop."""
    found = {device}
    folder = place_of(device)
    if folder is None or not _depth:
        return found
    if os.path.isfile(os.path.join(folder, b"partition")):
        found |= _with(os.path.dirname(folder), above, _depth)
    for name in entries(os.path.join(folder, b"slaves")):
        found |= _with(os.path.join(folder, b"slaves", name), above, _depth)
    backing = read_bytes(os.path.join(folder, b"loop/backing_file"))
    if backing:
        found |= devices_of(backing, _depth - 1)
    return found


def devices_of(path: bytes, _depth: int = _DEPTH) -> set[str]:
    """Return every device that the file system of `path` lies on; empty when there is none."""
    try:
        number = os.stat(path).st_dev
    except OSError:
        return set()
    own = f"{os.major(number)}:{os.minor(number)}"
    direct = {own}
    for mount in mounts() or ():
        if own in mount.devices:
            direct |= mount.devices
    found: set[str] = set()
    for device in direct:
        if place_of(device) is not None:
            found |= above(device, _depth)
    return found


def loops_over(path: bytes, inode: tuple[int, int]) -> set[str] | None:
    """Return the loop devices whose backing file is this file; None where that cannot be known.

    Args:
        path: of the file.
        inode: its device and inode, so that another name for it is found too.
    """
    try:
        names = os.listdir(LOOPS)
    except OSError:
        return None
    found: set[str] = set()
    real = os.path.realpath(path)
    for name in names:
        folder = os.path.join(LOOPS, name)
        backing = read_bytes(os.path.join(folder, b"loop/backing_file"))
        if not name.startswith(b"loop") or not backing:
            continue
        if _is_file(backing, inode) or backing in {real, real + _DELETED}:
            found.add(read_text(os.path.join(folder, b"dev")))
        elif not os.path.lexists(backing) and not backing.endswith(_DELETED):
            return None  # named as another mount namespace sees it
    found.discard("")
    return found


def _is_file(path: bytes, inode: tuple[int, int]) -> bool:
    try:
        facts = os.stat(path)
    except OSError:
        return False
    return (facts.st_dev, facts.st_ino) == inode


def mounts() -> list[Mount] | None:
    """Return what is mounted, or None where the system does not tell."""
    try:
        with open(MOUNTINFO, "rb") as handle:
            lines = handle.read().splitlines()
    except OSError:
        return None
    found = []
    for line in lines:
        left, _, right = line.partition(b" - ")
        place, system = left.split(b" "), right.split(b" ")
        if len(place) < 6 or len(system) < 3:  # noqa: PLR2004 - fields of proc(5)
            continue
        devices = {place[2].decode("ascii", "replace")}
        try:
            source = os.stat(_unescape(system[1]))
            if stat.S_ISBLK(source.st_mode):
                devices.add(f"{os.major(source.st_rdev)}:{os.minor(source.st_rdev)}")
        except (OSError, ValueError):
            pass  # `tmpfs`, `proc` and the like have no device
        found.append(
            Mount(
                frozenset(devices),
                _unescape(place[4]),
                system[0].decode("ascii", "replace"),
                b"ro" in system[2].split(b","),
            )
        )
    return found


def swap_devices() -> set[str]:
    """Return the block devices in use as swap space."""
    found: set[str] = set()
    try:
        with open(SWAPS, "rb") as handle:
            lines = handle.read().splitlines()[1:]
    except OSError:
        return found
    for line in lines:
        try:
            number = os.stat(_unescape(line.split()[0])).st_rdev
        except (OSError, IndexError, ValueError):
            continue
        if number:
            found.add(f"{os.major(number)}:{os.minor(number)}")
    return found


def _with(folder: bytes, walk: object, depth: int) -> set[str]:
    device = read_text(os.path.join(folder, b"dev"))
    if not device:
        return set()
    return below(device, depth - 1) if walk is below else above(device, depth - 1)


def place_of(device: str) -> bytes | None:
    """Return the folder of a device (`major:minor`) below `/sys`, or None."""
    link = os.path.join(BLOCK, device.encode("ascii"))
    return os.path.realpath(link) if os.path.lexists(link) else None


def _interface(disk: bytes) -> str:
    """Name the bus from the device's place in the system; `unknown` when none is recognised."""
    path = os.path.realpath(os.path.join(disk, b"device")) + b"/" + os.path.basename(disk)
    for mark, name in (
        (b"/usb", "usb"), (b"/mmc", "mmc"), (b"/nvme", "nvme"), (b"/ata", "ata"),
        (b"/virtio", "virtio"), (b"/loop", "loop"), (b"/dm-", "device-mapper"), (b"/md", "raid"),
        (b"/host", "scsi"),
    ):  # fmt: skip
        if mark in path:
            return name
    return "unknown"


def entries(folder: bytes) -> list[bytes]:
    """Return the names in a folder in order; empty when it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_bytes(path: bytes) -> bytes:
    """Return the start of a file without line ends behind it; empty when it cannot be read."""
    try:
        with open(path, "rb") as handle:
            return handle.read(4096).rstrip(b"\n")
    except OSError:
        return b""


def read_text(path: bytes) -> str:
    """Return the start of a file as clean text; empty when it cannot be read."""
    return clean(read_bytes(path))


def clean(raw: bytes) -> str:
    """Return text without control characters; what SCSI pads with blanks and NULs is cut."""
    text = raw.decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable()).strip()[:_MAX]


def _unescape(raw: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), raw)
