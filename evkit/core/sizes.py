"""Lengths in words: `2,147,483,648 bytes (2.0 GiB)`."""

from __future__ import annotations

_UNITS = (("TiB", 40), ("GiB", 30), ("MiB", 20))


def in_words(count: int) -> str:
    """Return a length with thousands separators, from 1 MiB on with MiB, GiB or TiB in brackets."""
    text = "1 byte" if count == 1 else f"{count:,} bytes"
    for unit, power in _UNITS:
        if count >= 1 << power:
            return f"{text} ({count / (1 << power):,.1f} {unit})"
    return text
