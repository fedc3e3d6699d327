"""Writing a hash set: digests come in any order, are sorted on the disk, and written once."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tempfile
from array import array
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, Self

from evkit.core import durable
from evkit.core.errors import InputError
from evkit.inventory.hashsets import model
from evkit.inventory.hashsets.sorter import RUN, Sorter
from evkit.inventory.hashsets.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import IO

    from evkit.inventory.hashsets.model import Header

_ALGORITHMS = {width: name for name, width in model.WIDTHS.items()}
_BLOCK = 4 << 20


class Written(NamedTuple):
    """A set that was written: its header, and size and SHA-256 of the whole file."""

    header: Header
    size: int
    sha256: str


class Builder(Tally):
    """Takes the entries of a source and writes a set; used as a context manager.

    Args:
        folder: where scratch files go.
        run: digests in memory at a time, of each algorithm.
    """

    def __init__(self, folder: bytes, run: int = RUN) -> None:
        super().__init__()
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._sorters = {
            width: self._stack.enter_context(Sorter(width, folder, run)) for width in _ALGORITHMS
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def keep(self, digest: bytes) -> None:
        """Take one digest."""
        self._sorters[len(digest)].add(digest)

    def write(self, path: bytes, header: Header) -> Written:
        """Write the set under a new name.

        Args:
            path: must not exist.
            header: provenance; entries, left out and sections are filled in.

        Raises:
            InputError: nothing was taken.
            RefusedError: the file exists.
            StorageError: it cannot be written.
        """
        if not self.entries:
            raise InputError("there is no digest in it that a hash set can hold")
        with contextlib.ExitStack() as stack:
            parts = [
                stack.enter_context(_Part(name, self._sorters[width], self._folder))
                for name, width in model.WIDTHS.items()
                if self._sorters[width].used
            ]
            full = replace(
                header,
                entries=self.entries,
                left_out=dict(self.left_out),
                sections=tuple(part.section for part in parts),
            )
            return _write(path, full, parts)


class _Part:
    """The sorted digests of one algorithm in a scratch file, with their fan-out table."""

    def __init__(self, algorithm: str, sorter: Sorter, folder: bytes) -> None:
        self._folder = folder
        with durable.storage_errors(folder):
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see exit
        prefixes: Counter[bytes] = Counter()
        count = 0
        for digests in sorter.blocks():
            prefixes.update(digest[:2] for digest in digests)
            count += len(digests)
            with durable.storage_errors(folder):
                self._file.write(b"".join(digests))
        sorter.close()
        self.section = model.Section(algorithm=algorithm, count=count, bits=model.bits_for(count))
        self.table = _table(prefixes, self.section.bits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def blocks(self) -> Iterable[bytes]:
        """Yield the bytes of the digests."""
        with durable.storage_errors(self._folder):
            self._file.seek(0)
        while True:
            with durable.storage_errors(self._folder):
                block = self._file.read(_BLOCK)
            if not block:
                return
            yield block


def _table(prefixes: Counter[bytes], bits: int) -> bytes:
    """Return how many digests lie before each value of their first bits, and before the end."""
    counts = [0] * (1 << bits)
    for prefix, count in prefixes.items():
        counts[int.from_bytes(prefix, "big") >> (16 - bits)] += count
    table = array("Q", [0, *accumulate(counts)])
    return _big_endian(table)


def _big_endian(table: array[int]) -> bytes:
    """Return a fan-out table as it lies in the file: big-endian, 8 bytes each."""
    if sys.byteorder == "little":
        table = table[:]
        table.byteswap()
    return table.tobytes()


def _write(path: bytes, header: Header, parts: Iterable[_Part]) -> Written:
    data = header.encode()
    total = hashlib.sha256()
    size = 0
    with durable.NewFile(path, mode=0o444) as file:

        def put(block: bytes) -> None:
            nonlocal size
            file.write(block)
            total.update(block)
            size += len(block)

        put(model.MAGIC + len(data).to_bytes(model.LENGTH, "big") + data)
        for part in parts:
            put(part.table)
            for block in part.blocks():
                put(block)
        put(total.digest())
        if size != header.size:
            raise InputError(f"{size} bytes were written instead of {header.size}")
        file.commit()
    return Written(header, size, total.hexdigest())
