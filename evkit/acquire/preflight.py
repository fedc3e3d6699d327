"""Checks before the first read. Only what would alter evidence is refused; the rest is recorded.

A check is `checked`, `failed` (recorded as a deviation, with a reason) or `could-not-check`; see
`acquire.checks`. Refused are a source that is mounted for writing or used as swap space, a
destination on the source, and a destination without room.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import guard, identity, mounting, sysfs
from evkit.acquire.checks import CHECKED, FAILED, UNKNOWN, Check
from evkit.core.errors import RefusedError, StorageError
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.hashing import pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.identity import Identity
    from evkit.acquire.source import Facts
    from evkit.core.ejson import Json

SPARE = 16 << 20  # log, list, journal and the file system's own needs
WRITABLE = "source-writable"
MOUNTED = "source-mounted"
RUNNING = "source-in-use"
IN_USE, LITTLE_ROOM = "in-use", "little-room"
_MOUNT = "not-mounted"


@dataclass(frozen=True, kw_only=True)
class Report:
    """All checks, with what was found about the destination and about who the source is.

    `identity` is that of a block device, None for every other source.
    """

    checks: tuple[Check, ...]
    free: int | None
    needed: int | None
    file_system: str | None
    identity: Identity | None = None

    @property
    def deviations(self) -> tuple[Check, ...]:
        """The checks that failed; each is recorded as a deviation."""
        return tuple(check for check in self.checks if check.state == FAILED)

    def fields(self) -> dict[str, Json]:
        """Return the JSON form."""
        found: dict[str, Json] = {"checks": [check.fields() for check in self.checks]}
        values = (("free", self.free), ("needed", self.needed), ("file_system", self.file_system))
        found.update({name: value for name, value in values if value is not None})
        if self.identity is not None:
            found["identity"] = self.identity.fields()
        return found

    def named(self, name: str) -> Check | None:
        """Return the check of this name, None when it was not asked for this kind of source."""
        return next((check for check in self.checks if check.name == name), None)


def examine(
    facts: Facts,
    destination: bytes,
    *,
    block_nodes: bool = False,
    label: Mapping[str, str] | None = None,
    ask_drive: bool = True,
    allow: frozenset[str] = frozenset(),
) -> Report:
    """Make every check.

    Args:
        facts: the opened source.
        destination: an existing folder on the file system that will take the image.
        block_nodes: the piece tree will keep the hash of each block.
        label: `make`, `model`, `serial` on the label of the thing, as typed.
        ask_drive: run the programs that ask the drive behind its bridge.
        allow: `in-use` records a source that is mounted for writing instead of refusing it (a
            running system); `little-room` does so with a destination that may be too small (what
            is compressed needs less than the medium has).

    Raises:
        RefusedError: going on would alter the source.
        StorageError: the destination has too little room.
    """
    free, needed = room(destination), None
    if facts.size is not None:
        needed = space_for(facts.size, block_nodes=block_nodes)
    tight = free is not None and needed is not None and free < needed
    if free is not None and needed is not None and tight and LITTLE_ROOM not in allow:
        raise StorageError(
            f"`{escape_bytes(destination)}` has {in_words(free)} free, "
            f"{in_words(needed)} are needed",
            hint="free space there, or name a larger medium with `--to`",
        )
    checks = [
        _write_block(facts),
        _not_mounted(facts, refuse=IN_USE not in allow),
        _elsewhere(facts, destination),
        _room(free, needed),
    ]
    who = None
    if facts.kind == "block" and facts.device is not None:
        who = identity.of(facts, label, ask=ask_drive)
        checks += _of_device(facts, facts.device, who)
    return Report(
        checks=tuple(checks),
        free=free,
        needed=needed,
        file_system=file_system(destination),
        identity=who,
    )


def _of_device(facts: Facts, device: str, who: Identity) -> list[Check]:
    """Return the checks that only a block device has."""
    return [
        _alone(facts),
        guard.at_attach(device),
        mounting.since_attach(device),
        mounting.writes(device),
        identity.hidden_check(who, identity.disk_size(device)),
        identity.label_check(who, facts.identity.get("serial") or who.bridge.get("serial")),
    ]


def _alone(facts: Facts) -> Check:
    name = "read-alone"
    if not facts.claimed:
        text = "not checked; whether another process acquires the device cannot be known here"
        return Check(name=name, state=UNKNOWN, text=text)
    text = "no other evkit process acquires the device"
    if facts.exclusive:
        text += "; it cannot be mounted while it is open"
    return Check(name=name, state=CHECKED, text=text)


def space_for(size: int, *, block_nodes: bool = False) -> int:
    """Return the bytes that an image of `size` bytes takes with its pieces file and log."""
    nodes = pieces.node_count(size) + (pieces.block_count(size) if block_nodes else 0)
    return size + nodes * pieces.HASH + SPARE


def room(folder: bytes) -> int | None:
    """Return the bytes that this user can still write to the file system of `folder`."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return found.f_bavail * found.f_frsize


def _write_block(facts: Facts) -> Check:
    name = "write-block"
    if facts.kind != "block":
        text = "opened read-only; not a device"
        return Check(name=name, state=CHECKED, text=text)
    if facts.read_only:
        return Check(name=name, state=CHECKED, text="the system holds the device read-only")
    return Check(
        name=name,
        state=FAILED,
        code=WRITABLE,
        text="the device is writable; evkit opened it read-only",
        hint="put a write blocker before it, or run `blockdev --setro` before it is opened",
    )


def _not_mounted(facts: Facts, *, refuse: bool) -> Check:
    if facts.kind == "block" and facts.device is not None:
        family = sysfs.below(facts.device)
        return _in_use(facts, family, "not mounted") if refuse else _running(family)
    if facts.inode is None:
        return Check(name=_MOUNT, state=UNKNOWN, text="not checked; a stream has no device")
    loops = sysfs.loops_over(facts.path, facts.inode)
    if loops is None:
        return Check(
            name=_MOUNT,
            state=UNKNOWN,
            text="not checked; this system does not tell which files are loop devices",
        )
    family = {device for loop in loops for device in sysfs.below(loop)}
    return _in_use(facts, family, "not mounted through a loop device")


def _running(family: set[str]) -> Check:
    """Say what uses a device that is acquired while it is in use."""
    uses = ["swap space"] if family & sysfs.swap_devices() else []
    for mount in sysfs.mounts() or ():
        if mount.devices & family:
            how = "for reading" if mount.read_only else "for writing"
            uses.append(f"mounted {how} at {escape_bytes(mount.point)}")
    if not uses:
        return Check(name=_MOUNT, state=CHECKED, text="not mounted")
    text = f"in use while it is acquired: {'; '.join(uses[:8])}"
    hint = "its content changes while it is read; the image is of no single moment"
    return Check(name=_MOUNT, state=FAILED, code=RUNNING, text=text, hint=hint)


def _in_use(facts: Facts, family: set[str], free: str) -> Check:
    """Refuse what swap or a writable mount uses; `free` says it in words when nothing does."""
    name = _MOUNT
    if not family:
        return Check(name=name, state=CHECKED, text=free)
    if family & sysfs.swap_devices():
        raise RefusedError(
            f"`{escape_bytes(facts.path)}` is in use as swap space",
            hint="run `swapoff` on it first; it has been written to",
        )
    mounted = sysfs.mounts()
    if mounted is None:
        text = "not checked; this system does not tell what is mounted"
        return Check(name=name, state=UNKNOWN, text=text)
    here = [mount for mount in mounted if mount.devices & family]
    for mount in here:
        if not mount.read_only:
            raise RefusedError(
                f"`{escape_bytes(facts.path)}` is mounted for writing at "
                f"`{escape_bytes(mount.point)}`",
                hint=f"unmount it first: `umount {escape_bytes(mount.point)}`",
            )
    if here:
        points = ", ".join(escape_bytes(mount.point) for mount in here)
        return Check(
            name=name,
            state=FAILED,
            code=MOUNTED,
            text=f"mounted read-only at {points}",
            hint="unmount it before it is acquired",
        )
    return Check(name=name, state=CHECKED, text=free)


def _elsewhere(facts: Facts, destination: bytes) -> Check:
    name = "destination-elsewhere"
    if facts.kind != "block" or facts.device is None:
        return Check(name=name, state=CHECKED, text="the destination is a new file")
    under = sysfs.devices_of(destination)
    if facts.device in under:
        raise RefusedError(
            f"the destination `{escape_bytes(destination)}` lies on the source "
            f"`{escape_bytes(facts.path)}`",
            hint="use a station on another disk",
        )
    if not under:
        text = "the file system of the destination names no device"
        return Check(name=name, state=UNKNOWN, text=text)
    return Check(name=name, state=CHECKED, text="the destination lies on another device")


def _room(free: int | None, needed: int | None) -> Check:
    name = "room"
    if free is None:
        return Check(name=name, state=UNKNOWN, text="the destination does not tell its free space")
    if needed is None:
        text = f"{in_words(free)} free; the length of the source is not known"
        return Check(name=name, state=UNKNOWN, text=text)
    text = f"{in_words(free)} free, {in_words(needed)} needed"
    if free < needed:
        text += " for what cannot be compressed; it may not be enough"
        return Check(name=name, state=UNKNOWN, text=text)
    return Check(name=name, state=CHECKED, text=text)


def file_system(folder: bytes) -> str | None:
    """Return the type of the file system, that of the mount point nearest above."""
    best: tuple[int, str] | None = None
    path = os.path.realpath(folder)
    for mount in sysfs.mounts() or ():
        point = mount.point.rstrip(b"/")
        inside = path == mount.point or path.startswith(point + b"/")
        if inside and (best is None or len(point) >= best[0]):
            best = (len(point), mount.type)
    return best[1] if best else None


def deviations(report: Report, reason: str | None) -> Sequence[tuple[str, str, str]]:
    """Return (code, text, reason) of every deviation, `not stated` without a reason."""
    return [
        (check.code or check.name, check.text, reason or "not stated")
        for check in report.deviations
    ]
