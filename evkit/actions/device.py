"""`evkit device list|show|guard`: what is plugged in, and the guard for what comes next."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import devices, guard, identity, mounting, opener, probing
from evkit.acquire.devices import Device, named
from evkit.core import durable
from evkit.core.errors import RefusedError, UsageError
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.acquire.checks import Check
    from evkit.acquire.identity import Identity

_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Every disk: those offered, and those that are not, with the reason."""

    offered: tuple[Device, ...]
    withheld: tuple[Device, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/devices/1",
            "offered": [device.document() for device in self.offered],
            "not_offered": [device.document() for device in self.withheld],
        }

    def lines(self) -> list[str]:
        """Return the lines for people, numbered as for choosing."""
        lines = [] if self.offered else ["nothing is plugged in that could be acquired"]
        for number, device in enumerate(self.offered, start=1):
            lines += row(number, device)
        if self.withheld:
            lines.append("not offered:")
        for device in self.withheld:
            lines.append(f"  {escape_bytes(device.path)}  {named(device)}")
            lines.append(f"      {escape(device.withheld or '')}")
        return lines


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One device with everything that is known without reading it."""

    device: Device
    who: Identity
    checks: tuple[Check, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/device/1",
            **self.device.document(),
            "identities": self.who.fields(),
            "checks": [check.fields() for check in self.checks],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        device = self.device
        lines = [f"{escape_bytes(device.path)}: {named(device)}"]
        if device.withheld:
            lines.append(f"  not offered: {escape(device.withheld)}")
        lines += _identities(self.who)
        lines.append(f"  read-only flag: {_yes(device.read_only)}, {_age(device)}")
        lines += [f"  {line}" for part in device.partitions for line in [_part(part)]]
        lines += [f"  link: {escape(link)}" for link in device.links]
        for check in self.checks:
            lines.append(f"  {check.name}: {check.state.replace('-', ' ')}: {escape(check.text)}")
            if check.hint:
                lines.append(f"    hint: {check.hint}")
        drive = self.who.answers.drive
        if drive is not None and (drive.health or drive.hours is not None):
            hours = f", {drive.hours:,} hours of operation" if drive.hours is not None else ""
            lines.append(f"  health as the drive says: {drive.health or 'not told'}{hours}")
        return lines


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """The guard as it is, and what was done to it (`on`, `off`, or None)."""

    status: guard.Status
    did: str | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        status = self.status
        return {
            "schema": "evkit/device-guard/1",
            "active": status.active,
            "since": status.since,
            "rule": escape_bytes(status.path),
            "did": self.did,
            "text": status.text,
            "note": guard.NOTE,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [self.status.text]
        if self.status.active:
            lines.append("what is plugged in now becomes read-only and is not mounted by itself")
            lines.append(f"it ends with `evkit device guard --off` or when the {_COMPUTER}")
        else:
            lines.append("switch it on before a device is plugged in: `evkit device guard --on`")
        return [*lines, f"note: {guard.NOTE}"]


_COMPUTER = "computer is switched off"


def row(number: int, device: Device) -> list[str]:
    """Return the lines of one device that is offered."""
    new = "  << just plugged in" if device.just_plugged else ""
    lines = [f"{number:>3}  {escape_bytes(device.path)}  {named(device)}{new}"]
    facts = [_age(device), "read-only" if device.read_only else "writable"]
    if device.guarded:
        facts.append("guarded")
    lines.append(f"       {', '.join(facts)}")
    return [*lines, *(f"       {_part(part)}" for part in device.partitions)]


def list_devices(kept: Iterable[bytes] = ()) -> Listed:
    """Return every disk.

    Args:
        kept: folders whose disks are not offered.

    Raises:
        InputError: this system does not list its devices.
    """
    found = devices.listing(kept)
    return Listed(
        offered=tuple(device for device in found if not device.withheld),
        withheld=tuple(device for device in found if device.withheld),
    )


def show(path: bytes, kept: Iterable[bytes] = ()) -> Shown:
    """Return one device; its drive is asked, its content is not read.

    Raises:
        InputError: there is no such device.
    """
    device = devices.find(path, kept)
    answers = probing.ask(device.path, device.bus)
    who = identity.of_answers(device.number, device.bus, device.identity, answers)
    checks = (
        guard.at_attach(device.number),
        mounting.since_attach(device.number),
        mounting.writes(device.number),
        identity.hidden_check(who, device.size),
    )
    return Shown(device=device, who=who, checks=checks)


def guard_status() -> Guarded:
    """Return whether the guard is on."""
    return Guarded(status=guard.status())


def guard_on() -> Guarded:
    """Switch the guard on; what is plugged in already is left alone.

    Raises:
        RefusedError: no udev runs here, or `blockdev` is not installed.
        UsageError: it needs root, and there is no way to it; the hint has the commands.
    """
    before = guard.status()
    if before.active:
        return Guarded(status=before)
    if not os.path.lexists(guard.CONTROL):
        raise RefusedError(
            "the guard needs udev, which does not run here",
            hint="use a hardware write blocker, and switch automount off in the desktop",
        )
    program = guard.blockdev()
    if program is None:
        raise RefusedError(
            "the guard needs the program `blockdev`", hint="install the package `util-linux`"
        )
    _install(guard.rule(program).encode("utf-8"))
    after = guard.status()
    if not after.active:
        raise UsageError(f"the guard did not come on: {after.text}")
    return Guarded(status=after, did="on")


def guard_off() -> Guarded:
    """Switch the guard off; devices that it made read-only stay so.

    Raises:
        UsageError: it needs root, and there is no way to it; the hint has the commands.
    """
    if not os.path.lexists(guard.rule_path()):
        return Guarded(status=guard.status())
    rule = os.fsdecode(guard.rule_path())
    opener.run_elevated([["rm", "-f", "--", rule], _RELOAD])
    return Guarded(status=guard.status(), did="off")


_RELOAD = ["udevadm", "control", "--reload"]


def _install(text: bytes) -> None:
    """Put the rule into its folder as root; the file is there at once or not at all."""
    with tempfile.TemporaryDirectory(prefix="evkit-guard-") as folder:
        draft = os.path.join(os.fsencode(folder), guard.NAME)
        durable.write_new(draft, text)
        install = ["install", "-D", "-m", "0644", os.fsdecode(draft)]
        opener.run_elevated([[*install, os.fsdecode(guard.rule_path())], _RELOAD])


def _identities(who: Identity) -> list[str]:
    lines = []
    for name, values in (("bridge", who.bridge), ("drive", who.drive)):
        if values:
            text = ", ".join(f"{key} {value}" for key, value in values.items())
            lines.append(f"  {name}: {escape(text)}")
        elif name == "drive":
            why = who.answers.refused.get("drive", "it does not tell")
            lines.append(f"  drive: could not check: {escape(why)}")
    return lines


def _part(part: devices.Partition) -> str:
    words = [
        escape(part.name),
        in_words(part.size),
        escape(part.file_system or "no known file system"),
    ]
    if part.label:
        words.append(f"`{escape(part.label)}`")
    if part.mounted:
        words.append("mounted at " + ", ".join(escape_bytes(point) for point in part.mounted))
    return "  ".join(words)


def _age(device: Device) -> str:
    if device.attached is None:
        return "not known since when"
    seconds = int(device.attached)
    if seconds < _MINUTE:
        return f"plugged in {seconds} s ago"
    return f"plugged in {seconds // _MINUTE} min ago"


def _yes(value: bool | None) -> str:  # noqa: FBT001 - a value, not a switch
    if value is None:
        return "not known"
    return "yes" if value else "no"
