"""The content of a raw image: all that its end records of it, made again from one read.

What a proof of origin and every comparison of acquisitions rests on is the piece tree, so a record
whose tree is not that of its own image must not pass because its SHA-256 is.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Self

from evkit.core.text import escape
from evkit.hashing.digests import MultiDigest, ThreadedDigest
from evkit.hashing.pieces import PieceHasher
from evkit.manifest import contents
from evkit.verify.medium import NAMES, PIECES, tree_of
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.manifest.contents import Acquisition, Artifact
    from evkit.verify.files import Consumer
    from evkit.verify.report import Report

_DEPTH: Final = 8  # blocks in flight
_THREADED_FROM: Final = 8 << 20


class Whole:
    """The content of a raw image, also in several segments, digested as one; a context manager.

    Attributes:
        container: the image is one, and its medium has to be decoded.
    """

    def __init__(self, acquisition: Acquisition) -> None:
        self._ref = acquisition.ref
        media = acquisition.row.get("media")
        self._media = media if isinstance(media, dict) else {}
        parts = acquisition.of_role(*contents.CONTENT_ROLES)
        self._left = [part.name for part in parts]
        size, stated = sum(part.size for part in parts), self._media.get("size")
        named = bool(parts) and contents.is_raw(parts[0].name)
        raw = named or (size == stated and not (parts and contents.is_container(parts[0].name)))
        self.container = bool(parts) and bool(self._media) and not raw
        self._alone = parts[0].sha256 if raw and len(parts) == 1 else ""
        names = [name for name in NAMES if name in self._media]
        if self._alone and "sha256" in names:
            names.remove("sha256")  # it was made of the file
        trees = PIECES in self._media
        self._taker = (
            Taker(names, pieces=trees, size=size) if raw and parts and (names or trees) else None
        )
        self._wrong_size = size if named and "size" in self._media and size != stated else None
        missing = bool(self._media) and not parts and acquisition.row.get("in_place") is not True
        self._missing = missing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.spoil()

    def for_(self, artifact: Artifact) -> list[Consumer]:
        """Return the consumers of this artifact; segments must come in their order."""
        if self._taker is None or artifact.role not in contents.CONTENT_ROLES:
            return []
        if not self._left or self._left.pop(0) != artifact.name:
            self.spoil()
            return []
        return [self._taker]

    def spoil(self) -> None:
        """Give up: a segment is missing or wrong, which has its own finding."""
        if self._taker is not None:
            self._taker.stop()
        self._taker = None

    def finish(self, report: Report) -> None:
        """Compare size, digests and piece tree of the content."""
        ref = escape(self._ref)
        text = f"the content of `{ref}` is not what was recorded"
        if self._missing:
            text = f"a medium is recorded for `{ref}`, and none of its files is said to hold it"
            report.undecided(CONTENT, "no-image", text, ref)
        if self._wrong_size is not None:
            stated, size = (f"{value} bytes" for value in (self._media["size"], self._wrong_size))
            report.failed(CONTENT, "media-digest", text, ref, escape(stated), size)
        found: dict[str, object] = {"sha256": self._alone} if self._alone else {}
        if self._taker is not None:
            made = self._taker.finish()
            found |= {} if self._left else made
        for name, value in found.items():
            expected = self._media.get(name, value)
            if value != expected:
                report.failed(CONTENT, "media-digest", text, ref, *shown(name, expected, value))


def shown(name: str, expected: object, found: object) -> tuple[str, str]:
    """Return a recorded value and the one that was found, in words."""
    if name == PIECES:
        return f"{name} {tree_of(expected)}", f"{name} {tree_of(found)}"
    return (f"{name} {escape(str(expected))}", f"{name} {found}")


class Taker:
    """Makes the digests and the piece tree that are recorded of a content, beside its SHA-256.

    Args:
        names: algorithms.
        pieces: make the piece tree as well.
        size: bytes that are expected; large contents get a thread for each digest.
    """

    def __init__(self, names: Sequence[str], *, pieces: bool, size: int) -> None:
        self._free = threading.Semaphore(_DEPTH)
        self._hasher = PieceHasher() if pieces else None
        self._digest: MultiDigest | ThreadedDigest = MultiDigest(names)
        if size >= _THREADED_FROM:
            self._digest = ThreadedDigest(names, lambda _: self._free.release(), self._hasher)

    def update(self, block: bytes) -> None:
        """Take the next block."""
        if isinstance(self._digest, ThreadedDigest):
            self._free.acquire()
            self._digest.update(memoryview(block))
            return
        self._digest.update(block)
        if self._hasher is not None:
            self._hasher.update(block)

    def stop(self) -> None:
        """End the threads; whatever happens to the content, this must be called."""
        if isinstance(self._digest, ThreadedDigest):
            self._digest.close()

    def finish(self) -> dict[str, object]:
        """Return what was made."""
        made: dict[str, object] = dict(self._digest.digests())
        if self._hasher is not None:
            made[PIECES] = self._hasher.finish().fields()
        return made
