"""The blocks of a proof of origin, read from its file; every read is of bytes that were hashed."""

from __future__ import annotations

import bisect
import hashlib
from typing import TYPE_CHECKING, BinaryIO

from evkit.hashing.pieces import BLOCK, block_count
from evkit.manifest import proof as form
from evkit.merkle.ranges import root_from_ranges
from evkit.verify.filecontent import NoContentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.manifest.proof import Proof

_LEAF = hashlib.sha256(b"\0")


class Enclosed:
    """The enclosed blocks as a part of the medium.

    Args:
        handle: the open file.
        at: where the blocks begin in it.
        proof: says which blocks they are.

    Attributes:
        size: bytes of the medium.
        needed: ranges of the medium that the content needed, in order, none overlapping.
    """

    def __init__(self, handle: BinaryIO, at: int, proof: Proof) -> None:
        self.size = proof.size
        self.needed: list[tuple[int, int]] = []
        self._handle = handle
        self._runs = proof.blocks
        self._firsts = [first for first, _ in proof.blocks]
        self._places = []
        self._numbers = []
        number = 0
        for first, count in proof.blocks:
            self._places.append(at)
            self._numbers.append(number)
            at += form.run_bytes(((first, count),), proof.size)
            number += count
        self._leaves: list[bytes] = []
        self._last: tuple[int, bytes] = (-1, b"")

    def root(self, proof: Proof) -> bytes | None:
        """Return the root that the blocks lead to, None when the proof is malformed.

        From here on each block is compared with what was hashed, whenever it is read again.
        """
        self._leaves = []
        for first, count in self._runs:
            for block in range(first, first + count):
                self._leaves.append(_leaf(self._raw(block)))
        ranges = [(first, first + count) for first, count in self._runs]
        return root_from_ranges(ranges, block_count(self.size), self._leaves, proof.block_hashes)

    def read(self, offset: int, size: int, /) -> bytes:
        """Return bytes of the medium.

        Raises:
            NoContentError: they are not enclosed.
        """
        return b"".join(self._pieces(offset, offset + size))

    def _pieces(self, start: int, stop: int) -> Iterator[bytes]:
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            if block != self._last[0]:
                self._last = (block, self._checked(block))
            low = block * BLOCK
            yield self._last[1][max(start - low, 0) : stop - low]

    def _checked(self, block: int) -> bytes:
        data = self._raw(block)
        if self._leaves and _leaf(data) != self._leaves[self._number(block)]:
            raise NoContentError("the proof changed while it was read", wrong=True)
        return data

    def _run(self, block: int) -> int:
        run = bisect.bisect_right(self._firsts, block) - 1
        if run < 0 or block >= sum(self._runs[run]):
            text = f"the proof lacks the sectors from byte {block * BLOCK} on, which its row names"
            raise NoContentError(text, wrong=True)
        return run

    def _number(self, block: int) -> int:
        run = self._run(block)
        return self._numbers[run] + block - self._firsts[run]

    def _raw(self, block: int) -> bytes:
        run = self._run(block)
        self._handle.seek(self._places[run] + (block - self._firsts[run]) * BLOCK)
        wanted = min(BLOCK, self.size - block * BLOCK)
        data = self._handle.read(wanted)
        if len(data) != wanted:
            raise NoContentError("the proof became shorter while it was read", wrong=True)
        return data


def _leaf(data: bytes) -> bytes:
    leaf = _LEAF.copy()
    leaf.update(data)
    return leaf.digest()
