"""The header of a QEMU image (qcow, versions 1 to 3), read strictly.

Layout: "QCOW2 Image Format" in QEMU's documentation, and `block/qcow.c`'s on-disk header for 1.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any

from evkit.core.errors import InputError
from evkit.images.model import MAX_MEDIUM

MARK = b"QFI\xfb"
_FIRST = struct.Struct(">4sIQIIQBBHIQ")  # version 1
_SECOND = struct.Struct(">4sIQIIQIIQQIIQ")  # versions 2 and 3
_THIRD = struct.Struct(">QQQIIB")  # what version 3 has besides
_MAX_L1 = 32 << 20
_BITS = range(9, 22)
_BACKING_FORMAT = 0xE2792ACA
_EXTERNAL, _ZSTD, _SUBCLUSTERS, _KNOWN = 4, 8, 16, 31
_DIRTY, _CORRUPT = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header says.

    Attributes:
        version: 1, 2 or 3.
        cluster_bits, l2_bits: bytes of a cluster, entries of a second-level table; powers of two.
        l1_size, l1_offset: entries of the first-level table, and where it lies.
        backing: name of the parent, or nothing.
        backing_format: `raw`, `qcow2`, …, or nothing when it is not said.
        snapshots: how many internal snapshots there are.
        damaged: QEMU marked the image as damaged.
    """

    version: int
    size: int
    cluster_bits: int
    l2_bits: int
    l1_size: int
    l1_offset: int
    backing: bytes
    backing_format: str
    snapshots: int
    damaged: bool


def read_header(descriptor: int, shown: str) -> Header:
    """Read and check the header.

    Raises:
        InputError: it is damaged, or the image needs what evkit does not decode.
        OSError: it cannot be read.
    """
    data = os.pread(descriptor, 4096, 0)
    if len(data) < _SECOND.size or data[:4] != MARK:
        raise InputError(f"`{shown}` ends inside its header, or is no QEMU image")
    version = int.from_bytes(data[4:8], "big")
    if version == 1:
        header, crypt, backing = _read_first(data)
    elif version in {2, 3}:
        header, crypt, backing = _read_later(data, version, shown)
    else:
        raise InputError(f"`{shown}` is a QEMU image of version {version}, which is unknown")
    if crypt:
        raise InputError(
            f"`{shown}` is encrypted; evkit does not decode encrypted QEMU images",
            hint="take the file in with `--kind files`, and what was decrypted by itself",
        )
    made = Header(backing=_backing(descriptor, *backing, shown), **header)
    _check(made, shown)
    return made


def _read_first(data: bytes) -> tuple[dict[str, Any], int, tuple[int, int]]:
    _, _, at, length, _, size, bits, l2_bits, _, crypt, l1 = _FIRST.unpack_from(data)
    span = 1 << min(bits + l2_bits, 63)
    return (
        {
            "version": 1, "size": size, "cluster_bits": bits, "l2_bits": l2_bits,
            "l1_size": -(-size // span), "l1_offset": l1, "backing_format": "", "snapshots": 0,
            "damaged": False,
        },
        crypt,
        (at, length),
    )  # fmt: skip


def _read_later(
    data: bytes, version: int, shown: str
) -> tuple[dict[str, Any], int, tuple[int, int]]:
    found = _SECOND.unpack_from(data)
    _, _, at, length, bits, size, crypt, l1_size, l1, _, _, snapshots, _ = found
    features, end = 0, _SECOND.size
    if version == 3:  # noqa: PLR2004 - the version
        features, _, _, _, end, kind = _THIRD.unpack_from(data, _SECOND.size)
        if end < _SECOND.size + _THIRD.size:
            kind = 0
        _need_features(features | (_ZSTD if kind else 0), shown)
    return (
        {
            "version": version, "size": size, "cluster_bits": bits, "l2_bits": bits - 3,
            "l1_size": l1_size, "l1_offset": l1, "backing_format": _format(data, end),
            "snapshots": snapshots, "damaged": bool(features & _CORRUPT),
        },
        crypt,
        (at, length),
    )  # fmt: skip


def _need_features(features: int, shown: str) -> None:
    names = {
        _EXTERNAL: "keeps its data in another file",
        _ZSTD: "is compressed with zstd",
        _SUBCLUSTERS: "divides its clusters",
    }
    said = [text for bit, text in names.items() if features & bit]
    if features & ~_KNOWN:
        said.append("needs what no evkit knows")
    if said:
        raise InputError(
            f"`{shown}` {' and '.join(said)}; evkit does not decode such a QEMU image",
            hint="export the medium as raw with `qemu-img convert`, take both in, and name the "
            "container with `--derived-from`",
        )


def _format(data: bytes, at: int) -> str:
    """Return the format of the parent from the header extensions, nothing when it is not said."""
    while _SECOND.size <= at <= len(data) - 8:
        kind, length = struct.unpack_from(">II", data, at)
        if not kind or length > len(data):
            break
        if kind == _BACKING_FORMAT:
            return data[at + 8 : at + 8 + length].decode("ascii", "replace")
        at += 8 + -(-length // 8) * 8
    return ""


def _backing(descriptor: int, at: int, length: int, shown: str) -> bytes:
    if not at or not length:
        return b""
    name = os.pread(descriptor, min(length, 1024), at) if at < 1 << 62 else b""
    if length > 1023 or len(name) != length or b"\0" in name:  # noqa: PLR2004 - the format's limit
        raise InputError(f"`{shown}` is damaged: the name of its parent")
    return name


def _check(header: Header, shown: str) -> None:
    if header.cluster_bits not in _BITS or header.l2_bits not in range(6, 19):
        raise InputError(f"`{shown}` is damaged: the size of its clusters")
    if header.size > MAX_MEDIUM:
        raise InputError("the image is larger than evkit records (2^53 bytes)")
    span = 1 << (header.cluster_bits + header.l2_bits)
    if header.l1_size * 8 > _MAX_L1 or header.l1_size < -(-header.size // span):
        raise InputError(f"`{shown}` is damaged: the size of its first table")
    if header.l1_offset >= 1 << 62:
        raise InputError(f"`{shown}` is damaged: the place of its first table")
