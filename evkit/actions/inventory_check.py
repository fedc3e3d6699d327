"""Before an inventory: is the content still what was acquired? After it: did it stay so?

An inventory of changed content must never be signed as that of the acquisition. The whole medium is
read with the piece hashes, or with SHA-256 where no pieces were recorded; taken-in files are
compared one by one while they are listed, their list before that.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from evkit.acquire import engine
from evkit.acquire.reading import ImageReader, MediumReader
from evkit.acquire.source import Opened, describe
from evkit.core.errors import CheckFailedError, InputError, UndecidedError
from evkit.core.text import escape, escape_bytes
from evkit.hashing import pieces
from evkit.hashing.digests import digest_file
from evkit.hashing.piecefile import read_pieces
from evkit.images.files import open_quietly
from evkit.images.opening import open_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.actions.inventory_target import Chosen
    from evkit.core.progress import Progress

_TASK = "compare"
_SHOWN = 3
_NOTHING = "nothing was listed and nothing was recorded"


class Unchanged:
    """Says that the content of an acquisition is the recorded one, and later that it stayed so.

    Args:
        chosen: an acquisition; for a plain path there is nothing to compare with.
        progress: told the bytes compared.

    Raises:
        CheckFailedError: it is not what was acquired; the message says where.
        UndecidedError: nothing was recorded to compare with.
        InputError: it cannot be opened.
    """

    def __init__(self, chosen: Chosen, progress: Progress) -> None:
        self._chosen = chosen
        self._facts = _facts(chosen)
        if chosen.target.acquisition is None:
            return
        if chosen.target.listed is not None:
            _check_list(chosen, chosen.target.listed)
        else:
            _check_medium(chosen, progress)

    def still(self, differing: Sequence[int] = ()) -> None:
        """Compare once more at the end, by what the file system says.

        Args:
            differing: rows of the list of files whose content was not the recorded one.

        Raises:
            CheckFailedError: files changed meanwhile, or are not what was taken in.
        """
        if self._chosen.target.acquisition is None:
            return
        if differing:
            count = len(differing)
            what = "1 file" if count == 1 else f"{count:,} files"
            shown = ", ".join(str(number) for number in differing[:_SHOWN])
            raise _failed(
                self._chosen,
                f"{what} of `{self._ref}` no longer have the content that was taken in",
                {"rows of the list": shown + (", …" if count > _SHOWN else "")},
            )
        if _facts(self._chosen) != self._facts:
            raise _failed(self._chosen, f"files of `{self._ref}` changed while they were listed")

    @property
    def _ref(self) -> str:
        return escape(str(self._chosen.target.acquisition))


def _facts(chosen: Chosen) -> list[tuple[int, int, int, int]]:
    found = []
    for path in [*chosen.target.paths, *filter(None, [chosen.target.listed])]:
        with contextlib.suppress(OSError):
            facts = os.stat(path)
            found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
    return found


def _check_list(chosen: Chosen, path: bytes) -> None:
    recorded = chosen.target.digests.get("sha256")
    if recorded is None:
        raise _undecided(chosen)
    try:
        found = digest_file(path, ("sha256",))[1]["sha256"]
    except OSError as error:
        raise InputError(f"cannot read `{escape_bytes(path)}`: {error.strerror}") from error
    if found != recorded:
        raise _failed(
            chosen,
            f"the list of files of `{chosen.target.acquisition}` is not the one that was recorded",
            {"recorded sha256": recorded, "found sha256": found},
        )


def _check_medium(chosen: Chosen, progress: Progress) -> None:
    media = chosen.media
    recorded, sha256 = media.get("pieces"), media.get("sha256")
    if isinstance(recorded, dict):
        size, root = pieces.read_fields(recorded)
        tree = _stored_tree(chosen, size, root, progress)
        found, lost = _read(chosen, (), tree, progress)
        if (found.size, found.pieces.root) == (size, root):
            return
        details = {"recorded root": root.hex(), "found root": found.pieces.root.hex()}
        ranges = pieces.locate(tree, found.pieces) if tree else []
    elif isinstance(sha256, str):
        found, lost = _read(chosen, ("sha256",), None, progress)
        size = media["size"] if isinstance(media.get("size"), int) else found.size
        if found.digests["sha256"] == sha256:
            return
        details = {"recorded sha256": sha256, "found sha256": found.digests["sha256"]}
        ranges = []
    else:
        raise _undecided(chosen)
    if size != found.size:
        details |= {"recorded length": f"{size:,} bytes", "found length": f"{found.size:,} bytes"}
    if lost:
        details["cannot be read"] = _places(lost)
    where = f"; it differs within bytes {_places(ranges)}" if ranges else ""
    ref = chosen.target.acquisition
    raise _failed(chosen, f"the image of `{ref}` is not what was acquired{where}", details)


def _stored_tree(
    chosen: Chosen, size: int, root: bytes, progress: Progress
) -> pieces.PieceTree | None:
    """Return the pieces file when it is the recorded one; without it damage cannot be located."""
    if chosen.pieces is None:
        return None
    try:
        tree = read_pieces(chosen.pieces)
    except InputError as error:
        progress.warn(f"the pieces file cannot be used: {error.message}")
        return None
    if (tree.size, tree.root) == (size, root):
        return tree
    progress.warn("the pieces file is not the recorded one; the image is compared with the record")
    return None


def _read(
    chosen: Chosen, names: tuple[str, ...], tree: pieces.PieceTree | None, progress: Progress
) -> tuple[engine.Outcome, list[tuple[int, int]]]:
    """Read the medium once; return what it gave and the ranges that could not be read."""
    with _reader(chosen.target.paths) as (reader, size):
        progress.begin(_TASK, size)
        found = engine.read_all(
            reader,
            engine.Order(
                names=names,
                block_nodes=tree is not None and tree.block_nodes is not None,
                on_bytes=lambda done: progress.update(_TASK, done),
                expected=size,
            ),
        )
        progress.end(_TASK, found.size)
        return found, reader.gaps


@contextlib.contextmanager
def _reader(paths: Sequence[bytes]) -> Iterator[tuple[ImageReader | MediumReader, int]]:
    with open_image(paths[0], list(paths)) as image:
        if image.format != "raw" or not hasattr(os, "preadv"):
            yield ImageReader(image), image.size
            return
    try:
        descriptor = open_quietly(paths[0])
    except OSError as error:
        raise InputError(f"cannot read `{escape_bytes(paths[0])}`: {error.strerror}") from error
    opened = Opened(descriptor=descriptor, facts=describe(paths[0], descriptor), direct=False)
    reader = MediumReader(opened)
    try:
        yield reader, opened.facts.size or 0
    finally:
        reader.close()
        opened.close()


def _places(ranges: Sequence[tuple[int, int]]) -> str:
    """Return ranges in words, the first ones; both ends are inside."""
    shown = [f"{start:,} to {start + length - 1:,}" for start, length in ranges[:_SHOWN]]
    if len(ranges) > _SHOWN:
        shown.append(f"{len(ranges) - _SHOWN:,} more places")
    return ", ".join(shown)


def _failed(chosen: Chosen, text: str, details: dict[str, str] | None = None) -> CheckFailedError:
    ref = chosen.target.acquisition
    return CheckFailedError(
        f"{text}; {_NOTHING}",
        hint=f"put it on record with `evkit verify {ref} --record`, and go on from another copy",
        details=details,
    )


def _undecided(chosen: Chosen) -> UndecidedError:
    return UndecidedError(
        f"no digest of the content of `{chosen.target.acquisition}` is recorded to compare with; "
        f"{_NOTHING}",
        hint="list it without a record: `evkit inventory run PATH`",
    )
