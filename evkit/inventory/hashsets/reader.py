"""Looking digests up in a hash set: the file is mapped, its fan-out tables are kept in memory.

A page of the map that cannot be read would end the process without a word. So what is looked at for
the first time is read: header and tables when the set is opened, all of it by `check`.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import operator
import os
import stat
import sys
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

from evkit.core.closing import Closing
from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.inventory.hashsets import model
from evkit.inventory.hashsets.sorter import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.core.progress import Progress

_BLOCK = 4 << 20
_MANY = 1 << 16  # digests compared at a time by `check`
_NEAR = 24  # digests looked at on either side of the place where an even spread would put one
TASK = "check"


class HashSet(Closing):
    """A hash set, mapped read-only; used as a context manager.

    Opening looks at the header, the sizes and the fan-out tables. The digests themselves are what
    `check` looks at; a set from outside is checked before its answers are used.

    Args:
        path: the file.

    Raises:
        InputError: it is not a hash set, or a damaged one, or cannot be read.
    """

    def __init__(self, path: bytes) -> None:
        self.path = path
        self._shown = escape_bytes(path)
        self._file, self._map = self._opened()
        try:
            self.header, start = self._header()
            self._tables: dict[str, _Table] = {}
            for section in self.header.sections:
                table = self._read(start, section.table)
                self._tables[section.algorithm] = _Table(self._map, section, start, table)
                start += section.size
        except BaseException as error:
            self.close()
            if isinstance(error, InputError):
                raise self._wrong(error.message) from error
            if isinstance(error, OSError):
                raise self._unreadable(error) from error
            raise

    def close(self) -> None:
        """Let the file go."""
        self._map.close()
        self._file.close()

    def __len__(self) -> int:
        """Digests of all sections."""
        return sum(section.count for section in self.header.sections)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Those that it has digests of, the strongest first."""
        return tuple(self._tables)

    def has(self, algorithm: str, digest: bytes) -> bool:
        """Say whether a digest is in the set; False for an algorithm that it has not."""
        table = self._tables.get(algorithm)
        return table is not None and len(digest) == table.width and table.has(digest)

    def among(self, algorithm: str, digests: Sequence[bytes]) -> set[bytes]:
        """Return those of ascending digests that are in the set; the file is read in one pass."""
        table = self._tables.get(algorithm)
        if table is None:
            return set()
        return {digest for digest in digests if len(digest) == table.width and table.has(digest)}

    def digests(self, algorithm: str) -> Iterator[list[bytes]]:
        """Yield the digests of a section in lists, as they lie in the file."""
        table = self._tables.get(algorithm)
        if table is not None:
            yield from table.lists()

    def sha256(self, progress: Progress | None = None) -> tuple[str, bool]:
        """Read the whole file; return its SHA-256, and whether it ends in that of the rest.

        Raises:
            InputError: it cannot be read, or was cut meanwhile.
        """
        total = hashlib.sha256()
        end = len(self._map) - model.TRAILER
        try:
            for at in range(0, end, _BLOCK):
                total.update(self._read(at, min(_BLOCK, end - at)))
                if progress is not None:
                    progress.update(TASK, at)
            trailer = self._read(end, model.TRAILER)
        except OSError as error:
            raise self._unreadable(error) from error
        good = total.digest() == trailer
        total.update(trailer)
        return total.hexdigest(), good

    def check(self, progress: Progress | None = None) -> str:
        """Look at every byte: the digest at the end, the order, the tables.

        Returns:
            SHA-256 of the whole file.

        Raises:
            InputError: something is wrong.
        """
        found, good = self.sha256(progress)
        if not good:
            raise self._wrong("its bytes are not those that its last 32 bytes are the digest of")
        for name, table in self._tables.items():
            if not table.in_order():
                raise self._wrong(f"its {name} digests are not in order, each once")
        return found

    def _opened(self) -> tuple[io.FileIO, mmap.mmap]:
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            opened = io.FileIO(os.open(self.path, flags), "rb")
            try:
                return opened, self._mapped(opened.fileno())
            except BaseException:
                opened.close()
                raise
        except OSError as error:
            raise self._unreadable(error) from error
        except ValueError as error:  # an empty file cannot be mapped
            raise self._wrong("it is empty") from error

    def _mapped(self, descriptor: int) -> mmap.mmap:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise self._wrong("it is not a file")
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)

    def _read(self, at: int, length: int) -> bytes:
        """Return bytes of the file.

        Raises:
            InputError: it was cut since it was opened.
            OSError: it cannot be read.
        """
        self._file.seek(at)
        parts: list[bytes] = []
        while length and (part := self._file.read(length)):
            parts.append(part)
            length -= len(part)
        if length:
            raise InputError("it was cut while it was read")
        return b"".join(parts)

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(
            f"cannot read `{self._shown}`: {error.strerror or error}",
            hint="make a hash set with `evkit hashset import`",
        )

    def _header(self) -> tuple[model.Header, int]:
        head = len(model.MAGIC) + model.LENGTH
        start = self._read(0, min(head, len(self._map)))
        if start[: len(model.MAGIC)] != model.MAGIC:
            raise InputError("it does not begin like one")
        length = int.from_bytes(start[len(model.MAGIC) :], "big")
        if length > model.MAX_HEADER or len(self._map) < head + length:
            raise InputError("its header is cut off or over its limit")
        header = model.parse_header(self._read(head, length))
        if header.size != len(self._map):
            raise InputError(f"it has {len(self._map):,} bytes instead of {header.size:,}")
        return header, head + length

    def _wrong(self, text: str) -> InputError:
        return InputError(
            f"`{self._shown}` is not a sound hash set: {text}",
            hint="import it again from its source with `evkit hashset import`",
        )


class _Table:
    """One section: its fan-out table in memory, its digests in the map."""

    def __init__(self, data: mmap.mmap, section: model.Section, start: int, numbers: bytes) -> None:
        self._data = data
        self.width, self._count = section.width, section.count
        self._start = start + section.table
        self._shift = 16 - section.bits
        self._next = section.bits // 8  # the first byte that the table does not stand for
        table = array("Q")
        table.frombytes(numbers)
        if sys.byteorder == "little":
            table.byteswap()
        if table[0] != 0 or table[-1] != section.count or any(a > b for a, b in pairwise(table)):
            raise InputError(f"the fan-out table of its {section.algorithm} digests is damaged")
        self._table = table

    def has(self, digest: bytes) -> bool:
        place = (digest[0] << 8 | digest[1]) >> self._shift
        low, high = self._table[place], self._table[place + 1]
        if high - low <= 2 * _NEAR:
            return self._bisect(digest, low, high)
        data, width, start = self._data, self.width, self._start
        ahead = int.from_bytes(digest[self._next : self._next + 4], "big")
        guess = low + ((high - low) * ahead >> 32)
        first, last = max(low, guess - _NEAR), min(high, guess + _NEAR)
        window = data[start + first * width : start + last * width]
        at = window.find(digest)
        if at >= 0 and not at % width:
            return True
        if digest < window[:width]:
            return self._bisect(digest, low, first)
        if digest > window[-width:]:
            return self._bisect(digest, last, high)
        return at >= 0 and self._bisect(digest, first, last)

    def _bisect(self, digest: bytes, low: int, high: int) -> bool:
        data, width, start = self._data, self.width, self._start
        while low < high:
            middle = (low + high) >> 1
            at = start + middle * width
            found = data[at : at + width]
            if found < digest:
                low = middle + 1
            elif found == digest:
                return True
            else:
                high = middle
        return False

    def lists(self) -> Iterator[list[bytes]]:
        step = _MANY * self.width
        end = self._start + self._count * self.width
        for at in range(self._start, end, step):
            yield split(self._data[at : min(at + step, end)], self.width)

    def in_order(self) -> bool:
        last = b""
        for digests in self.lists():
            if digests[0] <= last:
                return False
            if not all(map(operator.lt, digests, digests[1:])):
                return False
            last = digests[-1]
        return all(
            self._prefix(low) == place == self._prefix(high - 1)
            for place, (low, high) in enumerate(pairwise(self._table))
            if low < high
        )

    def _prefix(self, number: int) -> int:
        at = self._start + number * self.width
        return int.from_bytes(self._data[at : at + 2], "big") >> self._shift
