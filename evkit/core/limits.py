"""Caps on what is read from outside, and sizes as people write them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, BinaryIO

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 1 << 20  # one line of a text format, without its line end
MAX_SMALL_FILE = 16 << 20  # manifests, certificates, statements
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}
_SIZE = re.compile(r"([0-9]{1,15})\s*([kmgt]i?)?b?", re.ASCII | re.IGNORECASE)


def read_file(path: str | bytes | os.PathLike[str], max_bytes: int = MAX_SMALL_FILE) -> bytes:
    """Return the content of a file of at most `max_bytes`.

    Raises:
        InputError: the file cannot be read or is larger.
    """
    shown = escape_bytes(os.fsencode(path))
    try:
        with open(path, "rb") as handle:
            return read_stream(handle, max_bytes, shown)
    except OSError as error:
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error


def read_stream(handle: BinaryIO, max_bytes: int, shown: str) -> bytes:
    """Return all of an open binary stream of at most `max_bytes`; `shown` names it in errors.

    Raises:
        InputError: the stream is longer.
    """
    data = handle.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InputError(f"`{shown}` is over the limit of {max_bytes} bytes")
    return data


def read_lines(handle: BinaryIO, max_line: int = MAX_LINE) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line with its line end, if it has one).

    Raises:
        InputError: a line is over `max_line` bytes.
    """
    number = 0
    while line := handle.readline(max_line + 2):
        number += 1
        if len(line) - line.endswith(b"\n") > max_line:
            raise InputError(f"line {number} is over the limit of {max_line} bytes")
        yield number, line


def parse_size(text: str) -> int:
    """Read a size in bytes such as `4096`, `640MB` (10^6), `2GiB` (2^30) or `700Mi`.

    Raises:
        UsageError: the text is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"`{escape(text)}` is not a size", hint="write 4096, 640MB or 2GiB")
    unit = (match[2] or "").lower()
    return int(match[1]) * (_BINARY.get(unit) or _UNITS[unit])
