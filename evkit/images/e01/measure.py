"""The size of a medium from its chunks, where every section that states it is lost."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.images.e01.chain import checked
from evkit.images.e01.chunks import Chunks
from evkit.images.e01.finding import Findings
from evkit.images.e01.layout import CHECKSUM, COMPRESSED, SECTOR
from evkit.images.e01.parse import MAX_CHUNK, Volume
from evkit.images.e01.tables import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.segments import Files, Part
    from evkit.images.e01.tables import Group


def rescue(
    stated: Sequence[Volume], groups: Sequence[Group], parts: Sequence[Part], files: Files
) -> Volume:
    """Return the shape of the medium as its chunks show it, else as a damaged section states it.

    Args:
        stated: what sections say whose checksum is wrong, or that lack the number of sectors.
        groups: all groups, not numbered yet.
        parts: the segment files.
        files: the same, open.

    Raises:
        InputError: nothing that is left tells it.
    """
    total = sum(group.chunks for group in groups)
    whole = bool(groups) and all(group.chunks >= 0 for group in groups)
    measured = _measure(total, groups, parts, files) if whole else None
    if measured is not None:
        chunk, size = measured
        for volume in stated:
            if volume.fits and (volume.chunk, volume.size) == (chunk, size):
                return volume
        sector = SECTOR if chunk % SECTOR == 0 and size % SECTOR == 0 else 1
        return Volume(total, chunk // sector, sector, size // sector)
    for volume in stated:
        if volume.fits and volume.sectors and volume.chunks >= total:
            return volume
    raise InputError(
        "no section of the image that describes the medium is undamaged",
        hint="ask for the image again; `evkit intake FILE --kind files` keeps its bytes",
    )


def odd_bytes(volume: Volume, groups: Sequence[Group], parts: Sequence[Part], files: Files) -> int:
    """Return the bytes of the last chunk that go beyond the whole sectors that are stated.

    Programs that image a file of any length state its whole sectors, and keep and digest the rest.

    Args:
        volume: what is stated of the medium.
        groups: all groups, not numbered yet.
        parts: the segment files.
        files: the same, open.
    """
    total = sum(group.chunks for group in groups)
    stated = -(-volume.size // volume.chunk)
    whole = all(group.chunks > 0 for group in groups)
    if not groups or not whole or total - stated not in {0, 1}:
        return 0
    numbered = number(groups, total, Findings())
    medium = (volume.chunk, total * volume.chunk)
    last = _length(Chunks(numbered, files, parts, medium, Findings()), files, total - 1)
    odd = (total - 1) * volume.chunk + last - volume.size
    return odd if last and 0 < odd < volume.sector_size else 0


def _measure(
    total: int, groups: Sequence[Group], parts: Sequence[Part], files: Files
) -> tuple[int, int] | None:
    """Return bytes of a chunk and of the medium, from the first and the last chunk."""
    numbered = number(groups, total, Findings())
    # any size of a chunk will do to find the first one: it is cut off at what follows
    chunks = Chunks(numbered, files, parts, (MAX_CHUNK, total * MAX_CHUNK), Findings())
    chunk = _length(chunks, files, 0)
    last = _length(chunks, files, total - 1)
    return None if not 0 < last <= chunk else (chunk, (total - 1) * chunk + last)


def _length(chunks: Chunks, files: Files, chunk: int) -> int:
    """Return the bytes of the medium in a chunk, 0 when it is damaged."""
    (run,) = chunks.runs(chunk, 1)
    if run.segment < 0:
        return 0
    raw = os.pread(files.get(run.segment), min(run.length, MAX_CHUNK), run.offset)
    if not run.sizes[0] & COMPRESSED:
        return len(raw) - CHECKSUM.size if checked(raw) else 0
    engine = zlib.decompressobj()
    try:
        length = len(engine.decompress(raw, MAX_CHUNK))
    except zlib.error:
        return 0
    return length if engine.eof else 0
