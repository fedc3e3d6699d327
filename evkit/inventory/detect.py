"""What a volume is when no file system could be opened there: named by its own marks."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

PROBE = 1 << 17  # bytes of a volume that are looked at
_SAMPLE = 1 << 16
_HIGH_ENTROPY = 7.99  # bits per byte over the sample; compressed data stays below in practice
_LARGEST_CLUSTER = 1 << 16  # of NTFS, for libtsk


class Guess(NamedTuple):
    """What a volume seems to hold.

    Attributes:
        type: `luks`, `apfs`, `unknown`, …
        state: a state of a row.
        reason: slug.
    """

    type: str
    state: str
    reason: str


_MARKS = (
    (0, b"LUKS\xba\xbe", "luks", "encrypted"),
    (3, b"-FVE-FS-", "bitlocker", "encrypted"),
    (32, b"NXSB", "apfs", "unsupported"),
    (0, b"XFSB", "xfs", "unsupported"),
    (0x10040, b"_BHRfS_M", "btrfs", "unsupported"),
    (0x218, b"LVM2 001", "lvm", "unsupported"),
    (0x018, b"LVM2 001", "lvm", "unsupported"),
    (0x400, b"\x10\x20\xf5\xf2", "f2fs", "unsupported"),
    (0x1000, b"\xfc\x4e\x2b\xa9", "linux-raid", "unsupported"),
    (0, b"\xfc\x4e\x2b\xa9", "linux-raid", "unsupported"),
    (0, b"hsqs", "squashfs", "unsupported"),
    (3, b"ReFS\x00", "refs", "unsupported"),
    (88, b"CS", "core-storage", "encrypted"),
    (1024, b"BD", "hfs", "unsupported"),
    (1024, b"H+", "hfs-plus", "damaged"),
    (1024, b"HX", "hfs-plus", "damaged"),
    (1080, b"\x53\xef", "ext", "damaged"),
)
_REASONS = {"unsupported": "not-supported", "damaged": "not-readable"}
# BitLocker To Go has the mark of a FAT boot sector; this GUID tells
_FVE_GUID = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")


def guess(head: bytes) -> Guess:
    """Name a volume from its first 128 KiB (fewer when it is smaller)."""
    marked = _marked(head)
    if marked is not None:
        return marked
    if head[3:11] == b"NTFS    ":
        if ntfs_cluster_size(head) > _LARGEST_CLUSTER:
            return Guess("ntfs", "unsupported", "clusters-over-64-kib")
        return Guess("ntfs", "damaged", "not-readable")
    if not head.strip(b"\x00"):
        return Guess("unknown", "unreadable", "begins-with-zeros")
    if len(head) >= _SAMPLE and entropy(head[:_SAMPLE]) > _HIGH_ENTROPY:
        return Guess("unknown", "encrypted", "high-entropy")
    return Guess("unknown", "unreadable", "no-known-file-system")


def _marked(head: bytes) -> Guess | None:
    for offset, mark, kind, state in _MARKS:
        if head[offset : offset + len(mark)] == mark:
            if kind == "core-storage" and head[8:10] != b"\x01\x00":
                continue
            return Guess(kind, state, _REASONS.get(state, f"{kind}-volume"))
    if _FVE_GUID in head[:512]:
        return Guess("bitlocker", "encrypted", "bitlocker-volume")
    for page in (4096, 8192, 16384, 65536):
        if head[page - 10 : page] in {b"SWAPSPACE2", b"SWAP-SPACE"}:
            return Guess("swap", "ok", "holds-no-files")
    return None


def ntfs_cluster_size(head: bytes) -> int:
    """Return the bytes of an NTFS cluster as the boot sector states them."""
    sector = int.from_bytes(head[11:13], "little")
    per_cluster = head[13]
    if per_cluster > 0x80:  # noqa: PLR2004 - above 128 it is a negative power of two
        return sector << min(256 - per_cluster, 31)
    return sector * per_cluster


def entropy(data: bytes) -> float:
    """Return bits per byte of `data`, 0.0 when it is empty."""
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values()) if total else 0.0
