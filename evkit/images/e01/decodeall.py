"""Decodes a whole E01 once, in one thread: digests, pieces, and every chunk that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.errors import InputError
from evkit.hashing import digests, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evkit.hashing.pieces import PieceTree
    from evkit.images.e01.reader import E01Image

STEP: Final = 4 << 20  # bytes of the medium at a time
MAX_PLACES: Final = 1000


class Lost(NamedTuple):
    """Consecutive chunks that cannot be decoded for one reason.

    Attributes:
        first: number of the first chunk.
        chunks: how many.
        where: sectors and segment, escaped.
        reason: why.
        unread: the file could not be read now; it may be sound.
        missing: nothing in the image says where they are stored, or their segment is not here.
    """

    first: int
    chunks: int
    where: str
    reason: str
    unread: bool = False
    missing: bool = False

    @property
    def text(self) -> str:
        """Chunk or chunks, sectors, segment and reason."""
        last = self.first + self.chunks - 1
        chunks = f"chunk {self.first}" if self.chunks == 1 else f"chunks {self.first} to {last}"
        return f"{chunks}, {self.where}: {self.reason}"


class _Gone(NamedTuple):
    """One chunk that cannot be decoded, index of its segment or -1, why, whether it was read."""

    chunk: int
    segment: int
    reason: str
    unread: bool = False


class Decoded(NamedTuple):
    """What came of decoding a whole image; what could not be decoded counts as zeros.

    Attributes:
        size: bytes of the medium.
        digests: of the medium by name, hex.
        pieces: its piece tree.
        lost: chunks that could not be decoded, in order; at most `MAX_PLACES` places.
        chunks: how many could not be decoded in all.
    """

    size: int
    digests: Mapping[str, str]
    pieces: PieceTree
    lost: tuple[Lost, ...]
    chunks: int


def decode_all(
    image: E01Image,
    names: Sequence[str],
    on_bytes: Callable[[int], None] | None = None,
    *,
    block_nodes: bool = False,
) -> Decoded:
    """Decode every chunk of an image.

    Args:
        image: opened, possibly with parts missing.
        names: digests to make.
        on_bytes: is told how many bytes of the medium were done.
        block_nodes: keep the hashes of 16 KiB blocks as well (2 MiB of memory for a GiB).
    """
    running = {name: digests.new(name) for name in names}
    hasher = pieces.PieceHasher(block_nodes=block_nodes)
    lost = _Losses(image)
    step = max(1, STEP // image.chunk)
    buffer = bytearray(min(step, max(1, image.chunks)) * image.chunk)
    for first in range(0, image.chunks, step):
        count = min(step, image.chunks - first)
        length = image.length_of(first, count)
        with memoryview(buffer)[:length] as view:
            _decode(image, (first, count), view, lost.add)
            for digest in running.values():
                digest.update(view)
            hasher.update(view)
        if on_bytes is not None:
            on_bytes(length)
    return Decoded(
        size=image.size,
        digests={name: digest.hexdigest() for name, digest in running.items()},
        pieces=hasher.finish(),
        lost=tuple(lost.places),
        chunks=lost.chunks,
    )


def look_again(
    image: E01Image, ranges: Iterable[tuple[int, int, str]]
) -> tuple[tuple[Lost, ...], int]:
    """Say of chunks that another decoder of this image gave up where they are and why.

    Args:
        image: as it was decoded.
        ranges: (first chunk, how many, reason), in order.

    Returns:
        (places, number of chunks) as in `Decoded`; what can be decoded now could not be read then.
    """
    lost = _Losses(image)
    step = max(1, STEP // image.chunk)
    buffer = bytearray(step * image.chunk)
    for start, chunks, then in ranges:
        for first in range(start, start + chunks, step):
            count = min(step, start + chunks - first)
            gone: list[_Gone] = []
            with memoryview(buffer)[: image.length_of(first, count)] as view:
                _decode(image, (first, count), view, gone.append)
            found = {one.chunk: one for one in gone}
            for chunk in range(first, first + count):
                if chunk not in found:
                    (run,) = image.runs(chunk, 1)
                    found[chunk] = _Gone(chunk, run.segment, f"at first, {then}", unread=True)
                lost.add(found[chunk])
    return tuple(lost.places), lost.chunks


def _decode(
    image: E01Image,
    part: tuple[int, int],
    view: memoryview,
    add: Callable[[_Gone], None],
) -> None:
    """Decode some chunks; where a file cannot be read, one by one."""
    first, count = part
    try:
        for damage in image.decode(first, count, view):
            add(_Gone(damage.chunk, damage.segment, damage.reason))
    except (OSError, InputError) as error:
        if count > 1:
            for at in range(count):
                start = at * image.chunk
                _decode(image, (first + at, 1), view[start : start + image.chunk], add)
            return
        view[:] = bytes(len(view))
        why = error.strerror if isinstance(error, OSError) else error.message
        (run,) = image.runs(first, 1)
        reason = f"it cannot be read now: {why or error}"
        add(_Gone(first, run.segment, reason, unread=True))


class _Losses:
    """Gathers chunks that cannot be decoded into ranges of one reason."""

    def __init__(self, image: E01Image) -> None:
        self._image = image
        self._segment = -1
        self.places: list[Lost] = []
        self.chunks = 0

    def add(self, gone: _Gone) -> None:
        """Note a chunk; they come in order."""
        self.chunks += 1
        last = self.places[-1] if self.places else None
        first, count = gone.chunk, 1
        same = last is not None and (self._segment, last.reason) == (gone.segment, gone.reason)
        if last is not None and same and last.first + last.chunks == gone.chunk:
            first, count = last.first, last.chunks + 1
            self.places.pop()
        elif len(self.places) >= MAX_PLACES:
            return
        self._segment = gone.segment
        where = self._image.sectors(first, count, gone.segment)
        missing = gone.segment < 0
        self.places.append(Lost(first, count, where, gone.reason, gone.unread, missing))
