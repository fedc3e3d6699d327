"""How far the work is durable: pieces of what was read, state of the output, the work journal.

In this order: the image is made durable, then the pieces, then the journal says so. A stop in
between loses what came after the journal, never more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import mapfile
from evkit.core import durable
from evkit.core.errors import InputError
from evkit.hashing.pieces import BLOCK as LEAF
from evkit.hashing.pieces import GROUP_BYTES, HASH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.acquire.engine import Tally
    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.output.e01out import E01Out
    from evkit.acquire.output.rawout import RawOut
    from evkit.core.ranges import Range

NODES, LEAVES, MAP = b"pieces.part", b"blocks.part", b"image.map.part"
KEPT = frozenset({NODES, LEAVES, MAP})
EVERY = 256 << 20  # bytes of the medium between checkpoints


class Checkpoints:
    """Keeps what is needed to go on after a stop.

    Args:
        folder: the acquisition folder.
        block: bytes of a block of the engine; the work goes on at the start of one.
        save: writes the state into the journal.
        start: where this run began.

    Attributes:
        last: the state that was saved last.
    """

    def __init__(
        self,
        folder: bytes,
        block: int,
        save: Callable[[dict[str, Any]], None],
        start: dict[str, Any] | None = None,
    ) -> None:
        self.last: dict[str, Any] = dict(start or {})
        self._folder = folder
        self._block = block
        self._save = save
        self._out: RawOut | E01Out | None = None
        self._tally: Tally | None = None
        self._gaps: Callable[[], Sequence[Range]] = tuple
        self._size: int | None = None
        self._blocks = int(self.last.get("blocks", 0))
        self._saved = self._blocks

    def watch(
        self,
        out: RawOut | E01Out,
        tally: Tally,
        gaps: Callable[[], Sequence[Range]],
        size: int | None,
    ) -> None:
        """Make checkpoints while this output is written.

        Args:
            out: where to.
            tally: has the pieces.
            gaps: gives the ranges that could not be read so far.
            size: bytes of the medium.
        """
        self._out, self._tally, self._gaps, self._size = out, tally, gaps, size
        out.on_write = self._tick

    def make(self) -> None:
        """Make a checkpoint now, of what was written in order.

        Raises:
            StorageError: the destination fails.
        """
        if self._out is None or self._tally is None:
            return
        self._advance()
        done = min(self._out.at, self._blocks * self._block)
        blocks = done // self._block
        if blocks <= self._saved:
            return
        self._out.sync()
        self._keep_pieces(self._tally, blocks)
        self.last = {**self._out.state(), "blocks": blocks}
        if "e01" not in self.last:
            self.last["at"] = blocks * self._block
        if self._keep_gaps(blocks * self._block):
            self.last["gaps"] = True
        self._save(self.last)

    def whole(self, tally: Tally, chart: RescueMap | None, state: dict[str, Any]) -> None:
        """Note that all files of the image are complete: only verifying and naming is left.

        Args:
            tally: all pieces and digests.
            chart: where each range stands, None without gaps.
            state: what else the end needs.

        Raises:
            StorageError: the destination fails.
        """
        self._keep_pieces(tally, -(-tally.size // self._block))
        if chart is not None:
            self.keep_map(chart)
        self.last = {"whole": {**state, "gaps": chart is not None}}
        self._save(self.last)

    def keep_map(self, chart: RescueMap) -> None:
        """Make a map durable.

        Raises:
            StorageError: the destination fails.
        """
        durable.replace(os.path.join(self._folder, MAP), mapfile.encode(chart), mode=0o600)

    def _keep_gaps(self, until: int) -> bool:
        """Keep the ranges before `until` that could not be read; what comes is read again."""
        found = [(offset, min(length, until - offset)) for offset, length in self._gaps()
                 if offset < until]  # fmt: skip
        if found:
            self.keep_map(mapfile.of_gaps(found, max(until, self._size or 0)))
        return bool(found)

    def _keep_pieces(self, tally: Tally, blocks: int) -> None:
        self._append(NODES, tally.nodes, blocks, self._block // GROUP_BYTES * HASH)
        if tally.leaves is not None:
            self._append(LEAVES, tally.leaves, blocks, self._block // LEAF * HASH)
        self._saved = max(self._saved, blocks)

    def _tick(self) -> None:
        if self._out is not None and self._out.at - self._saved * self._block >= EVERY:
            self.make()

    def _advance(self) -> None:
        """Count the blocks from the start whose pieces are known."""
        while self._tally is not None and self._blocks in self._tally.nodes:
            self._blocks += 1

    def _append(self, name: bytes, known: dict[int, bytes], blocks: int, width: int) -> None:
        if blocks <= self._saved:
            return
        path = os.path.join(self._folder, name)
        data = b"".join(known[number] for number in range(self._saved, blocks))
        with durable.storage_errors(path):
            durable.step("write", path)
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            flags |= getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(path, flags, 0o600)
            try:
                at = self._saved * width
                while data:
                    count = os.pwrite(descriptor, data, at)
                    data, at = data[count:], at + count
                durable.step("fsync", path)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if not self._saved:
                durable.fsync_dir(self._folder)


def load(folder: bytes, tally: Tally, size: int, block: int) -> None:
    """Put the pieces of the first `size` bytes of the medium into a tally.

    Raises:
        InputError: fewer are there than the journal says.
    """
    if not size:
        return
    _load(os.path.join(folder, NODES), tally.nodes, size, block, GROUP_BYTES)
    if tally.leaves is not None:
        _load(os.path.join(folder, LEAVES), tally.leaves, size, block, LEAF)
    tally.size = size


def remove(folder: bytes) -> None:
    """Remove the files of checkpoints for good: the end is recorded, the journal goes next."""
    found = [name for name in sorted(KEPT) if os.path.lexists(os.path.join(folder, name))]
    for name in found:
        path = os.path.join(folder, name)
        durable.step("unlink", path)
        with durable.storage_errors(path):
            os.unlink(path)
    if found:
        durable.fsync_dir(folder)


def _load(path: bytes, known: dict[int, bytes], size: int, block: int, unit: int) -> None:
    try:
        with open(path, "rb") as handle:
            wanted = min(-(-size // unit) * HASH, os.fstat(handle.fileno()).st_size)
            data = handle.read(wanted)
    except OSError as error:
        raise InputError(
            f"the pieces of the stopped work cannot be read: {error.strerror or error}"
        ) from error
    if len(data) < -(-size // unit) * HASH:
        raise InputError(
            "the pieces of the stopped work are cut short",
            hint="the work cannot go on; record it with `--finish` and start a new acquisition",
        )
    width = block // unit * HASH
    for number in range(-(-size // block)):
        known[number] = data[number * width : (number + 1) * width]
