"""Which ranges of an image were not readable when it was made: its map in GNU ddrescue's form."""

from __future__ import annotations

import re

from evkit.core.errors import InputError

MAX_BYTES = 64 << 20
_BLOCK = re.compile(
    rb"(0x[0-9A-Fa-f]{1,14}|[0-9]{1,16})\s+(0x[0-9A-Fa-f]{1,14}|[0-9]{1,16})\s+(\S)"
)


def parse_map(data: bytes) -> list[tuple[int, int]]:
    """Return (offset, length) of all ranges whose status is not `+`.

    Raises:
        InputError: a line is not one of a map.
    """
    found: list[tuple[int, int]] = []
    lines = [line.strip() for line in data.split(b"\n")]
    content = [line for line in lines if line and not line.startswith(b"#")]
    for line in content[1:]:  # the first line is where the work stood
        match = _BLOCK.fullmatch(line)
        if match is None:
            raise InputError("the map of the image holds a line that is not `pos size status`")
        if match[3] != b"+":
            found.append((int(match[1], 0), int(match[2], 0)))
    return found
