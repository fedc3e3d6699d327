"""BagIt manifests (RFC 8493): `digest  data/name`, with LF, CR and `%` written as `%0A %0D %25`.

Two additions for names that the format has no way for: a byte that is not UTF-8 is written `%80` to
`%FF`, a space or tab at the start `%20` or `%09`. The format has no comments, so links, special and
unreadable files are left out; the caller says how many.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.hashing.digests import ALGORITHMS
from evkit.hashing.lists.model import Collector, numbered
from evkit.hashing.rows import FILE, OK, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILE_NAME = re.compile(rb"(?:tag)?manifest-([a-z0-9]+)\.txt")
_ROW = re.compile(rb"([0-9A-Fa-f]{32,128})[ \t]+(?:\*(?=data/))?(.+)", re.DOTALL)
_CODED = re.compile(rb"%(0[ADad]|25|[89A-F][0-9A-F])")
_FIRST = re.compile(rb"%(20|09)")


def algorithm_of(path: bytes) -> str | None:
    """Return the algorithm that the file name of a manifest states, None for other files."""
    match = _FILE_NAME.fullmatch(path.rpartition(b"/")[2])
    return match[1].decode("ascii") if match else None


def encode(row: Row, path: bytes, algorithm: str) -> bytes:
    """Return the line of a row under the name `path`; nothing for what the format cannot say."""
    if row.type != FILE or row.state != OK:
        return b""
    return row.digests[algorithm].encode("ascii") + b"  " + encode_name(path) + b"\n"


def encode_name(name: bytes) -> bytes:
    """Return a name as it stands in a manifest."""
    text = name.decode("utf-8", "surrogateescape")
    coded = re.sub("[%\n\r\udc80-\udcff]", lambda match: f"%{ord(match[0]) & 0xFF:02X}", text)
    if coded[:1] in {" ", "\t"}:
        coded = f"%{ord(coded[0]):02X}{coded[1:]}"
    return coded.encode("utf-8")


def decode_name(coded: bytes) -> bytes:
    """Return the name that stands in a manifest; other percent signs stay as they are."""
    first = _FIRST.match(coded)
    head = bytes([int(first[1], 16)]) if first else b""
    rest = coded[3:] if first else coded
    return head + _CODED.sub(lambda match: bytes([int(match[1], 16)]), rest)


def read(lines: Iterable[tuple[int, bytes]], collector: Collector, stated: str | None) -> None:
    """Read a whole manifest into `collector`.

    Args:
        lines: numbered lines.
        collector: takes the rows.
        stated: the algorithm of the file name; None takes it from the length of the digests.

    Raises:
        InputError: a row is malformed or of another algorithm.
    """
    if stated is not None and stated not in ALGORITHMS:
        raise InputError(f"a manifest of `{stated}`, which evkit does not make")
    by_length = {2 * length: name for name, length in ALGORITHMS.items()}
    for number, raw in numbered(iter(lines)):
        line = raw.removesuffix(b"\r")
        if not line:
            continue
        match = _ROW.fullmatch(line)
        name = by_length.get(len(match[1])) if match else None
        if match is None or name is None or stated not in {None, name}:
            raise InputError(f"line {number} is not a digest and a name of this manifest")
        digest = match[1].decode("ascii").lower()
        collector.add(Row(decode_name(match[2]), digests={name: digest}))
