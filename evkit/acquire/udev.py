"""What udev keeps about a block device: links, file system, when it came, who marked it.

Read from `/run/udev/data/bMAJOR:MINOR` (lines `LETTER:VALUE`, properties as `E:NAME=VALUE`); the
links also from `/dev/disk`, where udev's own file is missing. Everything is text from outside.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import sysfs
from evkit.core import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = b"/run/udev/data"
DISK_LINKS = b"/dev/disk"
GUARD = "EVKIT_GUARD"  # set by the rule of `evkit device guard`
_MAX = 1 << 16
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})")
_MICRO = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Record:
    """What udev says of one device.

    Attributes:
        links: names below `/dev`, such as `disk/by-id/usb-…`.
        properties: as udev wrote them, cleaned.
        initialized: microseconds of the monotonic clock when udev first saw it, or None.
    """

    links: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    initialized: int | None = None

    def text(self, *names: str) -> str | None:
        """Return the first of these properties that has a value."""
        return next((self.properties[name] for name in names if self.properties.get(name)), None)


def read(device: str) -> Record | None:
    """Return udev's record of a block device (`major:minor`), None where it has none."""
    path = os.path.join(DATA, b"b" + device.encode("ascii", "replace"))
    try:
        with open(path, "rb") as handle:
            raw = handle.read(_MAX)
    except OSError:
        return None
    return parse(raw)


def parse(raw: bytes) -> Record:
    """Read a record; lines of other shapes are left out."""
    links: list[str] = []
    properties: dict[str, str] = {}
    initialized: int | None = None
    for line in raw.split(b"\n"):
        letter, colon, value = line.partition(b":")
        if not colon:
            continue
        text = sysfs.clean(value)
        if letter == b"S" and text:
            links.append(text)
        elif letter == b"I" and text.isascii() and text.isdigit() and len(text) < 17:  # noqa: PLR2004 - 300 years
            initialized = int(text)
        elif letter == b"E":
            name, equals, rest = text.partition("=")
            if equals and name:
                properties[name] = rest.strip()
    return Record(links=tuple(sorted(links)), properties=properties, initialized=initialized)


def age(record: Record | None) -> float | None:
    """Return the seconds since the device was plugged in; None where that is not known."""
    if record is None or not record.initialized:
        return None
    seconds = clock.monotonic() - record.initialized / _MICRO
    return seconds if seconds >= 0 else None


def disk_links(name: str) -> tuple[str, ...]:
    """Return the links below `/dev/disk` that lead to the node `name`."""
    found = []
    for folder in sysfs.entries(DISK_LINKS):
        for link in sysfs.entries(os.path.join(DISK_LINKS, folder)):
            path = os.path.join(DISK_LINKS, folder, link)
            if os.path.basename(os.path.realpath(path)) == os.fsencode(name):
                found.append(sysfs.clean(b"disk/" + folder + b"/" + link))
    return tuple(found)


def from_link(links: tuple[str, ...], kind: str) -> str | None:
    r"""Return the value in the name of a link such as `disk/by-label/NAME`; `\x20` is decoded."""
    start = f"disk/{kind}/"
    for link in links:
        if link.startswith(start):
            return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), link[len(start) :])
    return None


def volume_uuid(device: str) -> str | None:
    """Return the UUID of the file system on a device (`major:minor`), None where it has none."""
    record = read(device)
    found = record.text("ID_FS_UUID") if record else None
    if found is None:
        name = sysfs.identity(device).get("name")
        found = from_link(disk_links(name), "by-uuid") if name else None
    return found
