"""An E01 as the engine decodes it: where the chunks of each block are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.acquire.blockwork import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.reader import E01Image

MOST_FILES = 400  # descriptors that are handed to workers


class Decodable:
    """The chunks of an image, up to a length.

    Args:
        image: opened; it stays the caller's to close.
        size: bytes of the medium to decode, None for all.
    """

    def __init__(self, image: E01Image, size: int | None = None) -> None:
        self._image = image
        self.size = image.size if size is None else min(size, image.size)
        self.chunk = image.chunk

    def block_runs(self, start: int, length: int) -> list[Run]:
        """Return where the chunks of a block are stored; `start` is at the start of a chunk."""
        first = start // self.chunk
        found = []
        left = length
        for run in self._image.runs(first, -(-length // self.chunk)):
            covered = min(len(run.sizes) * self.chunk, left)
            left -= covered
            found.append(
                Run(
                    file=None if run.segment < 0 else run.segment,
                    offset=run.offset,
                    sizes=tuple(run.sizes),
                    length=covered,
                )
            )
        return found

    def descriptors(self) -> Sequence[int]:
        """Return the descriptors of all segments."""
        return [self._image.descriptor(number) for number in range(len(self._image.segments))]


def fits(image: E01Image) -> bool:
    """Say whether all segments can be open at once, and blocks are whole chunks."""
    from evkit.acquire.engine import BLOCK

    return len(image.segments) <= MOST_FILES and BLOCK % image.chunk == 0
