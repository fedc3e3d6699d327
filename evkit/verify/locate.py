"""Where an image differs from its record: to the MiB, with the pieces file that was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evkit.core.errors import InputError
from evkit.hashing import piecefile, pieces
from evkit.manifest import contents
from evkit.verify.sources import MAX_PIECES, Keeper

if TYPE_CHECKING:
    from evkit.manifest.contents import Acquisition, Artifact
    from evkit.verify.sources import Source

MAX_SHOWN: Final = 3


def damage(acquisition: Acquisition, artifact: Artifact, source: Source) -> str:
    """Return `: bytes a to b differ`, or nothing when it cannot be told.

    Only for a raw image in one file; the pieces file must be the recorded one.
    """
    parts = acquisition.of_role(*contents.CONTENT_ROLES)
    recorded = acquisition.of_role(contents.PIECES_ROLE)
    if len(parts) != 1 or parts[0].name != artifact.name or len(recorded) != 1:
        return ""
    keeper = Keeper(MAX_PIECES)
    ref = acquisition.ref
    if source.place(ref, recorded[0].name) is None:
        return ""
    found = source.digest(ref, recorded[0].name, keeper)
    if found != recorded[0].sha256 or keeper.data is None:
        return ""
    try:
        wanted = piecefile.decode(keeper.data)
        hasher = pieces.PieceHasher(block_nodes=wanted.block_nodes is not None)
        if wanted.size != artifact.size or source.digest(ref, artifact.name, hasher) is None:
            return ""
        ranges = pieces.locate(wanted, hasher.finish())
    except InputError:
        return ""
    shown = [f"{start} to {start + length - 1}" for start, length in ranges[:MAX_SHOWN]]
    if len(ranges) > MAX_SHOWN:
        shown.append(f"{len(ranges) - MAX_SHOWN} more places")
    return f": it differs within bytes {', '.join(shown)}" if shown else ""
