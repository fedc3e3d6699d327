"""The size of a medium from its chunks, where every section that states it is lost."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.images.e01.chunks import Chunks
from evkit.images.e01.entries import MASK
from evkit.images.e01.finding import Findings
from evkit.images.e01.layout import CHECKSUM, COMPRESSED, SECTOR
from evkit.images.e01.parse import MAX_CHUNK, Volume
from evkit.images.e01.tables import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.segments import Files, Part
    from evkit.images.e01.tables import Group


def measure(
    groups: Sequence[Group], parts: Sequence[Part], files: Files, stated: Volume | None
) -> Volume:
    """Return the shape of the medium, found by decoding the first and the last chunk.

    Args:
        groups: all groups, not numbered yet.
        parts: the segment files.
        files: the same, open.
        stated: what is known of the medium without its size.

    Raises:
        InputError: nothing states the size and a chunk is missing or damaged.
    """
    total = sum(group.chunks for group in groups)
    if not groups or any(group.chunks < 0 for group in groups):
        raise _lost()
    numbered = number(groups, total, Findings())
    # any size of a chunk will do to find the first one: it is cut off at what follows
    chunks = Chunks(numbered, files, parts, (MAX_CHUNK, total * MAX_CHUNK), Findings())
    chunk = _length(chunks, files, 0)
    last = _length(chunks, files, total - 1)
    sector = stated.sector_size if stated is not None else SECTOR
    size = (total - 1) * chunk + last
    if chunk % sector or size % sector or last > chunk:
        sector = 1
    if not chunk or not last:
        raise _lost()
    return Volume(total, chunk // sector, sector, size // sector)


def _length(chunks: Chunks, files: Files, chunk: int) -> int:
    (run,) = chunks.runs(chunk, 1)
    if run.segment < 0:
        raise _lost()
    size = run.sizes[0] & MASK
    raw = os.pread(files.get(run.segment), min(size, MAX_CHUNK), run.offset)
    if not run.sizes[0] & COMPRESSED:
        return max(0, len(raw) - CHECKSUM.size)
    engine = zlib.decompressobj()
    try:
        length = len(engine.decompress(raw, MAX_CHUNK))
    except zlib.error as error:
        raise _lost() from error
    if not engine.eof:
        raise _lost()
    return length


def _lost() -> InputError:
    return InputError(
        "no section of the image that describes the medium is undamaged",
        hint="ask for the image again; `evkit intake FILE --kind files` keeps its bytes",
    )
