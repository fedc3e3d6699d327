"""What a volume is when no file system could be opened there: named by its own marks.

A volume is also looked at when an engine did open it: a mark that stands there as well is said, and
some change what the inventory may claim (BitLocker To Go, a UDF file system beside ISO 9660).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.inventory.volumes.formats import (
    DAMAGED,
    ENCRYPTED,
    FAR_MARKS,
    FORMATS,
    MARKS,
    SHORT,
    UNSUPPORTED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes]

PROBE = 1 << 18  # bytes from the start of a volume that are looked at
TAIL = 1 << 17  # and from its end
_SAMPLE = 1 << 16
_SAMPLES = 8  # over the whole volume
_HIGH_ENTROPY = 7.99  # bits per byte over the sample; compressed data stays below in practice
LARGEST_CLUSTER = 1 << 16  # of NTFS, for libtsk
LARGE_CLUSTERS = "clusters-over-64-kib"
_REASONS = {UNSUPPORTED: "not-supported", DAMAGED: "not-readable"}
_FVE_GUIDS = tuple(  # of Windows 7 and later, and of used-space-only encryption
    bytes.fromhex(text)
    for text in ("3bd66749292ed84a8399f6a339e3d001", "3b4da89280dd0e4d9e4eb1e3284eaed8")
)
_UBERBLOCK = b"\x0c\xb1\xba\x00"  # 0x00bab10c, from 128 KiB of a ZFS label on
_FSCRYPT, _BIGALLOC = 0x10000, 0x200  # feature bits of ext4


class Guess(NamedTuple):
    """What a volume seems to hold.

    Attributes:
        type: `luks2`, `apfs`, `unknown`, …
        state: a state of a row.
        reason: slug.
        text: one sentence for people.
    """

    type: str
    state: str
    reason: str
    text: str


def look(read: Read, size: int) -> Guess:
    """Name a volume, reading its start, its end and samples between.

    Args:
        read: gives (offset in the volume, length), fewer bytes where there are none; may raise
            OSError where they cannot be read.
        size: bytes of the volume.
    """
    head = head_of(read, size)
    tail = _quietly(read, max(0, size - TAIL), min(TAIL, size))
    found = guess(head, tail)
    if found.type != "unknown":
        return found
    for offset, mark, kind in FAR_MARKS:
        if offset + len(mark) <= size and _quietly(read, offset, len(mark)) == mark:
            return _named(kind)
    if found.reason != "high-entropy":
        return found
    step = max(size // _SAMPLES, _SAMPLE)
    for place in range(step, size - _SAMPLE, step):
        sample = _quietly(read, place, _SAMPLE)
        if entropy(sample) <= _HIGH_ENTROPY:
            text = "begins with random-looking bytes, but is not random throughout"
            return Guess("unknown", "unreadable", "no-known-file-system", text)
    return found


def head_of(read: Read, size: int) -> bytes:
    """Return the first bytes of a volume, none where they cannot be read."""
    return _quietly(read, 0, min(PROBE, size))


def guess(head: bytes, tail: bytes = b"") -> Guess:
    """Name a volume from its first 256 KiB and its last 128 KiB (fewer when it is smaller)."""
    if head[3:11] == b"NTFS    ":
        return _ntfs(head)
    kind = _marked(head) or _marked_at_end(tail)
    if kind == "ext" and int.from_bytes(head[1124:1128], "little") & _BIGALLOC:
        text = "ext4 with clusters of blocks (BIGALLOC), which libtsk does not read"
        return Guess(kind, UNSUPPORTED, _REASONS[UNSUPPORTED], text)
    if kind:
        return _named(kind)
    if not head.strip(b"\x00"):
        text = "begins with zeros and has no mark of a file system"
        return Guess("unknown", "unreadable", "begins-with-zeros", text)
    if len(head) >= _SAMPLE and entropy(head[:_SAMPLE]) > _HIGH_ENTROPY:
        text = "random from its first byte: encrypted without a mark, as VeraCrypt does, or wiped"
        return Guess("unknown", "encrypted", "high-entropy", text)
    text = "no known file system: not one of its marks is there"
    return Guess("unknown", "unreadable", "no-known-file-system", text)


def also(head: bytes, kind: str) -> list[str]:
    """Return formats whose mark stands in a volume that was opened as `kind`, without that one."""
    found = {
        name
        for offset, mark, name in MARKS
        if len(mark) >= SHORT and head[offset : offset + len(mark)] == mark
    }
    if "luks" in found and found & {"luks1", "luks2"}:
        found.remove("luks")
    found |= {name for name in (_special(head),) if name}
    return sorted(name for name in found if not kind.startswith(name))


def file_encryption(head: bytes, kind: str) -> bool:
    """Say whether an ext4 file system may hold files that are encrypted one by one."""
    features = int.from_bytes(head[1024 + 0x60 : 1024 + 0x64], "little")
    return kind == "ext4" and bool(features & _FSCRYPT)


def _named(kind: str) -> Guess:
    state, title = FORMATS[kind]
    endings = {
        ENCRYPTED: "its content cannot be read without its key",
        UNSUPPORTED: "evkit cannot read it",
        DAMAGED: "it has this mark, but cannot be read as such",
    }
    reason = _REASONS.get(state, f"{kind}-volume")
    if kind == "swap":
        return Guess(kind, "ok", "holds-no-files", f"{title}: it holds no files")
    return Guess(kind, state, reason, f"{title}: {endings[state]}")


def _ntfs(head: bytes) -> Guess:
    size = ntfs_cluster_size(head)
    if size > LARGEST_CLUSTER:
        text = f"NTFS with clusters of {size:,} bytes, which libtsk does not read"
        return Guess("ntfs", UNSUPPORTED, LARGE_CLUSTERS, text)
    return _named("ntfs")


def _marked(head: bytes) -> str | None:
    special = _special(head)
    if special == "bitlocker-to-go":
        return special
    for offset, mark, kind in MARKS:
        if head[offset : offset + len(mark)] != mark:
            continue
        if kind == "hfs" and head[1024 + 124 : 1024 + 126] == b"H+":
            return "hfs-plus"  # in a wrapper for systems that knew only HFS
        if kind == "minix" and not _plausible_minix(head):
            continue
        return kind
    return special


def _special(head: bytes) -> str | None:
    """Return what takes more than comparing bytes at one place."""
    boot = head[:512]
    if head[3:11] != b"-FVE-FS-" and any(guid in boot for guid in _FVE_GUIDS):
        return "bitlocker-to-go"
    if head[88:90] == b"CS" and head[8:12] == b"\x01\x00\x10\x00":
        return "filevault" if head[172:176] == b"\x02\x00\x00\x00" else "core-storage"
    for page in (4096, 8192, 16384, 65536):
        if head[page - 10 : page] in {b"SWAPSPACE2", b"SWAP-SPACE"}:
            return "swap"
        if head[page - 10 : page - 1] in {b"S1SUSPEND", b"S2SUSPEND", b"LINHIB000"}:
            return "hibernation"
    if any(head[place + 1 : place + 6] in {b"NSR02", b"NSR03"} for place in _volume_descriptors()):
        return "udf"
    if _has_uberblock(head):
        return "zfs"
    return None


def _volume_descriptors() -> range:
    return range(0x8000, 0x8000 + 32 * 2048, 2048)


def _has_uberblock(label: bytes) -> bool:
    return any(
        label[place : place + 4] in {_UBERBLOCK, _UBERBLOCK[::-1]}
        or label[place + 4 : place + 8] == _UBERBLOCK[::-1]
        for place in range(PROBE // 2, min(len(label), PROBE) - 7, 1024)
    )


def _plausible_minix(head: bytes) -> bool:
    """Two bytes are a weak mark: the log of the zone size must be small, the first zone set."""
    superblock = head[1024:1056]
    first, log = int.from_bytes(superblock[8:10], "little"), superblock[10]
    return log <= 8 and superblock[11] == 0 and first > 0  # noqa: PLR2004 - zones of 256 KiB


def _marked_at_end(tail: bytes) -> str | None:
    """Return what a format wrote to the end of a volume; `tail` ends where the volume ends."""
    if any(tail[-size:][:10] == b"GEOM::ELI\x00" for size in (512, 4096)):
        return "geli"
    if tail[-1024:-1000] == b"Intel Raid ISM Cfg Sig. ":
        return "intel-raid"
    if tail[-512:-508] in {b"\xde\x11\xde\x11", b"\x11\xde\x11\xde"}:
        return "ddf-raid"
    if b"PRIVHEAD" in {tail[-512:-504], tail[-1024:-1016]}:
        return "ldm"
    end = len(tail)
    # version 1.0: 8 to 12 KiB before the end on a 4 KiB boundary; 0.90: 64 to 128 KiB before it
    for place in range(end % 4096, end - 3, 4096):
        if tail[place : place + 4] == b"\xfc\x4e\x2b\xa9":
            return "linux-raid"
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


def _quietly(read: Read, offset: int, size: int) -> bytes:
    try:
        return bytes(read(offset, size)) if size > 0 else b""
    except (OSError, InputError):
        return b""
