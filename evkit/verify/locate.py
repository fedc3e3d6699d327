"""Where an image differs from its record: to the MiB, with the pieces file that was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.hashing import pieces
from evkit.manifest import contents
from evkit.verify.medium import recorded_pieces, shown_ranges

if TYPE_CHECKING:
    from evkit.manifest.contents import Acquisition, Artifact
    from evkit.verify.sources import Source


def damage(acquisition: Acquisition, artifact: Artifact, source: Source) -> str:
    """Return `: bytes a to b differ`, or nothing when it cannot be told.

    Only for a raw image in one file; the pieces file must be the recorded one.
    """
    parts = acquisition.of_role(*contents.CONTENT_ROLES)
    if len(parts) != 1 or parts[0].name != artifact.name:
        return ""
    wanted = recorded_pieces(acquisition, source)
    if wanted is None or wanted.size != artifact.size:
        return ""
    hasher = pieces.PieceHasher(block_nodes=wanted.block_nodes is not None)
    try:
        if source.digest(acquisition.ref, artifact.name, hasher) is None:
            return ""
        ranges = pieces.locate(wanted, hasher.finish())
    except InputError:
        return ""
    return shown_ranges(ranges, ": it differs within bytes")
