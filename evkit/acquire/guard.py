"""The device guard: a udev rule that makes whatever is plugged in next read-only, never mounted.

The rule stands below `/run`, so that it ends with the session: rules below `/etc` would run again
at the next start, for the computer's own disks too. Disks that are there when it is switched on are
named in it and left alone. A device that it acted on carries the mark `EVKIT_GUARD` in udev's
database, which later says whether the guard was active when the device was attached.
`docs/spec/device-guard.md`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from evkit.acquire import sysfs, udev
from evkit.acquire.checks import CHECKED, UNKNOWN, Check
from evkit.core import clock
from evkit.core.text import escape_bytes

RULES = b"/run/udev/rules.d"
CONTROL = b"/run/udev/control"  # the socket of a running udev
BOOT = b"/proc/sys/kernel/random/boot_id"
NAME = b"05-evkit-guard.rules"
NOTE = "a read-only flag of the system is no write blocker: use a hardware blocker where you can"
CHECK = "guard-at-attach"
_HEAD = re.compile(r"# evkit device guard 1 since (\S{1,40}) boot ([0-9a-f-]{36})", re.ASCII)
_MAX = 1 << 18
_UNSAFE = re.compile(r'["\\*?\[\]|\s]')
_BLOCKDEV = ("/usr/sbin/blockdev", "/sbin/blockdev", "/usr/bin/blockdev", "/bin/blockdev")


@dataclass(frozen=True, kw_only=True)
class Status:
    """The guard as found.

    Attributes:
        active: the rule is there, of this start of the computer, and udev runs.
        path: where the rule stands or would stand.
        since: RFC 3339 UTC of the switching on, or None.
        text: one sentence.
    """

    active: bool
    path: bytes
    since: str | None
    text: str


def rule_path() -> bytes:
    """Return the path of the rule."""
    return os.path.join(RULES, NAME)


def blockdev() -> str | None:
    """Return the path of the program that sets the flag, None where it is not installed."""
    return next((path for path in _BLOCKDEV if os.access(path, os.X_OK)), None)


def status() -> Status:
    """Say whether the guard is on."""
    path = rule_path()
    shown = escape_bytes(path)
    try:
        with open(path, "rb") as handle:
            head = _HEAD.match(handle.read(_MAX).decode("utf-8", "replace"))
    except FileNotFoundError:
        return Status(active=False, path=path, since=None, text="the guard is off")
    except OSError as error:
        text = f"could not check: `{shown}`: {error.strerror or error}"
        return Status(active=False, path=path, since=None, text=text)
    if head is None:
        text = f"`{shown}` is not a rule of evkit"
        return Status(active=False, path=path, since=None, text=text)
    if head[2] != boot_id():
        text = "the guard is off; its rule is of an earlier start of the computer"
        return Status(active=False, path=path, since=head[1], text=text)
    if not os.path.lexists(CONTROL):
        text = "the rule is there, but no udev runs that would follow it"
        return Status(active=False, path=path, since=head[1], text=text)
    return Status(active=True, path=path, since=head[1], text=f"the guard is on since {head[1]}")


def rule(blockdev_path: str) -> str:
    """Return the text of the rule for the disks that are there now.

    Args:
        blockdev_path: the program that sets the read-only flag.
    """
    since, boot = clock.now().text(), boot_id()
    end = 'GOTO="evkit_guard_end"'
    present = [f"{match}, {end}" for match in _present()]
    return "\n".join((
        f"# evkit device guard 1 since {since} boot {boot}",
        "# read-only and no automount for what is plugged in next; ends with the session",
        f"# {NOTE}",
        f'SUBSYSTEM!="block", {end}',
        f'ACTION=="remove", {end}',
        f'DEVPATH=="/devices/virtual/*", {end}',
        "# what was here when the guard was switched on",
        *present,
        "# later events keep the mark that the first one set",
        f'ACTION!="add", IMPORT{{db}}="{udev.GUARD}"',
        'ACTION!="add", GOTO="evkit_guard_mark"',
        f'ENV{{{udev.GUARD}}}="{since}"',
        f'RUN+="{blockdev_path} --setro $devnode"',
        'LABEL="evkit_guard_mark"',
        f'ENV{{{udev.GUARD}}}=="?*", ENV{{UDISKS_IGNORE}}="1", ENV{{UDISKS_AUTO}}="0"',
        f'ENV{{{udev.GUARD}}}=="?*", ENV{{SYSTEMD_READY}}="0"',
        'LABEL="evkit_guard_end"',
        "",
    ))  # fmt: skip


def _present() -> list[str]:
    """Return one match for each disk that is there, its partitions included."""
    found = []
    for name in sysfs.entries(sysfs.LOOPS):
        number = sysfs.read_text(os.path.join(sysfs.LOOPS, name, b"dev"))
        folder = sysfs.place_of(number) if number else None
        if folder is None or b"/devices/virtual/" in folder:
            continue
        mark = folder.find(b"/devices/")
        path = folder[mark:].decode("utf-8", "replace")
        if mark < 0 or _UNSAFE.search(path):
            continue
        match = f'DEVPATH=="{path}|{path}/*"'
        sequence = sysfs.read_text(os.path.join(folder, b"diskseq"))
        if sequence.isascii() and sequence.isdigit():  # another disk at the same place is new
            match += f', ATTRS{{diskseq}}=="{sequence}"'
        found.append(match)
    return found


def boot_id() -> str:
    """Return the identifier of this start of the computer, zeros where there is none."""
    text = sysfs.read_text(BOOT)
    return text if re.fullmatch("[0-9a-f-]{36}", text) else "00000000-0000-0000-0000-000000000000"


def at_attach(device: str) -> Check:
    """Say whether the guard was active when a device (`major:minor`) was attached."""
    record = udev.read(device)
    if record is None:
        text = "not known whether the guard was active at attach; udev has no record of the device"
        return Check(name=CHECK, state=UNKNOWN, text=text, answer="unknown")
    since = record.text(udev.GUARD)
    if since:
        text = f"the guard, on since {since}, was active when the device was attached; {NOTE}"
        return Check(name=CHECK, state=CHECKED, text=text, answer="yes")
    text = "the guard was not active when the device was attached"
    return Check(
        name=CHECK,
        state=CHECKED,
        text=text,
        answer="no",
        hint="run `evkit device guard --on` before a device is plugged in",
    )
