"""Which file systems are mounted now, and what tells them apart: the UUID, the serial of the disk.

A medium comes back under another name and is mounted in another place, so that neither says which
medium it is. Where the system keeps no UUID for a device, nothing is known of it here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import sysfs, udev

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One mounted file system.

    Attributes:
        point: where it is mounted.
        type: of the file system, as the system says.
        uuid: of the file system, None where it is not known.
        serials: serial numbers of the disk that it lies on, as the system has them.
    """

    point: bytes
    type: str
    uuid: str | None = None
    serials: frozenset[str] = field(default=frozenset())

    def has(self, uuid: str | None, serial: str | None) -> bool:
        """Say whether it is the one with this UUID, or lies on the disk with this serial number."""
        if uuid is not None:
            return self.uuid is not None and same(self.uuid, uuid)
        return serial is not None and any(same(serial, known) for known in self.serials)


def mounted() -> tuple[Volume, ...]:
    """Return every mounted file system that lies on a device; the latest mounted first."""
    found = []
    for mount in sysfs.mounts() or ():
        devices = sorted(device for device in mount.devices if sysfs.place_of(device) is not None)
        if not devices:
            continue
        uuids = (udev.volume_uuid(device) for device in devices)
        found.append(
            Volume(
                point=mount.point,
                type=mount.type,
                uuid=next((uuid for uuid in uuids if uuid is not None), None),
                serials=frozenset(serial for device in devices for serial in _serials(device)),
            )
        )
    return tuple(reversed(found))


def uuid_of(folder: bytes) -> str | None:
    """Return the UUID of the file system that a folder lies on, None when it is not known."""
    try:
        number = os.stat(folder).st_dev
    except OSError:
        return None
    devices = {own := f"{os.major(number)}:{os.minor(number)}"}
    for mount in sysfs.mounts() or ():  # btrfs and FUSE number the file system, not the device
        devices |= mount.devices if own in mount.devices else set()
    uuids = (udev.volume_uuid(device) for device in sorted(devices))
    return next((uuid for uuid in uuids if uuid is not None), None)


def is_plugged_in(uuid: str) -> bool:
    """Say whether a device with this file system is there, mounted or not."""
    links = sysfs.entries(os.path.join(udev.DISK_LINKS, b"by-uuid"))
    return any(same(sysfs.clean(link), uuid) for link in links)


def same(one: str, other: str) -> bool:
    """Compare two UUIDs or serial numbers; case and blanks around them do not matter."""
    return one.strip().casefold() == other.strip().casefold()


def _serials(device: str) -> Iterator[str]:
    record = udev.read(device)
    texts = (
        sysfs.identity(device).get("serial"),
        record.text("ID_SERIAL_SHORT") if record else None,
    )
    yield from (text for text in texts if text)
