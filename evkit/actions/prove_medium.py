"""The sectors for a proof of origin: read from the image, and shown to be the recorded ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from evkit.core.errors import CheckFailedError, InputError
from evkit.core.text import escape, escape_bytes
from evkit.hashing import pieces
from evkit.hashing.pieces import BLOCK, GROUP, GROUP_BYTES, HASH, LEVEL
from evkit.merkle.ranges import ranges_proof
from evkit.merkle.tree import Frontier
from evkit.merkle.tree import root as root_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.hashing.pieces import PieceTree
    from evkit.images.model import Image

_KEPT = 4


class ImageMedium:
    """An opened image whose bytes count only when their MiB has the recorded node.

    Args:
        image: the opened image.
        tree: its recorded piece tree.
        ref: the acquisition, for messages.
    """

    def __init__(self, image: Image, tree: PieceTree, ref: str) -> None:
        self.size = tree.size
        self._image, self._tree, self._ref = image, tree, ref
        self._groups: dict[int, bytes] = {}
        if image.size != tree.size:
            raise self._changed(f"it has {image.size:,} bytes, not {tree.size:,}")

    def read(self, offset: int, size: int, /) -> bytes:
        """Return bytes of the medium.

        Raises:
            CheckFailedError: they are not those that were recorded.
            InputError: they cannot be read.
        """
        stop = offset + size
        return b"".join(
            self._group(number)[max(offset - number * GROUP_BYTES, 0) : stop - number * GROUP_BYTES]
            for number in range(offset // GROUP_BYTES, -(-stop // GROUP_BYTES))
        )

    def block_hashes(self, runs: tuple[tuple[int, int], ...]) -> list[bytes]:
        """Return the hashes beside runs of blocks."""
        ranges = [(first, first + count) for first, count in runs]
        return ranges_proof(ranges, pieces.block_count(self.size), self._subtree)

    def _subtree(self, level: int, index: int, /) -> bytes:
        if level >= LEVEL:
            count = 1 << (level - LEVEL)
            total = Frontier()
            for number in range(index * count, (index + 1) * count):
                total.append(self._tree.nodes[number * HASH : (number + 1) * HASH])
            return total.root()
        first = index << level
        leaves = self._leaves(first // GROUP)
        start = first % GROUP
        return root_of(leaves[start : start + (1 << level)])

    def _leaves(self, number: int) -> list[bytes]:
        data, found = self._group(number), bytearray()
        pieces.group_node(data, found)
        return [bytes(found[at : at + HASH]) for at in range(0, len(found), HASH)]

    def _group(self, number: int) -> bytes:
        kept = self._groups.get(number)
        if kept is not None:
            return kept
        start = number * GROUP_BYTES
        length = min(GROUP_BYTES, self.size - start)
        shown = f"bytes {start:,} to {start + length - 1:,}"
        try:
            data = self._image.read(start, length)
        except OSError as error:
            raise InputError(f"{shown} of the image cannot be read: {error.strerror}") from error
        node = self._tree.nodes[number * HASH : (number + 1) * HASH]
        if len(data) != length or pieces.group_node(data) != node:
            raise self._changed(f"it differs within {shown}")
        if len(self._groups) >= _KEPT:
            del self._groups[next(iter(self._groups))]
        self._groups[number] = data
        return data

    def _changed(self, where: str) -> CheckFailedError:
        return CheckFailedError(
            f"the image of `{escape(self._ref)}` is not what was acquired; {where}; nothing was "
            "written",
            hint=f"`evkit verify {escape(self._ref)}` says more; go on from another copy",
        )


class FileMedium:
    """A file that was taken in, as a medium of its own.

    Args:
        path: where its content lies.

    Raises:
        InputError: it is not here.
    """

    def __init__(self, path: bytes) -> None:
        try:
            self._handle: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by `close`
            self.size = self._handle.seek(0, os.SEEK_END)
        except OSError as error:
            raise InputError(f"cannot read `{escape_bytes(path)}`: {error.strerror}") from error

    def read(self, offset: int, size: int, /) -> bytes:
        """Return bytes of the file; `InputError` when they cannot be read."""
        try:
            self._handle.seek(offset)
            data = self._handle.read(size)
        except OSError as error:
            raise InputError(f"the file cannot be read: {error.strerror}") from error
        if len(data) != size:
            raise InputError("the file became shorter while it was read")
        return data

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


def tree_of(image: Image, stored: PieceTree | None, size: int, root: bytes) -> PieceTree | None:
    """Return the recorded piece tree: the pieces file, else made of the whole image again.

    None when the image no longer gives the recorded root.
    """
    if stored is not None and (stored.size, stored.root) == (size, root):
        return stored
    hasher = pieces.PieceHasher()
    try:
        for at in range(0, image.size, GROUP_BYTES):
            hasher.update(image.read(at, min(GROUP_BYTES, image.size - at)))
    except OSError as error:
        raise InputError(f"the image cannot be read: {error.strerror or error}") from error
    made = hasher.finish()
    return made if (made.size, made.root) == (size, root) else None


def blocks_of(
    medium: ImageMedium | FileMedium, runs: tuple[tuple[int, int], ...]
) -> Iterator[bytes]:
    """Yield the bytes of runs of blocks, at most a MiB at a time."""
    for first, count in runs:
        stop = min((first + count) * BLOCK, medium.size)
        for at in range(first * BLOCK, stop, GROUP_BYTES):
            yield medium.read(at, min(GROUP_BYTES, stop - at))
