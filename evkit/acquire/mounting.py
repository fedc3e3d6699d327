"""Whether a device was mounted or written to between its attachment and now.

No system keeps a list of mounts that have ended. `yes` is said when something is mounted now or the
kernel's log names a mount after the attachment; `no` only when the kernel counts no read at all,
for what was never read was never mounted; else the answer is `unknown`. Writes are counted by the
kernel, so that their number is known.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re

from evkit.acquire import sysfs, udev
from evkit.acquire.checks import CHECKED, FAILED, UNKNOWN, Check, unknown

KMSG = b"/dev/kmsg"
MOUNTED_BEFORE = "mounted-since-attach"
WRITTEN = "written-since-attach"
_RECORD = re.compile(rb"[0-9]+,[0-9]+,([0-9]{1,16}),[^;]*;(.*)", re.DOTALL)
_MAX_RECORDS = 200_000
_FIELDS = 8  # of a `stat` that counts writes
_READS, _WRITES, _DISCARDS = 0, 4, 11


def since_attach(device: str) -> Check:
    """Say whether a device (`major:minor`), or a part of it, was mounted since it was attached."""
    name = MOUNTED_BEFORE
    family = sysfs.below(device)
    if any(mount.devices & family for mount in sysfs.mounts() or ()):
        return _yes("it is mounted now")
    record = udev.read(device)
    line = _in_log(_names(family), record.initialized if record else None)
    if line is not None:
        return _yes(f"the kernel's log says `{line}`")
    counts = [_counts(place) for place in map(sysfs.place_of, family) if place is not None]
    if counts and all(count is not None and count[0] == 0 for count in counts):
        text = "not mounted since it was attached: the kernel counts no read at all"
        return Check(name=name, state=CHECKED, text=text, answer="no")
    text = "not known whether it was mounted since it was attached: mounts that have ended are "
    text += "not kept, and no trace of one was found"
    return Check(name=name, state=UNKNOWN, text=text, answer="unknown")


def _yes(why: str) -> Check:
    return Check(
        name=MOUNTED_BEFORE,
        state=FAILED,
        text=f"it was mounted since it was attached: {why}",
        answer="yes",
        code=MOUNTED_BEFORE,
        hint="switch the guard on before a device is plugged in: `evkit device guard --on`",
    )


def writes(device: str) -> Check:
    """Say how many writes the kernel counts to a device since it was attached."""
    name = WRITTEN
    place = sysfs.place_of(device)
    count = _counts(place) if place is not None else None
    if place is None or count is None:
        return unknown(name, "the system does not count the writes to this device")
    if b"/virtual/" in place:
        text = "the device is made by the system; its count is not that of one attachment"
        return unknown(name, text)
    if not count[1]:
        text = "the kernel counts no write to it since it was attached"
        return Check(name=name, state=CHECKED, text=text, answer="no")
    text = f"the kernel counts {count[1]:,} writes to it since it was attached"
    return Check(name=name, state=FAILED, text=text, answer="yes", code=WRITTEN)


def _counts(place: bytes) -> tuple[int, int] | None:
    """Return reads, and writes with discards; None where they are not counted."""
    if sysfs.read_text(os.path.join(place, b"queue/iostats")) == "0":
        return None
    parts = sysfs.read_text(os.path.join(place, b"stat")).split()
    if len(parts) < _FIELDS or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    discards = numbers[_DISCARDS] if len(numbers) > _DISCARDS else 0
    return numbers[_READS], numbers[_WRITES] + discards


def _names(family: set[str]) -> list[str]:
    places = (sysfs.place_of(device) for device in family)
    return [sysfs.clean(os.path.basename(place)) for place in places if place is not None]


def _in_log(names: list[str], attached: int | None) -> str | None:
    """Return the line of the kernel's log about a mount after `attached` microseconds, or None."""
    if attached is None or not names:
        return None  # names are given again: without the time a line may be about another device
    some = "|".join(re.escape(name) for name in names)
    wanted = re.compile(
        rf"(?:EXT[234]-fs \((?:{some})\): mount|XFS \((?:{some})\): Mounting|"
        rf"BTRFS info \(device (?:{some})\)|F2FS-fs \((?:{some})\): Mounted|"
        rf"(?:ex)?FAT-fs \((?:{some})\)|ntfs3: (?:{some}):|ntfs3\((?:{some})\):)"
    )
    for moment, text in _log():
        if moment >= attached and wanted.search(text):
            return text
    return None


def _log() -> list[tuple[int, str]]:
    """Return (microseconds since the start, text) of the kernel's log; empty when not allowed."""
    found: list[tuple[int, str]] = []
    with contextlib.suppress(OSError):
        descriptor = os.open(KMSG, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            for _ in range(_MAX_RECORDS):
                raw = _next(descriptor)
                if not raw:
                    break
                for line in raw.splitlines():
                    match = _RECORD.match(line)
                    if match:
                        found.append((int(match[1]), sysfs.clean(match[2])))
        finally:
            os.close(descriptor)
    return found


def _next(descriptor: int) -> bytes:
    """Return one record; a record that was overwritten meanwhile is passed over."""
    while True:
        try:
            return os.read(descriptor, 8192)
        except OSError as error:
            if error.errno != errno.EPIPE:
                return b""
