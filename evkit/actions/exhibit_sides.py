"""The two contents that `evkit exhibit compare` holds against each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine
from evkit.acquire.reading import ImageReader
from evkit.actions.acquire_where import Where
from evkit.actions.meant import names_ref, need_case_of, path_hint
from evkit.actions.recorded_image import first_end, recorded_tree, unread_of
from evkit.core.errors import InputError, UndecidedError, UsageError
from evkit.core.ranges import total
from evkit.core.refs import Ref, parse_ref
from evkit.core.text import escape, escape_bytes
from evkit.hashing import piecefile, pieces
from evkit.images.opening import find_files, open_image
from evkit.manifest import contents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.core.progress import Progress
    from evkit.hashing.pieces import PieceTree
    from evkit.station import Station

_TASK = "compare"
_HEAD = len(piecefile.MAGIC)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One content.

    Attributes:
        name: short, for sentences: `A1`, or the name of a file.
        label: in full.
        tree: its piece tree.
        entry: the entry whose record the tree was checked against; None for a file.
        unread: (offset, length) of what could not be read when it was made, or now.
        lost: bytes among them of an image that could not be read now.
        paths: files of the image when all of them are here.
        remarks: what a reader of the comparison must know.
    """

    name: str
    label: str
    tree: PieceTree
    entry: int | None = None
    unread: tuple[tuple[int, int], ...] = ()
    lost: int = 0
    paths: tuple[bytes, ...] = ()
    remarks: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "what": self.label,
            "name": self.name,
            **self.tree.fields(),
            "checked_against_entry": self.entry,
            "unread_bytes": sum(length for _, length in self.unread),
        }


def read_sides(
    names: Sequence[str], open_station: Callable[[], Station], progress: Progress
) -> list[Side]:
    """Find what was named: acquisitions, pieces files, images.

    Raises:
        CaseError: no such acquisition.
        CheckFailedError: a pieces file is not the recorded one.
        UndecidedError: there is nothing to compare.
        InputError: a file cannot be read.
    """
    refs = [parse_ref(name) if names_ref(name, open_station) else None for name in names]
    exhibits = {ref.of_case() if ref.exhibit is None else ref.of_exhibit() for ref in refs if ref}
    short = len(exhibits) == 1 and None not in refs
    sides = []
    for name, ref in zip(names, refs, strict=True):
        if ref is None:
            sides.append(_of_path(os.fsencode(name), progress))
        else:
            with open_station() as station:
                sides.append(_of_ref(station, ref, short=short))
    return sides


def _of_ref(station: Station, ref: Ref, *, short: bool) -> Side:
    need_case_of(str(ref), station)
    if ref.acquisition is None:
        raise UsageError(
            f"`{ref}` is no acquisition; acquisitions are compared",
            hint=path_hint(str(ref)) or f"name one, such as `{ref.of_exhibit()}/A1`",
        )
    acquisition = first_end(station, ref)
    files = Where(station).files(str(ref))
    media = acquisition.row.get("media")
    recorded = media.get("pieces") if isinstance(media, dict) else None
    if not isinstance(recorded, dict):
        raise UndecidedError(
            f"no piece tree of `{ref}` is recorded, so that it cannot be compared",
            hint="files that were taken in are compared with `evkit audit`",
        )
    tree = recorded_tree(files, acquisition, pieces.read_fields(recorded))
    unread, remarks = unread_of(files, acquisition)
    images = [files.path_of(part.name) for part in acquisition.of_role(*contents.CONTENT_ROLES)]
    here = [path for path in images if path is not None and os.path.isfile(path)]
    if files.away:
        remarks = [*remarks, f"its image is {files.away}"]
    elif files.outside and files.place is not None:
        remarks = [*remarks, f"its image is that of the {files.place.copy.words}"]
    return Side(
        name=str(ref.acquisition) if short else str(ref),
        label=str(ref),
        tree=tree,
        entry=int(acquisition.row["entry"]),
        unread=unread,
        paths=tuple(here) if len(here) == len(images) else (),
        remarks=tuple(f"{ref}: {escape(text)}" for text in remarks),
    )


def _of_path(path: bytes, progress: Progress) -> Side:
    """Read a pieces file, or the medium of an image whole."""
    shown = escape_bytes(path)
    try:
        with open(path, "rb") as opened:
            head = opened.read(_HEAD)
    except OSError as error:
        raise InputError(
            f"cannot read `{shown}`: {error.strerror or error}",
            hint="name two of CASE/E1/A1, a pieces file (`image.raw.pieces`), an image",
        ) from error
    name = escape_bytes(os.path.basename(path))
    if head == piecefile.MAGIC:
        tree = piecefile.read_pieces(path)
        return Side(
            name=name,
            label=shown,
            tree=tree,
            remarks=(f"{shown}: a pieces file by itself; no record says what it is of",),
        )
    files = find_files(path)[1]
    with open_image(path) as image:
        reader = ImageReader(image)
        progress.begin(_TASK, image.size)
        found = engine.read_all(
            reader,
            engine.Order(
                block_nodes=True,
                on_bytes=lambda done: progress.update(_TASK, done),
                expected=image.size,
            ),
        )
        progress.end(_TASK, found.size)
        unread = (*reader.gaps, *image.declared_gaps)
    return Side(
        name=name,
        label=shown,
        tree=found.pieces,
        unread=tuple(sorted(unread)),
        lost=total(reader.gaps),
        paths=tuple(files),
    )
