"""File times: integer nanoseconds, the zone they are in, and how finely they were stored.

FAT, exFAT and ISO 9660 times are local times of the system that wrote them; its zone is not known
(libtsk drops the offset that exFAT and ISO 9660 can hold). They are given as if they were UTC and
marked `local-unknown`; they must never be shown with a `Z`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evkit.inventory.native import Native

SECOND = 10**9
UTC, LOCAL = "utc", "local-unknown"
LIMIT = 2**63 - 1
FILETIME_EPOCH = 116_444_736_000_000_000  # 1601 to 1970 in 100 ns
_FOUR = struct.Struct("<4Q")
_FAT = {"a": 86_400 * SECOND, "b": SECOND // 100, "m": 2 * SECOND}
_EXFAT = {"a": 2 * SECOND, "b": SECOND // 100, "m": SECOND // 100}


def zone_of(kind: str) -> str:
    """Return the zone of the times of a file system: `utc` or `local-unknown`."""
    return LOCAL if kind.startswith("fat") or kind in {"exfat", "iso9660", "hfs"} else UTC


def resolution_of(kind: str, *, nanoseconds: bool) -> dict[str, int]:
    """Return the step in ns of each time (`a`ccess, `b`irth, `c`hange, `m`odification)."""
    if kind.startswith("fat"):
        return dict(_FAT)
    if kind == "exfat":
        return dict(_EXFAT)
    if kind == "ntfs":
        step = 100
    else:
        step = 1 if nanoseconds and kind in {"ext4", "ufs2", "other"} else SECOND
    return dict.fromkeys("abcm", step)


def usual(meta: Native) -> str:
    """Return what `text_of` does when all four times are after 1970, empty otherwise."""
    a, b, c, m = _of(meta)
    if not (0 < a <= LIMIT and 0 < b <= LIMIT and 0 < c <= LIMIT and 0 < m <= LIMIT):
        return ""
    return f'"a":"{a}","b":"{b}","c":"{c}","m":"{m}"'


def _of(meta: Native) -> tuple[int, int, int, int]:
    return (
        meta.atime * SECOND + meta.atime_nano,
        meta.crtime * SECOND + meta.crtime_nano,
        meta.ctime * SECOND + meta.ctime_nano,
        meta.mtime * SECOND + meta.mtime_nano,
    )


def text_of(meta: Native) -> tuple[str, str, bool]:
    """Return the times of a metadata record as they stand in a row: nanoseconds as decimal text.

    A time that is zero is left out: file systems write zero for "not set".

    Returns:
        (letters, text of the object without its braces, True when one was out of the range of 64
        bits and left out).
    """
    found = _of(meta)
    low, high = min(found), max(found)
    kept = [
        (letter, value)
        for letter, value in zip("abcm", found, strict=True)
        if value and abs(value) <= LIMIT
    ]
    text = ",".join(f'"{letter}":"{value}"' for letter, value in kept)
    return "".join(letter for letter, _ in kept), text, low < -LIMIT or high > LIMIT


def file_name_times(content: bytes) -> str:
    """Return the four times of an NTFS `$FILE_NAME` attribute as text (b, m, c, a at byte 8)."""
    found: list[str] = []
    b, m, c, a = _FOUR.unpack_from(content, 8)
    for letter, ticks in (("a", a), ("b", b), ("c", c), ("m", m)):
        value = (ticks - FILETIME_EPOCH) * 100
        if ticks and -LIMIT <= value <= LIMIT:
            found.append(f'"{letter}":"{value}"')
    return ",".join(found)
