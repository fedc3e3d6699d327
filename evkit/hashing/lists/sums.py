r"""Lists of `sha256sum`, `md5sum` and relatives: `digest  name`, also `SHA256 (name) = digest`.

A line that starts with a backslash holds a name in which `\\`, `\n` and `\r` are escaped (GNU
coreutils). Links, special and unreadable files are comments `#evkit {row}`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.hashing.digests import ALGORITHMS
from evkit.hashing.lists.model import Collector, comment, numbered
from evkit.hashing.rows import FILE, OK, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGN = b"#"
_PLAIN = re.compile(rb"(\\?)([0-9A-Fa-f]{32,128}) [ *](.+)", re.DOTALL)
_TAGGED = re.compile(rb"(\\?)([A-Za-z0-9-]{2,10}) \((.+)\) = ([0-9A-Fa-f]{32,128})", re.DOTALL)
_BY_LENGTH = {2 * length: name for name, length in ALGORITHMS.items()}
_TO_ESCAPED = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_FROM_ESCAPED = {value: key for key, value in _TO_ESCAPED.items()}


def encode(row: Row, path: bytes, algorithm: str) -> bytes:
    """Return the line of a row under the name `path`, as coreutils 9 writes it."""
    if row.type != FILE or row.state != OK:
        return comment(_SIGN, row, path)
    name = re.sub(rb"[\\\n\r]", lambda match: _TO_ESCAPED[match[0]], path)
    mark = b"\\" if name != path else b""
    return mark + row.digests[algorithm].encode("ascii") + b"  " + name + b"\n"


def read(lines: Iterable[tuple[int, bytes]], collector: Collector) -> None:
    """Read a whole list into `collector`; several algorithms for one name are joined.

    Raises:
        InputError: a row is malformed.
    """
    found: dict[bytes, dict[str, str]] = {}
    dos: bool | None = None
    for number, raw in numbered(iter(lines)):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        dos = line.endswith(b"\r") if dos is None else dos
        line = line.removesuffix(b"\r") if dos else line
        if line.startswith(_SIGN):
            collector.comment(line[len(_SIGN) :])
        elif line:
            name, algorithm, digest = _row(line, number)
            digests = found.setdefault(name, {})
            if digests.setdefault(algorithm, digest) != digest:
                raise InputError(f"line {number} names a file again with another digest")
    for name, digests in found.items():
        collector.add(Row(name, digests=digests))


def _row(line: bytes, number: int) -> tuple[bytes, str, str]:
    plain = _PLAIN.fullmatch(line)
    tagged = None if plain else _TAGGED.fullmatch(line)
    if plain:
        mark, digest, name = plain.groups()
        algorithm = _BY_LENGTH.get(len(digest))
    elif tagged:
        mark, tag, name, digest = tagged.groups()
        algorithm = tag.decode("ascii").lower().replace("-", "")
        if ALGORITHMS.get(algorithm, 0) * 2 != len(digest):
            algorithm = None
    else:
        raise InputError(f"line {number} is not a digest and a name")
    if algorithm is None:
        raise InputError(f"line {number} holds a digest that evkit does not make")
    return (_unescape(name, number) if mark else name), algorithm, digest.decode("ascii").lower()


def _unescape(name: bytes, number: int) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        try:
            return _FROM_ESCAPED[match[0]]
        except KeyError:
            raise InputError(f"line {number} holds an escape that no program writes") from None

    return re.sub(rb"\\.?", one, name, flags=re.DOTALL)
