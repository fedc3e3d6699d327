"""Linear digests of what is on the disk already, after a stop or when the medium came out of order.

A digest cannot be saved and cannot skip. Its bytes are read from the image; the pieces that were
made when the source was read are compared on the way, so that the digests are those of the source.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.hashing import pieces

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Mapping

    from evkit.acquire.engine import Tally

    Read = Callable[[int, int], bytes]


class CatchUp:
    """Digests that follow what is on the disk.

    Args:
        hashes: running digests by name.
        at: bytes that they have taken; a multiple of the block.
        block: bytes of a block of the engine.

    Attributes:
        at: bytes taken so far.
        wrong: ranges (offset, length) in which the disk does not hold what was read.
        error: what ended it in its own thread.
        stopped: set from another thread, it ends after the block in hand.
    """

    def __init__(self, hashes: Mapping[str, hashlib._Hash], at: int, block: int) -> None:
        self.at = at
        self.wrong: list[tuple[int, int]] = []
        self.error: BaseException | None = None
        self.stopped = False
        self.hashes = hashes
        self._block = block

    def follow(
        self, read: Read, until: int, tally: Tally, on_bytes: Callable[[int], None] | None = None
    ) -> None:
        """Take the bytes up to `until`.

        Args:
            read: gives bytes of the medium from the image.
            until: where to stop; a multiple of the block, or the end of the medium.
            tally: its pieces are compared; those that it lacks are filled in.
            on_bytes: called with the number of bytes taken so far.

        Raises:
            InputError: the image cannot be read or decoded there, or ends early.
            OSError: likewise.
        """
        with ThreadPoolExecutor(max(1, len(self.hashes))) as threads:
            while self.at < until and not self.stopped:
                length = min(self._block, until - self.at)
                data = read(self.at, length)
                if len(data) < length:
                    raise InputError(f"the image ends at byte {self.at + len(data)} of the medium")
                running = [threads.submit(one.update, data) for one in self.hashes.values()]
                self._compare(data, tally)
                for each in running:
                    each.result()
                self.at += length
                if on_bytes is not None:
                    on_bytes(self.at)

    def take(self, data: bytes | memoryview) -> None:
        """Take bytes that are not on the disk yet."""
        for one in self.hashes.values():
            one.update(data)
        self.at += len(data)

    def _compare(self, data: bytes, tally: Tally) -> None:
        number = self.at // self._block
        leaves = None if tally.leaves is None else bytearray()
        nodes = pieces.hash_groups(data, leaves)
        known = tally.nodes.get(number)
        if known is None:
            tally.nodes[number] = nodes
            if leaves is not None and tally.leaves is not None:
                tally.leaves[number] = bytes(leaves)
        elif known != nodes:
            self.wrong.append((self.at, len(data)))
