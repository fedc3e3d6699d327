"""The USB bridge, dock or stick in front of a drive, as it names itself: not the drive."""

from __future__ import annotations

import os

from evkit.acquire import sysfs

_UP = 12  # folders between a disk and its USB device
_VALUES = {
    "vendor_id": b"idVendor",
    "product_id": b"idProduct",
    "make": b"manufacturer",
    "product": b"product",
    "serial": b"serial",
    "firmware": b"bcdDevice",
    "speed": b"speed",
}


def of(folder: bytes) -> dict[str, str]:
    """Return what the nearest USB device above a disk says of itself; empty when there is none.

    Args:
        folder: of the disk below `/sys`.
    """
    place = os.path.realpath(folder)
    for _ in range(_UP):
        place = os.path.dirname(place)
        if len(place) < 2:  # noqa: PLR2004 - the top
            break
        if os.path.isfile(os.path.join(place, _VALUES["vendor_id"])):
            return _told(place)
    return {}


def of_device(device: str) -> dict[str, str]:
    """Return the same for `major:minor`."""
    folder = sysfs.place_of(device)
    return of(folder) if folder is not None else {}


def _told(place: bytes) -> dict[str, str]:
    values = {name: sysfs.read_text(os.path.join(place, file)) for name, file in _VALUES.items()}
    return {name: value for name, value in values.items() if value}
