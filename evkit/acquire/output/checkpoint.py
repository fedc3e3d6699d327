"""How far the work is durable: pieces of what was read, state of the output, the work journal.

In this order: the image is made durable, then the pieces, then the journal says so. A stop in
between loses what came after the journal, never more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core import durable
from evkit.core.errors import InputError
from evkit.hashing.pieces import BLOCK as LEAF
from evkit.hashing.pieces import GROUP_BYTES, HASH

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.acquire.engine import Tally
    from evkit.acquire.output.e01out import E01Out
    from evkit.acquire.output.rawout import RawOut

NODES, LEAVES = b"pieces.part", b"blocks.part"
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
        self._blocks = int(self.last.get("blocks", 0))
        self._saved = self._blocks

    def watch(self, out: RawOut | E01Out, tally: Tally) -> None:
        """Make checkpoints while this output is written."""
        self._out, self._tally = out, tally
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
        self._append(NODES, self._tally.nodes, blocks)
        if self._tally.leaves is not None:
            self._append(LEAVES, self._tally.leaves, blocks)
        self.last = {**self._out.state(), "blocks": blocks}
        if "e01" not in self.last:
            self.last["at"] = blocks * self._block
        self._save(self.last)
        self._saved = blocks

    def _tick(self) -> None:
        if self._out is not None and self._out.at - self._saved * self._block >= EVERY:
            self.make()

    def _advance(self) -> None:
        """Count the blocks from the start whose pieces are known."""
        while self._tally is not None and self._blocks in self._tally.nodes:
            self._blocks += 1

    def _append(self, name: bytes, known: dict[int, bytes], blocks: int) -> None:
        path = os.path.join(self._folder, name)
        data = b"".join(known[number] for number in range(self._saved, blocks))
        with durable.storage_errors(path):
            durable.step("write", path)
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            descriptor = os.open(path, flags, 0o600)
            try:
                at = self._saved * (len(data) // (blocks - self._saved))
                while data:
                    count = os.pwrite(descriptor, data, at)
                    data, at = data[count:], at + count
                durable.step("fsync", path)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if not self._saved:
                durable.fsync_dir(self._folder)


def load(folder: bytes, tally: Tally, blocks: int, block: int) -> None:
    """Put the pieces of the first `blocks` blocks into a tally.

    Raises:
        InputError: fewer are there than the journal says.
    """
    if not blocks:
        return
    _load(os.path.join(folder, NODES), tally.nodes, blocks, block // GROUP_BYTES * HASH)
    if tally.leaves is not None:
        _load(os.path.join(folder, LEAVES), tally.leaves, blocks, block // LEAF * HASH)
    tally.size = blocks * block


def remove(folder: bytes) -> None:
    """Remove the files of checkpoints."""
    for name in (NODES, LEAVES):
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            durable.step("unlink", path)
            os.unlink(path)


def _load(path: bytes, known: dict[int, bytes], blocks: int, width: int) -> None:
    try:
        with open(path, "rb") as handle:
            data = handle.read(blocks * width)
    except OSError as error:
        raise InputError(
            f"the pieces of the stopped work cannot be read: {error.strerror or error}"
        ) from error
    if len(data) < blocks * width:
        raise InputError(
            "the pieces of the stopped work are cut short",
            hint="the work cannot go on; record it with `--finish` and start a new acquisition",
        )
    for number in range(blocks):
        known[number] = data[number * width : (number + 1) * width]
