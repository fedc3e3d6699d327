"""Digests in order, whatever their number: sorted runs on the disk, merged block by block.

Memory is bounded by `RUN` digests. The scratch files have no name (or lose it on closing) and are
gone with the process.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from itertools import groupby
from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.core.closing import Closing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

RUN = 1 << 20  # digests sorted in memory at a time
_LEAST = 64  # digests read of a run at a time when there are very many runs


class Sorter(Closing):
    """Takes digests of one width in any order and gives each once, in order.

    Args:
        width: bytes of a digest.
        folder: where scratch files go.
        run: digests in memory at a time.
    """

    def __init__(self, width: int, folder: bytes, run: int = RUN) -> None:
        self.width = width
        self._folder, self._run = folder, run
        self._limit = run * width
        self._waiting = bytearray()
        self._runs: list[tuple[int, int]] = []  # offset in the scratch file, digests
        self._end = 0
        self._file: IO[bytes] | None = None

    def close(self) -> None:
        """Throw the scratch file away."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, digest: bytes) -> None:
        """Take a digest.

        Raises:
            StorageError: the scratch file cannot be written.
        """
        self._waiting += digest
        if len(self._waiting) >= self._limit:
            self._spill()

    @property
    def used(self) -> bool:
        """Whether anything was taken."""
        return bool(self._waiting or self._runs)

    def blocks(self) -> Iterator[list[bytes]]:
        """Yield the digests in ascending order, each once, in lists; may be called once."""
        if not self._runs:
            yield self._sorted()
            return
        if self._waiting:
            self._spill()
        size = max(_LEAST, self._run // len(self._runs))
        runs = [_Run(self, offset, count, size) for offset, count in self._runs]
        while runs:
            bound = min(run.last for run in runs)
            taken: list[bytes] = []
            for run in runs:
                taken += run.until(bound)
            taken.sort()  # of runs that are sorted: little work
            yield [digest for digest, _ in groupby(taken)]
            runs = [run for run in runs if run.more()]

    def read(self, offset: int, count: int) -> list[bytes]:
        """Return digests of the scratch file."""
        assert self._file is not None  # noqa: S101 - there are runs
        with durable.storage_errors(self._folder):
            self._file.seek(offset)
            return split(self._file.read(count * self.width), self.width)

    def _sorted(self) -> list[bytes]:
        digests = split(bytes(self._waiting), self.width)
        self._waiting = bytearray()
        digests.sort()
        return [digest for digest, _ in groupby(digests)]

    def _spill(self) -> None:
        digests = self._sorted()
        with durable.storage_errors(self._folder):
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see close
            self._file.seek(self._end)
            durable.step("write", self._folder)
            self._file.write(b"".join(digests))
            self._file.flush()
        self._runs.append((self._end, len(digests)))
        self._end += len(digests) * self.width


class _Run:
    """One sorted run, of which a block is in memory."""

    def __init__(self, sorter: Sorter, offset: int, count: int, size: int) -> None:
        self._sorter, self._offset, self._left, self._size = sorter, offset, count, size
        self._block: list[bytes] = []
        self._at = 0
        self.more()

    @property
    def last(self) -> bytes:
        """The greatest digest in memory."""
        return self._block[-1]

    def until(self, bound: bytes) -> list[bytes]:
        """Take what is in memory up to and with `bound`."""
        start, self._at = self._at, bisect_right(self._block, bound, self._at)
        return self._block[start : self._at]

    def more(self) -> bool:
        """Read the next block when this one is used up; say whether there is one."""
        if self._at < len(self._block):
            return True
        count = min(self._size, self._left)
        self._block, self._at = self._sorter.read(self._offset, count) if count else [], 0
        self._offset += count * self._sorter.width
        self._left -= count
        return bool(self._block)


def split(data: bytes, width: int) -> list[bytes]:
    """Cut joined digests apart."""
    return [data[at : at + width] for at in range(0, len(data), width)]
