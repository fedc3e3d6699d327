"""Reading an image back from its medium and comparing it with what was read from the source.

Compared are the pieces of the decoded medium, and each segment of a container as a file. One raw
file is read past the page cache; elsewhere the cache is asked to let the files go, and the record
says so. Damage is located to the MiB.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import engine
from evkit.acquire.decoding import Decodable, fits
from evkit.acquire.reading import ImageReader, MediumReader
from evkit.acquire.source import Opened, describe
from evkit.core.errors import InputError, StorageError
from evkit.core.text import escape_bytes
from evkit.hashing import pieces
from evkit.images.e01.reader import E01Image
from evkit.images.raw import RawImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.core.ejson import Json

DIRECT, DROPPED, CACHED = "direct", "cache-dropped", "perhaps-cached"
_DIRECT = getattr(os, "O_DIRECT", 0)
_SHOWN = 64


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the second reading gave.

    Attributes:
        match: the piece tree agrees, all of it could be read, and every segment file is as written.
        how: `direct`, `cache-dropped` or `perhaps-cached`.
        damage: ranges (offset, length) of the medium that differ, to the MiB.
        unread: bytes of the medium that could not be read back or decoded.
        files: names of segment files that differ, first ones.
    """

    match: bool
    how: str
    damage: tuple[tuple[int, int], ...] = ()
    unread: int = 0
    files: tuple[str, ...] = ()

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
            if self.files:
                result["files"] = list(self.files[:_SHOWN])
        return result


def compare(
    paths: Sequence[bytes],
    expected: engine.Outcome,
    *,
    files: Mapping[bytes, str] | None = None,
    order: engine.Order | None = None,
) -> Answer:
    """Read the files of an image back and compare them.

    Args:
        paths: one raw file, its parts, or the segments of an E01, in order.
        expected: what was read from the source.
        files: SHA-256 by path of files that are compared as such; given for a container.
        order: what else is done with the bytes of the medium, which come in order.

    Raises:
        StorageError: a file cannot be opened.
    """
    order = order or engine.Order(expected=expected.size)
    try:
        if files:
            return _container(paths, expected, files, order)
        return _raw(paths, expected, order)
    except InputError:
        return Answer(match=False, how=CACHED, unread=expected.size)
    except OSError as error:
        raise StorageError(
            f"cannot read `{escape_bytes(paths[0])}` back: {error.strerror or error}"
        ) from error


def _raw(paths: Sequence[bytes], expected: engine.Outcome, order: engine.Order) -> Answer:
    if len(paths) > 1:
        how = _drop(paths)
        with RawImage(paths) as image:
            parts = ImageReader(image)
            return _judged(engine.read_all(parts, order), expected, parts.gaps, how)
    opened, how = _open(paths[0])
    reader = MediumReader(opened)
    try:
        found = engine.read_all(reader, order)
    finally:
        reader.close()
        opened.close()
    return _judged(found, expected, reader.gaps, how)


def _judged(
    found: engine.Outcome, expected: engine.Outcome, gaps: Sequence[tuple[int, int]], how: str
) -> Answer:
    unread = sum(length for _, length in gaps)
    damage = tuple(pieces.locate(expected.pieces, found.pieces))
    same = found.size == expected.size and found.pieces.root == expected.pieces.root
    return Answer(match=same and not unread, how=how, damage=damage, unread=unread)


def _container(
    paths: Sequence[bytes],
    expected: engine.Outcome,
    files: Mapping[bytes, str],
    order: engine.Order,
) -> Answer:
    how = _drop(paths)
    wrong: list[str] = []
    stop = threading.Event()
    digester = threading.Thread(target=_digest_files, args=(files, wrong, stop), daemon=True)
    digester.start()
    try:
        with E01Image(paths) as image:
            if fits(image):
                found = engine.decode_all(Decodable(image), order)
                lost = [(offset, length) for offset, length, _ in found.damage]
            else:
                reader = ImageReader(image)
                found = engine.read_all(reader, order)
                lost = reader.gaps
        answer = _judged(found, expected, lost, how)
    except InputError:
        answer = Answer(match=False, how=how, unread=expected.size)
    except BaseException:  # Ctrl-C among them
        stop.set()
        raise
    finally:
        digester.join()
    return Answer(
        match=answer.match and not wrong,
        how=how,
        damage=answer.damage,
        unread=answer.unread,
        files=tuple(wrong),
    )


def _digest_files(files: Mapping[bytes, str], wrong: list[str], stop: threading.Event) -> None:
    for path, expected in files.items():
        digest = hashlib.sha256()
        try:
            with open(path, "rb", buffering=0) as handle:
                while (block := handle.read(1 << 20)) and not stop.is_set():
                    digest.update(block)
        except OSError:
            digest.update(b"unreadable")
        if digest.hexdigest() != expected:
            wrong.append(escape_bytes(os.path.basename(path)))
        if stop.is_set():
            return


def _drop(paths: Sequence[bytes]) -> str:
    """Ask the page cache to let files go."""
    if not hasattr(os, "posix_fadvise"):
        return CACHED
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
    return DROPPED


def _open(path: bytes) -> tuple[Opened, str]:
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
    how, descriptor = DIRECT, -1
    if _DIRECT:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, flags | _DIRECT)
    if descriptor < 0:
        how = _drop([path])
        descriptor = os.open(path, flags)
    facts = describe(path, descriptor)
    return Opened(descriptor=descriptor, facts=facts, direct=how == DIRECT), how
