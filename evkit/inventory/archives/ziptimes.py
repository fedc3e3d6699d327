"""Times of a zip's members: extra fields when there are some, else the DOS date of the header."""

from __future__ import annotations

import calendar
import struct

from evkit.inventory.archives.zipdir import blocks
from evkit.inventory.times import FILETIME_EPOCH

_UT, _NTFS = 0x5455, 0x000A
_SECOND = 1_000_000_000
_LETTERS = "macb"  # GrayKey writes a fourth time, the birth; others write modified, access, change


def times_of(
    central: bytes, local: bytes, moment: tuple[int, int]
) -> tuple[dict[str, int], str, int]:
    """Return times in ns by letter, their zone, and their step in ns.

    Args:
        central: extra field of the directory.
        local: extra field of the local header, which holds more times.
        moment: DOS time and date.
    """
    here, there = blocks(local), blocks(central)
    ticks = _ntfs(there.get(_NTFS, b"")) or _ntfs(here.get(_NTFS, b""))
    if ticks:
        return ticks, "utc", 100
    seconds = _unix(here.get(_UT, b"")) or _unix(there.get(_UT, b""))
    if seconds:
        return seconds, "utc", _SECOND
    time, date = moment
    try:
        stamp = calendar.timegm(
            ((date >> 9) + 1980, date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63,
             (time & 31) * 2)
        )  # fmt: skip
    except (ValueError, OverflowError):
        return {}, "local-unknown", 2 * _SECOND
    if not date & 31 or not 0 < (date >> 5 & 15) < 13:  # noqa: PLR2004 - no such day or month
        return {}, "local-unknown", 2 * _SECOND
    return {"m": stamp * _SECOND}, "local-unknown", 2 * _SECOND


def _unix(block: bytes) -> dict[str, int]:
    """Read the extended timestamp block; the flags say which times are there, in this order."""
    if not block:
        return {}
    if len(block) == 17:  # noqa: PLR2004 - GrayKey: four times, see docs/spec/inventory-trees.md
        letters = _LETTERS
    else:
        letters = "".join(letter for bit, letter in enumerate("mac") if block[0] >> bit & 1)
    count = min(len(letters), (len(block) - 1) // 4)
    values = struct.unpack_from(f"<{count}i", block, 1)
    return {
        letter: value * _SECOND for letter, value in zip(letters, values, strict=False) if value
    }


def _ntfs(block: bytes) -> dict[str, int]:
    """Read the NTFS block: 4 bytes, then attribute 1 of 24 bytes: modified, access, birth."""
    if len(block) < 32 or block[4:8] != b"\x01\x00\x18\x00":  # noqa: PLR2004
        return {}
    values = struct.unpack_from("<QQQ", block, 8)
    found = {
        letter: (value - FILETIME_EPOCH) * 100
        for letter, value in zip("mab", values, strict=True)
        if value
    }
    return found if all(-(10**18) < value < 10**19 for value in found.values()) else {}
