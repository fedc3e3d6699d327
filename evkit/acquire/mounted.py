"""Facts and checks of a folder whose files are acquired: a mounted file system, or a running one.

The states of a check and what is done about them are those of `acquire.preflight`; nothing but
room is refused here, for the files are only read.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evkit.acquire import preflight, selecting, sysfs
from evkit.acquire.checks import CHECKED, FAILED, UNKNOWN, Check
from evkit.core.errors import InputError, StorageError
from evkit.core.paths import to_fields
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.sysfs import Mount

ON_SOURCE: Final = "destination-on-source"
TIMES: Final = "access-times"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The folder that is acquired from.

    Attributes:
        path: as given.
        real: without links.
        device: `major:minor` of its file system.
        file_system: type of the file system, None when unknown.
        mount: where it is mounted, None when unknown.
        read_only: mounted read-only; None when unknown.
        live: it belongs to the system that runs evkit.
        identity: of the device that it lies on, as the system reports it.
    """

    path: bytes
    real: bytes
    device: str
    file_system: str | None
    mount: bytes | None
    read_only: bool | None
    live: bool
    identity: dict[str, str]

    def fields(self) -> dict[str, Any]:
        """Return the JSON form, as it stands in the started event."""
        found: dict[str, Any] = {**to_fields(self.path), "kind": "folder", "device": self.device}
        if self.file_system is not None:
            found["file_system"] = self.file_system
        if self.mount is not None:
            found.update(to_fields(self.mount, "mounted_at"))
        if self.read_only is not None:
            found["read_only"] = self.read_only
        return {**found, "live": self.live, **self.identity}


def look(path: bytes) -> Folder:
    """Describe the folder.

    Raises:
        InputError: it is absent, no folder, or its files are made while they are read.
    """
    shown = escape_bytes(path)
    try:
        facts = os.stat(path)
    except OSError as error:
        raise InputError(
            f"cannot read `{shown}`: {error.strerror or error}",
            hint="name the folder at which the file system is mounted",
        ) from error
    if not stat.S_ISDIR(facts.st_mode):
        raise InputError(
            f"`{shown}` is no folder",
            hint="a device or an image is acquired with `--type full` or `--type partition`",
        )
    device = f"{os.major(facts.st_dev)}:{os.minor(facts.st_dev)}"
    mount = _mount_of(os.path.realpath(path), device)
    kind = mount.type if mount is not None else None
    if kind in selecting.PSEUDO:
        raise InputError(
            f"`{shown}` is a pseudo file system ({kind}), whose files are made while they are read",
            hint="what a running system says is taken in as text with `evkit intake`",
        )
    named = [sysfs.identity(one) for one in sorted(mount.devices if mount else {device})]
    return Folder(
        path=path,
        real=os.path.realpath(path),
        device=device,
        file_system=kind,
        mount=mount.point if mount is not None else None,
        read_only=mount.read_only if mount is not None else None,
        live=facts.st_dev == os.stat("/").st_dev,
        identity=next((found for found in named if found), {}),
    )


def _mount_of(real: bytes, device: str) -> Mount | None:
    """Return the mount that a path lies in: the last one of the deepest point."""
    best = None
    for mount in sysfs.mounts() or ():
        point = mount.point.rstrip(b"/")
        inside = real == mount.point or real.startswith(point + b"/")
        if inside and device in mount.devices:
            best = mount if best is None or len(mount.point) >= len(best.point) else best
    return best


def examine(folder: Folder, home: bytes, needed: int) -> preflight.Report:
    """Make every check.

    Args:
        folder: as `look` found it.
        home: the station.
        needed: bytes that the copies take.

    Raises:
        StorageError: the station has too little room.
    """
    free = preflight.room(home)
    if free is not None and free < needed:
        raise StorageError(
            f"`{escape_bytes(home)}` has {in_words(free)} free, {in_words(needed)} are needed",
            hint="free space there, or want less",
        )
    checks = [_write_block(folder), _in_use(folder), _times(folder), _elsewhere(folder, home)]
    state = CHECKED if free is not None else UNKNOWN
    text = f"{in_words(needed)} needed"
    text = f"{in_words(free)} free, {text}" if free is not None else f"{text}; free is not known"
    checks.append(Check(name="room", state=state, text=text))
    return preflight.Report(
        checks=tuple(checks), free=free, needed=needed, file_system=preflight.file_system(home)
    )


def _write_block(folder: Folder) -> Check:
    name = "write-block"
    if folder.read_only is None:
        text = "not known whether the file system is mounted read-only"
        return Check(name=name, state=UNKNOWN, text=text)
    where = f"{folder.file_system} at {escape_bytes(folder.mount or b'')}"
    if folder.read_only:
        return Check(name=name, state=CHECKED, text=f"{where} is mounted read-only")
    return Check(
        name=name,
        state=FAILED,
        code=preflight.WRITABLE,
        text=f"{where} is mounted for writing; evkit only reads",
        hint="mount it read-only behind a write blocker, unless the system has to go on running",
    )


def _in_use(folder: Folder) -> Check:
    name = "running-system"
    if not folder.live:
        text = "the folder is on another file system than the system that runs evkit"
        return Check(name=name, state=CHECKED, text=text, answer="no")
    return Check(
        name=name,
        state=FAILED,
        code=preflight.RUNNING,
        answer="yes",
        text="the folder is on the file system of the running system, whose files may change; "
        "what is taken is of no single moment",
        hint="image the medium of a computer that is switched off, where that is possible",
    )


def _times(folder: Folder) -> Check:
    """Say whether reading leaves the access times alone."""
    if folder.read_only or (hasattr(os, "O_NOATIME") and os.geteuid() == 0):
        return Check(name=TIMES, state=CHECKED, text="reading leaves access times alone")
    text = "access times are left alone only of files that belong to this user"
    return Check(name=TIMES, state=UNKNOWN, text=text)


def _elsewhere(folder: Folder, home: bytes) -> Check:
    name = "destination-elsewhere"
    if os.stat(home).st_dev != os.stat(folder.real).st_dev:
        text = "the station lies on another file system"
        return Check(name=name, state=CHECKED, text=text)
    return Check(
        name=name,
        state=FAILED,
        code=ON_SOURCE,
        text="the station lies on the file system that is acquired from; writing there uses up "
        "space in which deleted files may lie",
        hint="use a station on another medium",
    )
