"""The descriptor of a VMDK image: a short text that lists the extents and names the parent.

It is a file of its own, or lies inside a sparse file (`KDMV`). Layout: "Virtual Disk Format 5.0",
VMware technical note. Only what decides which files are opened is read here; the rest is libvmdk's.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.files import open_quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARSE_MARK = b"KDMV"
TEXT_MARK = b"# Disk DescriptorFile"
NO_PARENT = 0xFFFFFFFF
MAX_TEXT = 1 << 20
SECTOR = 512
_ZERO_GRAINS = 4
_SPARSE = struct.Struct("<4sII QQQQ")  # mark, version, flags, capacity, grain, descriptor: at, size
_EXTENT = re.compile(
    rb"(?:RW|RDONLY|NOACCESS)\s+([0-9]{1,15})\s+([A-Z]{1,16})"
    rb'(?:\s+"([^"\r\n\0]{1,1024})"(?:\s+([0-9]{1,15}))?)?[ \t]*'
)
_SETTING = re.compile(rb'([A-Za-z]{1,40})[ \t]*=[ \t]*"?([^"\r\n\0]{0,1024})"?[ \t]*')
_FILED = {b"FLAT", b"SPARSE", b"VMFS", b"VMFSSPARSE", b"ZERO"}
_KEPT = ("createType", "CID", "parentCID", "parentFileNameHint", "encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """One stretch of the medium.

    Attributes:
        kind: `FLAT`, `SPARSE`, `VMFS`, `VMFSSPARSE` or `ZERO`.
        size, offset: bytes of the medium, and where they begin in the file.
        names: spellings of the file name; none for `ZERO`.
    """

    kind: str
    size: int
    offset: int
    names: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a descriptor says.

    Attributes:
        inside: it lies inside the one file that holds the data as well.
        settings: the values that were found, by name.
    """

    inside: bool
    settings: dict[str, str]
    extents: tuple[Extent, ...]

    @property
    def parent(self) -> tuple[bytes, ...]:
        """The spellings of the parent's name, none when the image needs no parent."""
        if self.number("parentCID") in {None, NO_PARENT}:
            return ()
        hint = self.settings.get("parentFileNameHint", "")
        return (hint.encode("utf-8", "surrogateescape"),)

    def number(self, name: str) -> int | None:
        """Return `CID` or `parentCID`, None when it is absent or no number."""
        try:
            return int(self.settings[name], 16) & NO_PARENT
        except (KeyError, ValueError):
            return None


def read_descriptor(path: bytes) -> Descriptor:
    """Read the descriptor of the image that begins with `path`.

    Raises:
        InputError: it cannot be read, is none, or `path` is a mere extent of an image.
    """
    shown = escape_bytes(path)
    try:
        descriptor = open_quietly(path)
        try:
            head = os.pread(descriptor, SECTOR, 0)
            inside = head[:4] == SPARSE_MARK
            text = _inside(descriptor, head, shown) if inside else os.pread(descriptor, MAX_TEXT, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error
    if not text.startswith(TEXT_MARK):
        raise _no_descriptor(shown)
    return parse_descriptor(text, inside=inside, shown=shown)


def marks_zeros(path: bytes) -> bool:
    """Say whether a sparse extent may mark grains as zeros instead of keeping them.

    Over a parent libvmdk (20260714) gives the parent's bytes for such a grain.
    """
    with open(open_quietly(path), "rb") as opened:
        head = opened.read(_SPARSE.size)
    if len(head) < _SPARSE.size or head[:4] != SPARSE_MARK:
        return False
    return bool(_SPARSE.unpack(head)[2] & _ZERO_GRAINS)


def parse_descriptor(text: bytes, *, inside: bool, shown: str) -> Descriptor:
    """Read the text of a descriptor.

    Raises:
        InputError: an extent line is malformed, or there is none.
    """
    settings: dict[str, bytes] = {}
    lines: list[bytes] = []
    for line in text.split(b"\0", 1)[0].splitlines():
        stripped = line.strip()
        if stripped.startswith((b"RW ", b"RDONLY ", b"NOACCESS ")):
            lines.append(stripped)
        elif (match := _SETTING.fullmatch(stripped)) and match[1].decode() in _KEPT:
            settings.setdefault(match[1].decode(), match[2])
    encoding = settings.get("encoding", b"").decode("ascii", "replace")
    extents = tuple(_extent(line, encoding, shown) for line in lines)
    if not extents:
        raise InputError(f"`{shown}` names no extent", hint="its descriptor is damaged")
    if inside and (len(extents) != 1 or extents[0].kind == "ZERO"):
        raise InputError(f"`{shown}` holds its own descriptor, which yet names other files")
    kept = {k: v.decode("utf-8", "surrogateescape") for k, v in settings.items()}
    return Descriptor(inside=inside, settings=kept, extents=extents)


def _extent(line: bytes, encoding: str, shown: str) -> Extent:
    match = _EXTENT.fullmatch(line)
    if match is None or match[2] not in _FILED or (match[3] is None) != (match[2] == b"ZERO"):
        raise InputError(
            f"`{shown}` describes an extent that evkit cannot read",
            hint="extents on a whole device or a raw mapping are not part of the image file",
            details={"line": escape_bytes(line[:200])},
        )
    return Extent(
        kind=match[2].decode(),
        size=int(match[1]) * SECTOR,
        offset=int(match[4] or 0) * SECTOR,
        names=_spellings(match[3], encoding) if match[3] else (),
    )


def _spellings(name: bytes, encoding: str) -> tuple[bytes, ...]:
    """Return the name as it stands and, when it is in a Windows code page, in UTF-8."""
    found: Sequence[bytes] = (name,)
    if encoding.lower() in {"windows-1252", "windows-1251", "windows-1250", "shift_jis", "gbk"}:
        found = (name, name.decode(encoding, "replace").encode())
    return tuple(dict.fromkeys(found))


def _inside(descriptor: int, head: bytes, shown: str) -> bytes:
    if len(head) < _SPARSE.size:
        raise InputError(f"`{shown}` ends inside its header")
    at, sectors = _SPARSE.unpack_from(head)[5:7]
    if not at or not sectors:
        raise _no_descriptor(shown)
    return os.pread(descriptor, min(sectors * SECTOR, MAX_TEXT), min(at * SECTOR, 1 << 62))


def _no_descriptor(shown: str) -> InputError:
    return InputError(
        f"`{shown}` is one extent of a VMware image, without the descriptor of the whole",
        hint="name the small text file that lists the extents; it ends in .vmdk as well",
    )
