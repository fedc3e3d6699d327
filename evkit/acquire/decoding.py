"""An E01 as the engine decodes it: where the chunks are stored, and what came of it in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.acquire.blockwork import Run
from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.images.e01.decodeall import Decoded
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
        """Return where the chunks of a block are stored; `start` is at the start of a chunk.

        Of what cannot be looked up now nothing says where it is stored; `decode` looks again.
        """
        first = start // self.chunk
        count = -(-length // self.chunk)
        found = []
        left = length
        try:
            runs = self._image.runs(first, count)
        except (OSError, InputError):
            return [Run(file=None, offset=0, sizes=(0,) * count, length=length)]
        for run in runs:
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
        """Return the descriptors of all segments.

        Raises:
            InputError: the system does not allow as many open files.
        """
        return self._image.descriptors()


def fits(image: E01Image) -> bool:
    """Say whether all segments can be open at once, and blocks are whole chunks."""
    from evkit.acquire.engine import BLOCK

    return len(image.segments) <= MOST_FILES and BLOCK % image.chunk == 0


def decode(
    image: E01Image,
    names: Sequence[str],
    on_bytes: Callable[[int], None] | None = None,
    *,
    block_nodes: bool = False,
) -> Decoded:
    """Decode every chunk of an image with all processors; the answer is that of `decode_all`.

    Args:
        image: opened, possibly with parts missing.
        names: digests to make.
        on_bytes: is told how many bytes of the medium were done.
        block_nodes: keep the hashes of 16 KiB blocks as well.
    """
    from evkit.acquire import engine
    from evkit.images.e01 import decodeall

    if not image.size or not fits(image):
        return decodeall.decode_all(image, names, on_bytes, block_nodes=block_nodes)
    done = 0

    def told(total: int) -> None:
        nonlocal done
        step, done = total - done, total
        if on_bytes is not None:
            on_bytes(step)

    order = engine.Order(names=names, block_nodes=block_nodes, on_bytes=told)
    made = engine.decode_all(Decodable(image), order)
    places, chunks = decodeall.look_again(
        image,
        [
            (offset // image.chunk, -(-length // image.chunk), reason)
            for offset, length, reason in made.damage
        ],
    )
    return decodeall.Decoded(made.size, made.digests, made.pieces, places, chunks)
