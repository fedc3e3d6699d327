"""What a source is: its kind, exact length, sectors, lock state and identity, from one descriptor.

Everything is asked of the descriptor that is read later, so that a device exchanged in between
cannot be described as another one. The source is opened read-only and, where the system allows it,
without touching its access time.
"""

from __future__ import annotations

import array
import dataclasses
import errno
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import sysfs
from evkit.acquire.claim import claim
from evkit.core.errors import InputError, RefusedError, UsageError
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

STDIN = b"-"
SECTOR = 512
_DIRECT = getattr(os, "O_DIRECT", 0)
# linux/fs.h; the sizes of the answers differ
_BLKROGET = 0x125E
_BLKSSZGET = 0x1268
_BLKPBSZGET = 0x127B
_BLKGETSIZE64 = 0x80081272
_GONE = {errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A source as found when it was opened.

    Attributes:
        path: as given, `-` for standard input.
        kind: `file`, `block` or `stream`.
        size: bytes, None for a stream.
        sector_size: logical sector in bytes; 512 where nobody states one.
        physical_sector_size: or None.
        read_only: whether writing is blocked; None when that cannot be known.
        device: `major:minor` of a block device, or None.
        identity: make, model, serial, … as the system reports them; text from outside.
        mtime_ns: of a regular file, or None.
        inode: (device, inode) of a regular file, or None.
        claimed: no other evkit process reads the block device; None when that cannot be known.
        exclusive: the system mounts the block device for nobody while it is open.
        window: (offset, length) on the source when only a part of it is taken; `size` is then the
            length of that part.
        source_size: bytes of the whole source when only a part of it is taken.
    """

    path: bytes
    kind: str
    size: int | None
    sector_size: int = SECTOR
    physical_sector_size: int | None = None
    read_only: bool | None = None
    device: str | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    mtime_ns: int | None = None
    inode: tuple[int, int] | None = None
    claimed: bool | None = None
    exclusive: bool | None = None
    window: tuple[int, int] | None = None
    source_size: int | None = None

    @property
    def base(self) -> int:
        """Where on the source the first byte lies that is taken."""
        return self.window[0] if self.window else 0


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A source with its open descriptor; `direct` when it is read past the page cache."""

    descriptor: int
    facts: Facts
    direct: bool

    def close(self) -> None:
        """Close the descriptor, but never standard input."""
        if self.facts.kind != "stream":
            os.close(self.descriptor)


def open_source(path: bytes) -> Opened:
    """Open a source read-only and describe it.

    Raises:
        InputError: it is absent, unreadable, or neither a regular file nor a block device.
        RefusedError: it is a device and this system is not Linux.
        LockedError: another evkit process acquires the device.
    """
    if path == STDIN:
        return Opened(descriptor=0, facts=Facts(path=STDIN, kind="stream", size=None), direct=False)
    shown = escape_bytes(path)
    exclusive = False
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISBLK(mode):
            _need_linux()
            descriptor, direct, exclusive = _open_device(path)
        elif stat.S_ISREG(mode):
            descriptor, direct = _open_quietly(path), False
        else:
            raise InputError(_OTHER % shown, hint=_hint_for(mode))
    except OSError as error:
        hint = None
        if error.errno in {errno.EACCES, errno.EPERM}:
            hint = "reading a device needs membership of its group, usually `disk`"
        elif error.errno == errno.ENOENT:
            hint = "check the name; what is plugged in shows in `evkit device list`"
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}", hint=hint) from error
    try:
        facts = describe(path, descriptor)
        if facts.kind == "block":
            claimed = claim(path, descriptor)
            facts = dataclasses.replace(facts, claimed=claimed or None, exclusive=exclusive)
        return Opened(descriptor=descriptor, facts=facts, direct=direct)
    except BaseException:
        os.close(descriptor)
        raise


def describe(path: bytes, descriptor: int) -> Facts:
    """Return the facts of an open file or block device.

    Raises:
        InputError: the device does not tell its length, or it is no file and no device.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISBLK(found.st_mode):
        if not stat.S_ISREG(found.st_mode):  # exchanged since its name was looked at
            raise InputError(_OTHER % escape_bytes(path), hint=_hint_for(found.st_mode))
        return Facts(
            path=path,
            kind="file",
            size=found.st_size,
            mtime_ns=found.st_mtime_ns,
            inode=(found.st_dev, found.st_ino),
        )
    device = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    try:
        size = _ioctl(descriptor, _BLKGETSIZE64, "Q")
        sector = _ioctl(descriptor, _BLKSSZGET, "i")
        physical = _ioctl(descriptor, _BLKPBSZGET, "I")
        locked = _ioctl(descriptor, _BLKROGET, "i")
    except OSError as error:
        raise InputError(
            f"`{escape_bytes(path)}` does not tell its length: {error.strerror or error}",
            hint="is a medium in the drive?",
        ) from error
    return Facts(
        path=path,
        kind="block",
        size=size,
        sector_size=sector,
        physical_sector_size=physical,
        read_only=bool(locked),
        device=device,
        identity=sysfs.identity(device),
    )


def narrowed(opened: Opened, offset: int, length: int) -> Opened:
    """Return the same source with only a part of it to be taken.

    Raises:
        UsageError: the part does not lie on the source, or not at its sectors.
    """
    facts = opened.facts
    sector = facts.sector_size
    if facts.size is None:
        raise UsageError("a part of a stream cannot be taken", hint="acquire all of it")
    inside = offset >= 0 and length > 0 and offset + length <= facts.size
    if not inside or offset % sector or (length % sector and offset + length != facts.size):
        raise UsageError(
            f"bytes {offset} to {offset + length} are no range of sectors on a source of "
            f"{facts.size} bytes",
            hint=f"offset and length are multiples of {sector}, such as 2048s+204800s",
        )
    part = dataclasses.replace(facts, size=length, window=(offset, length), source_size=facts.size)
    return dataclasses.replace(opened, facts=part)


def is_gone(descriptor: int, facts: Facts) -> bool:
    """Say whether a block device went away or changed its length since it was described."""
    if facts.kind != "block":
        return False
    try:
        stated = facts.size if facts.source_size is None else facts.source_size
        return _ioctl(descriptor, _BLKGETSIZE64, "Q") != stated
    except OSError as error:
        return error.errno in _GONE


def changes(before: Facts, after: Facts) -> list[str]:
    """Say in words how a source changed while it was read; empty when it did not.

    Args:
        before: as it was opened, perhaps with only a part that is taken.
        after: the whole source, described again.
    """
    found = []
    whole = before.size if before.source_size is None else before.source_size
    if whole != after.size:
        sizes = ["unknown" if n is None else in_words(n) for n in (whole, after.size)]
        found.append(f"its size was {sizes[0]} and is {sizes[1]}")
    if before.mtime_ns != after.mtime_ns:
        found.append("its time of modification changed")
    if before.read_only != after.read_only:
        found.append("its read-only flag changed")
    if dict(before.identity) != dict(after.identity):
        found.append("it identifies itself in another way")
    return found


def same_device(before: Facts, after: Facts) -> list[str]:
    """Say in words why a device is not the one that was planned for; empty when it is.

    Args:
        before: as found when the work was planned.
        after: as found when it starts; the path may have another name.
    """
    found = []
    if before.kind != after.kind:
        found.append(f"it was a {before.kind} and is a {after.kind}")
    if before.size != after.size:
        sizes = ["unknown" if n is None else in_words(n) for n in (before.size, after.size)]
        found.append(f"its size was {sizes[0]} and is {sizes[1]}")
    if before.sector_size != after.sector_size:
        found.append(f"its sectors had {before.sector_size} bytes and have {after.sector_size}")
    for name in _SAME:
        old, new = before.identity.get(name), after.identity.get(name)
        if old != new:
            found.append(f"its {name} was {_quoted(old)} and is {_quoted(new)}")
    if before.inode and after.inode and before.inode != after.inode:
        found.append("it is another file")
    return found


def fields(facts: Facts) -> dict[str, str | int | bool]:
    """Return the facts as they stand in events and in the acquisition log."""
    from evkit.core.paths import to_fields

    result: dict[str, str | int | bool] = {**to_fields(facts.path), "kind": facts.kind}
    optional = {
        "size": facts.size,
        "sector_size": facts.sector_size if facts.kind == "block" else None,
        "physical_sector_size": facts.physical_sector_size,
        "read_only": facts.read_only,
        "device": facts.device,
        "source_size": facts.source_size,
    }
    result.update({name: value for name, value in optional.items() if value is not None})
    result.update(facts.identity)
    if facts.window is not None:
        result["window_offset"], result["window_length"] = facts.window
    return result


_SAME = ("make", "model", "serial", "firmware", "wwid", "cid", "partition", "start_sector")


def _quoted(value: str | None) -> str:
    return f"`{value}`" if value else "not known"


_OTHER = "`%s` is neither a regular file nor a block device"


def _hint_for(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "take folders in with `evkit intake PATH --exhibit CASE/E1`"
    return "to read a stream, give `-` and pipe it to standard input"


def _open_quietly(path: bytes, extra: int = 0) -> int:
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | extra
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # only the owner may leave the access time alone
        return os.open(path, flags)


def _open_device(path: bytes) -> tuple[int, bool, bool]:
    """Open a device, past the cache and exclusively where that goes; as root where need be."""
    for extra in (_DIRECT | os.O_EXCL, _DIRECT, os.O_EXCL, 0):
        try:
            descriptor = _open_quietly(path, extra)
        except OSError as error:
            from evkit.acquire import opener

            if opener.denied(error):
                return opener.open_elevated(path)
            if error.errno not in {errno.EINVAL, errno.EBUSY} or not extra:
                raise
        else:
            return descriptor, bool(_DIRECT and extra & _DIRECT), bool(extra & os.O_EXCL)
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def _need_linux() -> None:
    if not os.path.isdir("/sys/dev/block"):
        raise RefusedError(
            "block devices are acquired on Linux only",
            hint="use a Linux workstation or live stick, or take in an image with `evkit intake`",
        )


def _ioctl(descriptor: int, request: int, code: str) -> int:
    import fcntl

    answer = array.array(code, [0])
    fcntl.ioctl(descriptor, request, answer, True)  # noqa: FBT003 - the buffer is changed in place
    return int(answer[0])
