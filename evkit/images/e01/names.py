"""Names of segment files: `.E01` … `.E99`, `.EAA` … `.ZZZ`, then `.E14972` and on (FTK)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from evkit.images.e01.layout import LOGICAL_MAGIC, MAGIC, segment_extension

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SEGMENTS: Final = 65535
_NUMBERED = re.compile(rb"\.([EeSsLl])([0-9]{2}|[0-9]{4,5})")
_LETTERED = re.compile(rb"\.([E-Ze-z])([A-Za-z])([A-Za-z])")
_FIRST = (b"E", b"S", b"L")


def extension(number: int, letter: bytes = b"E") -> bytes:
    """Return the extension of any segment number."""
    if number > _last(letter):
        return b"." + letter + b"%d" % number
    return segment_extension(number, letter)


def _last(letter: bytes) -> int:
    """Return the number of `.ZZZ` in a series: 14,971 where it begins with `.E01`."""
    return 99 + 676 * (ord(b"Z") - ord(letter.upper()) + 1)


def number_of(name: bytes, letter: bytes = b"E") -> int | None:
    """Return the segment number that the end of a file name stands for, None when for none.

    Args:
        name: of the file, or its path.
        letter: with which the extension of the first segment begins.
    """
    _, _, end = name.rpartition(b".")
    match = _NUMBERED.fullmatch(b"." + end)
    if match is not None:
        number = int(match[2])
        far = len(match[2]) > 2  # noqa: PLR2004 - the numbered names
        good = number > _last(letter) if far else number > 0
        return number if good and match[1].upper() == letter.upper() else None
    match = _LETTERED.fullmatch(b"." + end)
    if match is None:
        return None
    first, second, third = (part.upper()[0] for part in match.groups())
    group = first - letter.upper()[0]
    return None if group < 0 else 100 + group * 676 + (second - 65) * 26 + third - 65


def first_letter(path: bytes) -> bytes | None:
    """Return the letter that segment 1 beside `path` has, None when `path` is no segment name."""
    stem, end = os.path.splitext(path)
    match = _NUMBERED.fullmatch(end)
    if match is not None:
        return match[1]
    if _LETTERED.fullmatch(end) is None:
        return None
    lower = end[1:2].islower()
    for letter in _FIRST:
        shown = letter.lower() if lower else letter
        if number_of(path, letter) is not None and os.path.lexists(stem + b"." + shown + b"01"):
            return shown
    return None


def find_segments(path: bytes) -> list[bytes]:
    """Return the segment files of the image that `path` belongs to, from the first to a hole.

    Names are compared without regard to case; of two for one number the one in the case of `path`
    is taken. When `path` lies behind a hole, it alone is returned.
    """
    found = siblings(path)
    parts: list[bytes] = []
    while len(parts) + 1 in found:
        parts.append(found[len(parts) + 1])
    return parts if path in parts else [path]


def siblings(path: bytes) -> Mapping[int, bytes]:
    """Return every segment file of the image that `path` belongs to, by the number in its name.

    Behind a hole in the numbers only files that begin as segments do are taken: `.EXE` and `.LOG`
    are names of segments as well.
    """
    letter = first_letter(path)
    if letter is None:
        return {}
    folder, base = os.path.split(path)
    stem = os.path.splitext(base)[0]
    try:
        names = sorted(os.listdir(folder or b"."))
    except OSError:
        return {}
    found: dict[int, bytes] = {}
    for name in names:
        if os.path.splitext(name)[0] != stem:
            continue
        number = number_of(name, letter)
        exact = number is not None and name == stem + extension(number, letter)
        if number is not None and (exact or number not in found or name == base):
            if number in found and found[number] == path:
                continue
            found[number] = os.path.join(folder, name)
    return _real(found)


def _real(found: dict[int, bytes]) -> dict[int, bytes]:
    result: dict[int, bytes] = {}
    hole = False
    for number in sorted(found):
        hole = hole or number != len(result) + 1
        if not hole or _begins(found[number]):
            result[number] = found[number]
    return result


def _begins(path: bytes) -> bool:
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as handle:
            return handle.read(8) in {MAGIC, LOGICAL_MAGIC}
    except OSError:
        return False
