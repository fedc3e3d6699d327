"""What kind of image a file is, by its own marks and never by its name.

Raw has no mark: it is what remains. Container formats that evkit cannot decode are named, so that
nobody inventories the container's bytes as if they were the medium.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import NamedTuple

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape_bytes
from evkit.images.files import EXTRA, installed, open_quietly, peek_at

HEAD = 65536
SECTOR = 512


class Kind(NamedTuple):
    """What a file is.

    Attributes:
        name: slug: `raw`, `ewf`, `ewf-logical`, `ewf2`, `ewf2-logical`, `qcow`, `vmdk`, `vhd`,
            `vhdx`, `vdi`, `aff`, `aff4`, `ad1`, `dmg`, `gzip`, `zip`, `xz`, `7z`, `bzip2`, `zstd`.
        group: `raw`, `container` (of a medium or of files) or `packed`.
        title: words for people.
        readable: evkit can decode the medium.
        binding: the library of the extra `containers` that this takes, or nothing.
    """

    name: str
    group: str
    title: str
    readable: bool
    binding: str = ""

    @property
    def logical(self) -> bool:
        """Whether it holds files and no medium."""
        return self.name in {"ewf-logical", "ewf2-logical"}


RAW = Kind("raw", "raw", "raw medium", readable=True)
EWF = Kind("ewf", "container", "EnCase image (E01)", readable=True)
_OTHERS = {
    kind.name: kind
    for kind in (
        EWF,
        Kind("ewf2", "container", "EnCase image, second format (Ex01)", readable=True),
        Kind("qcow", "container", "QEMU image (qcow)", readable=True),
        Kind("vmdk", "container", "VMware image (vmdk)", readable=True, binding="pyvmdk"),
        Kind("vhd", "container", "Virtual PC image (vhd)", readable=True, binding="pyvhdi"),
        Kind("vhdx", "container", "Hyper-V image (vhdx)", readable=True, binding="pyvhdi"),
        Kind("ewf-logical", "container", "EnCase logical evidence (L01)", readable=False),
        Kind("ewf2-logical", "container", "EnCase logical evidence (Lx01)", readable=False),
        Kind("vdi", "container", "VirtualBox image (vdi)", readable=False),
        Kind("aff", "container", "Advanced Forensic Format image (AFF)", readable=False),
        Kind("aff4", "container", "Advanced Forensic Format image (AFF4)", readable=False),
        Kind("ad1", "container", "AccessData image (AD1)", readable=False),
        Kind("dmg", "container", "Apple disk image (dmg)", readable=False),
        Kind("gzip", "packed", "gzip file", readable=False),
        Kind("zip", "packed", "zip archive", readable=False),
        Kind("xz", "packed", "xz file", readable=False),
        Kind("7z", "packed", "7-Zip archive", readable=False),
        Kind("bzip2", "packed", "bzip2 file", readable=False),
        Kind("zstd", "packed", "Zstandard file", readable=False),
    )
}
_MARKS = (
    (0, b"EVF\x09\x0d\x0a\xff\x00", "ewf"),
    (0, b"LVF\x09\x0d\x0a\xff\x00", "ewf-logical"),
    (0, b"EVF2\x0d\x0a\x81\x00", "ewf2"),
    (0, b"LEF2\x0d\x0a\x81\x00", "ewf2-logical"),
    (0, b"QFI\xfb", "qcow"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"conectix", "vhd"),
    (0, b"vhdxfile", "vhdx"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"AFF10\x0d\x0a\x00", "aff"),
    (0, b"AFF\x00", "aff"),
    (0, b"ADSEGMENTEDFILE\x00", "ad1"),
    (0, b"ADCRYPT\x00", "ad1"),
    (0, b"encrcdsa", "dmg"),
    (0, b"sprs", "dmg"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
)
_TAIL = ((b"conectix", "vhd"), (b"koly", "dmg"))
_LOGICAL = (
    "it holds files and no medium; take it in with `evkit intake FILE --kind files`, "
    "`evkit image info FILE` lists what is in it"
)
_HINTS = {
    "ewf-logical": _LOGICAL,
    "ewf2-logical": _LOGICAL,
    "packed": "unpack it first; the packed file itself can be taken in with `--kind files`",
    "container": "export the medium as raw with a tool that knows the format, take both in, "
    "and name the container with `--derived-from`",
}


def detect(path: str | bytes) -> Kind:
    """Say what a file is, from its first 64 KiB and its last sector.

    Raises:
        InputError: the file cannot be opened, or it is a folder.
    """
    shown = escape_bytes(os.fsencode(path))
    try:
        descriptor = open_quietly(path)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):  # not every system tells its size
                raise InputError(f"`{shown}` is a folder", hint="name a file of the image")
            size = os.lseek(descriptor, 0, os.SEEK_END)
            # a bad sector hides a mark, no more
            head = peek_at(descriptor, HEAD, 0) or peek_at(descriptor, SECTOR, 0)
            tail = peek_at(descriptor, SECTOR, max(0, size - SECTOR))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(
            f"cannot read `{shown}`: {error.strerror or error}",
            hint="check the name; give the path of an image that exists and that you may read",
        ) from error
    return identify(head, tail)


def identify(head: bytes, tail: bytes = b"") -> Kind:
    """Say what content is from its start and, when known, its last 512 bytes."""
    for offset, mark, name in _MARKS:
        if head[offset : offset + len(mark)] == mark:
            return _OTHERS[name]
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return _OTHERS["aff4" if _is_aff4(head) else "zip"]
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return _OTHERS["bzip2"]
    if len(tail) == SECTOR:
        for mark, name in _TAIL:
            if tail.startswith(mark):
                return _OTHERS[name]
    return RAW


def has_boot_sector(path: str | bytes) -> bool:
    """Say whether a raw file starts like a disk: whole sectors, and a boot sector or a GPT."""
    try:
        descriptor = open_quietly(path)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            head = peek_at(descriptor, 2 * SECTOR, 0)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    signed = head[510:512] == b"\x55\xaa" or head[SECTOR : SECTOR + 8] == b"EFI PART"
    return bool(size) and size % SECTOR == 0 and signed


def need_readable(path: str | bytes, kind: Kind) -> None:
    """Refuse a file whose medium evkit cannot decode.

    Raises:
        InputError: with what to do instead.
        UsageError: the extra that decodes it is not installed.
    """
    if kind.binding and not installed(kind.binding):
        raise UsageError(
            f"`{escape_bytes(os.fsencode(path))}` is a {kind.title}; "
            f"`{kind.binding}`, which decodes it, is not installed",
            hint=f"pip install 'evkit[{EXTRA}]'",
        )
    if not kind.readable:
        raise InputError(
            f"`{escape_bytes(os.fsencode(path))}` is a {kind.title}, which evkit does not decode",
            hint=_HINTS.get(kind.name, _HINTS[kind.group]),
        )


def need_raw(path: str | bytes, kind: Kind) -> None:
    """Refuse a container that was given as if it were the raw medium itself.

    Raises:
        InputError: with what to do instead.
    """
    if kind.group == "container":
        hint = "take it in with `evkit intake FILE --kind image`" if kind.readable else None
        raise InputError(
            f"`{escape_bytes(os.fsencode(path))}` is a {kind.title}, not a raw medium",
            hint=hint or _HINTS.get(kind.name, _HINTS[kind.group]),
        )


def _is_aff4(head: bytes) -> bool:
    """Look for AFF4's marks in the first zip entries: a description file or an `aff4:` comment."""
    offset = 0
    while head[offset : offset + 4] == b"PK\x03\x04" and offset + 30 <= len(head):
        size, name_length, extra = struct.unpack_from("<18xI4xHH", head, offset)
        name = head[offset + 30 : offset + 30 + name_length]
        if name in {b"container.description", b"information.turtle"} or name.startswith(b"aff4"):
            return True
        offset += 30 + name_length + extra + size
    return b"aff4://" in head[:4096]
