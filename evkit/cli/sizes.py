"""Sizes and times as they are typed: `2000M`, `4G`, `90s`, `2h`."""

from __future__ import annotations

import re
from typing import Final

from evkit.core.errors import UsageError

_SIZE = re.compile(r"([0-9]{1,15})([kKMGT]?)(?:i?B)?", re.ASCII)
_UNITS: Final = {"": 0, "k": 10, "K": 10, "M": 20, "G": 30, "T": 40}
_TIME = re.compile(r"([0-9]{1,9})([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def read_size(text: str, option: str) -> int:
    """Return bytes; K, M, G and T are powers of 1,024.

    Raises:
        UsageError: it is not a size above zero.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"`{option} {text}` is not a size", hint="such as 2000M, 4G or 1500000000")
    return int(match[1]) << _UNITS[match[2]]


def read_seconds(text: str, option: str) -> float:
    """Return seconds.

    Raises:
        UsageError: it is not a time above zero.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"`{option} {text}` is not a time", hint="such as 90s, 30m or 2h")
    return float(int(match[1]) * _SECONDS[match[2]])
