"""Marks: which streams of an inventory are in which hash sets. Reading, and the name of the file.

A marks file lies beside its inventory, is bound to it by the root over its rows, and names each set
with its digest; the inventory itself never changes. Byte for byte: `docs/spec/marks.md`.
"""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.limits import MAX_LINE
from evkit.core.text import escape_bytes
from evkit.inventory.database.reader import Inventory
from evkit.inventory.hashsets.marksheader import MarksHeader, parse_header
from evkit.inventory.hashsets.model import KNOWN, NOTABLE, WEAK, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_ALGORITHMS = tuple(WIDTHS)
_LINE = re.compile(
    rb'\{"digest":"(sha256|sha1|md5)","set":(0|[1-9][0-9]{0,4}),"stream":(0|[1-9][0-9]{0,15})\}\n'
)
_NUMBER = re.compile(rb"\.marks(?:-([1-9][0-9]{0,5}))?\.jsonl")


class Mark(NamedTuple):
    """One stream in one set.

    Attributes:
        set: name of the set.
        category: `known` or `notable`.
        sensitive: the set is of sensitive material.
        digest: the strongest algorithm whose digest is in the set.
        sha256: digest of the file of the set.
    """

    set: str
    category: str
    sensitive: bool
    digest: str
    sha256: str

    @property
    def weak(self) -> bool:
        """Only MD5 or SHA-1 matches: another file may have been made to have it."""
        return self.digest in WEAK

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**self._asdict(), "weak": self.weak}


class Marks:
    """The marks of one inventory in memory, ten bytes each.

    Attributes:
        path: the file.
        header: what they were made from.
    """

    def __init__(self, path: bytes, header: MarksHeader) -> None:
        self.path = path
        self.header = header
        self._streams, self._sets, self._digests = array("Q"), array("H"), array("B")

    @classmethod
    def open(cls, path: bytes) -> Self:
        """Read a marks file.

        Raises:
            InputError: it cannot be read, or is not what evkit writes.
        """
        shown = escape_bytes(path)
        try:
            with open(path, "rb") as handle:
                marks = cls(path, _header(handle))
                marks._read(handle)
        except OSError as error:
            raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error
        except InputError as error:
            raise InputError(
                f"`{shown}` is not a sound marks file: {error.message}",
                hint="make it again with `evkit inventory mark`",
            ) from error
        return marks

    def of(self, stream_row: int) -> tuple[Mark, ...]:
        """Return the marks of a stream row, in the order of the sets."""
        at = bisect_left(self._streams, stream_row)
        found = []
        while at < len(self._streams) and self._streams[at] == stream_row:
            found.append(self._mark(at))
            at += 1
        return tuple(found)

    def category(self, stream_row: int | None) -> str:
        """Return `notable` when any notable set holds a stream, else `known`, or empty."""
        found = () if stream_row is None else self.of(stream_row)
        categories = {mark.category for mark in found}
        return NOTABLE if NOTABLE in categories else (KNOWN if categories else "")

    def streams(self, category: str | None = None, *, sensitive: bool = False) -> Iterator[int]:
        """Yield the numbers of marked stream rows, ascending, each once.

        Args:
            category: only those that a set of this category holds.
            sensitive: only those that a set of sensitive material holds.
        """
        last = -1
        for at, stream in enumerate(self._streams):
            listed = self.header.sets[self._sets[at]]
            if stream == last or (category is not None and listed.category != category):
                continue
            if not sensitive or listed.sensitive:
                last = stream
                yield stream

    def __len__(self) -> int:
        """Marks, of which a stream may have several."""
        return len(self._streams)

    def fits(self, row_root: str) -> bool:
        """Say whether they are of the inventory with this root over its rows."""
        return self.header.row_root == row_root

    def counts(self) -> dict[str, int]:
        """Return what the marks add up to, as the header must say it."""
        weak = sum(_ALGORITHMS[code] in WEAK for code in self._digests)
        return {
            "marked": sum(1 for _ in self.streams()),
            KNOWN: sum(1 for _ in self.streams(KNOWN)),
            NOTABLE: sum(1 for _ in self.streams(NOTABLE)),
            "marks": len(self),
            "weak": weak,
        }

    def _mark(self, at: int) -> Mark:
        listed = self.header.sets[self._sets[at]]
        return Mark(
            listed.name, listed.category, listed.sensitive, _ALGORITHMS[self._digests[at]],
            listed.sha256,
        )  # fmt: skip

    def _read(self, handle: BinaryIO) -> None:
        codes = {name.encode(): code for code, name in enumerate(_ALGORITHMS)}
        sets, last = len(self.header.sets), (-1, -1)
        number = 1
        while line := handle.readline(MAX_LINE):
            number += 1
            match = _LINE.fullmatch(line)
            if match is None:
                raise InputError(f"line {number} is not a mark")
            listed, stream = int(match[2]), int(match[3])
            if listed >= sets or stream >= self.header.rows or (stream, listed) <= last:
                raise InputError(f"line {number} is of no such set or row, or not in order")
            last = (stream, listed)
            self._streams.append(stream)
            self._sets.append(listed)
            self._digests.append(codes[match[1]])
        counts = self.counts()
        if any(self.header.counts[name] != count for name, count in counts.items()):
            raise InputError("its marks do not add up to the counts in its header")


def _header(handle: BinaryIO) -> MarksHeader:
    line = handle.readline(MAX_LINE)
    if not line.endswith(b"\n"):
        raise InputError("its first line is cut off or over the limit")
    return parse_header(line[:-1])


def line(stream: int, listed: int, algorithm: str) -> bytes:
    """Return one line: a stream row, the place of the set in the header, the digest."""
    return ejson.dumps({"digest": algorithm, "set": listed, "stream": stream}) + b"\n"


def names(database: bytes) -> list[bytes]:
    """Return the marks files of an inventory file, the oldest first."""
    folder, base = os.path.split(os.path.abspath(database))
    try:
        listed = os.listdir(folder)
    except OSError:
        return []
    found = []
    for name in listed:
        match = _NUMBER.fullmatch(name, len(base)) if name.startswith(base) else None
        if match is not None:
            found.append((int(match[1] or 1), os.path.join(folder, name)))
    return [path for _, path in sorted(found)]


def next_name(database: bytes) -> bytes:
    """Return the path of the next marks file of an inventory file."""
    used = set(names(database))
    number, path = 1, os.path.abspath(database) + b".marks.jsonl"
    while path in used:
        number += 1
        path = os.path.abspath(database) + b".marks-%d.jsonl" % number
    return path


def marks_for(database: bytes) -> Marks | None:
    """Return the newest marks of an inventory file, None when it has none.

    Raises:
        InputError: the newest file is damaged, or is of other rows than the inventory's.
    """
    found = names(database)
    if not found:
        return None
    marks = Marks.open(found[-1])
    with Inventory(database) as inventory:
        root = inventory.meta.get("row_root", "")
    if not marks.fits(root):
        raise InputError(
            f"`{escape_bytes(found[-1])}` holds marks of another inventory",
            hint="make new ones with `evkit inventory mark`",
        )
    return marks
