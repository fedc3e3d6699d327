"""Reading an image back from its medium and comparing it with what was read from the source.

Past the page cache with O_DIRECT; where that is refused the cache is asked to let the file go, and
the record says so. Damage is located by the piece tree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import engine
from evkit.acquire.reading import MediumReader
from evkit.acquire.source import Opened, describe
from evkit.core.errors import StorageError
from evkit.core.text import escape_bytes
from evkit.hashing import pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.core.ejson import Json

DIRECT, DROPPED, CACHED = "direct", "cache-dropped", "perhaps-cached"
_DIRECT = getattr(os, "O_DIRECT", 0)
_SHOWN = 64


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the second reading gave.

    Attributes:
        match: every digest and the piece tree agree, and all of it could be read.
        how: `direct`, `cache-dropped` or `perhaps-cached`.
        damage: ranges (offset, length) that differ, to the MiB.
        unread: bytes that could not be read back.
    """

    match: bool
    how: str
    damage: tuple[tuple[int, int], ...]
    unread: int

    def fields(self) -> dict[str, Json]:
        """Return what the event says."""
        result: dict[str, Json] = {
            "state": "match" if self.match else "mismatch",
            "what": "image",
            "how": self.how,
        }
        if not self.match:
            result["damage"] = [[offset, length] for offset, length in self.damage[:_SHOWN]]
            result["damaged_ranges"] = len(self.damage)
            result["unread"] = self.unread
        return result


def compare(
    path: bytes, expected: engine.Outcome, on_bytes: Callable[[int], None] | None = None
) -> Answer:
    """Read a file back and compare it.

    Raises:
        StorageError: it cannot be opened.
    """
    try:
        opened, how = _open(path)
    except OSError as error:
        raise StorageError(
            f"cannot read `{escape_bytes(path)}` back: {error.strerror or error}"
        ) from error
    reader = MediumReader(opened)
    try:
        found = engine.read_all(
            reader,
            engine.Order(names=tuple(expected.digests), on_bytes=on_bytes, expected=expected.size),
        )
    finally:
        reader.close()
        opened.close()
    unread = sum(length for _, length in reader.gaps)
    damage = pieces.locate(expected.pieces, found.pieces)
    same = (
        found.size == expected.size
        and dict(found.digests) == dict(expected.digests)
        and found.pieces.root == expected.pieces.root
    )
    return Answer(match=same and not unread, how=how, damage=tuple(damage), unread=unread)


def _open(path: bytes) -> tuple[Opened, str]:
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
    how = CACHED
    try:
        descriptor, how = os.open(path, flags | _DIRECT), DIRECT if _DIRECT else CACHED
    except OSError:
        descriptor = os.open(path, flags)
    if how != DIRECT and hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        how = DROPPED
    facts = describe(path, descriptor)
    return Opened(descriptor=descriptor, facts=facts, direct=how == DIRECT), how
