"""The image of an acquisition as its end recorded it: its files, pieces, unread ranges, digests."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import mapfile
from evkit.actions.acquire_where import Files, Where
from evkit.actions.meant import path_hint
from evkit.core.errors import CaseError, CheckFailedError, InputError, UndecidedError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes
from evkit.hashing import piecefile, pieces
from evkit.hashing.digests import ALGORITHMS
from evkit.manifest import contents
from evkit.manifest.facts import ENDS, facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.core.ranges import Range
    from evkit.core.refs import Ref
    from evkit.hashing.pieces import PieceTree
    from evkit.ledger.event import Event
    from evkit.manifest.contents import Acquisition
    from evkit.station import Station

_MAP_ROLE = "map"
_STARTS = frozenset({"acquire-start", "intake-start"})


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An image on record, with its files at hand.

    Attributes:
        ref: the acquisition.
        acquisition: its first end.
        event: the same, as signed.
        start: its start, as signed, None when it has none.
        files: all files of the image, in order.
        digests: recorded digests of the medium by name.
        size: recorded bytes of the medium.
        tree: its recorded pieces, None when the pieces file is not here.
        unread: ranges that were not read when it was made.
        remarks: what is not known of them.
    """

    ref: Ref
    acquisition: Acquisition
    event: Event
    start: Event | None
    files: tuple[bytes, ...]
    digests: Mapping[str, str]
    size: int
    tree: PieceTree | None
    unread: tuple[Range, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def start_fields(self) -> Mapping[str, Any]:
        """Fields of the start."""
        return {} if self.start is None else self.start.fields

    def fields(self) -> dict[str, Any]:
        """Return what a derived acquisition says of it."""
        media = self.acquisition.row.get("media")
        return {
            "acquisition": str(self.ref),
            "entry": int(self.acquisition.row["entry"]),
            "media": dict(media) if isinstance(media, dict) else {},
        }


def find(station: Station, ref: Ref) -> Recorded:
    """Return the image of an acquisition.

    Raises:
        CaseError: there is none, or its files are not here.
        CheckFailedError: the pieces file is not the recorded one.
        UndecidedError: no digest of the medium is on record.
    """
    event, acquisition = first_end_event(station, ref)
    media = acquisition.row.get("media")
    media = media if isinstance(media, dict) else {}
    digests = {name: str(media[name]) for name in ALGORITHMS if isinstance(media.get(name), str)}
    size = media.get("size")
    if not digests or type(size) is not int:
        raise UndecidedError(
            f"no digest of a medium is recorded for `{ref}`",
            hint="it is not an image, or it was not made to its end",
        )
    files = Where(station).files(str(ref))
    images = [files.path_of(part.name) for part in acquisition.of_role(*contents.CONTENT_ROLES)]
    here = tuple(path for path in images if path is not None and os.path.isfile(path))
    if not here or len(here) < len(images):
        raise CaseError(
            f"the image of `{ref}` is not here",
            hint=escape(files.away)
            or "bring back its files; name what was digested in place by its path",
        )
    tree = None
    if isinstance(media.get("pieces"), dict) and acquisition.of_role(contents.PIECES_ROLE):
        try:
            tree = recorded_tree(files, acquisition, pieces.read_fields(media["pieces"]))
        except UndecidedError:
            tree = None
    unread, remarks = unread_of(files, acquisition)
    return Recorded(
        ref=ref,
        acquisition=acquisition,
        event=event,
        start=_start_of(station, ref),
        files=here,
        digests=digests,
        size=size,
        tree=tree,
        unread=unread,
        remarks=tuple(remarks),
    )


def _start_of(station: Station, ref: Ref) -> Event | None:
    for _, event, _ in station.events(ref.case):
        if event.kind in _STARTS and str(ref) in event.acquisitions:
            return event
    return None


def first_end(station: Station, ref: Ref) -> Acquisition:
    """Return the first end of an acquisition: later ones and corrections do not change data.

    Raises:
        CaseError: it has none.
    """
    return first_end_event(station, ref)[1]


def first_end_event(station: Station, ref: Ref) -> tuple[Event, Acquisition]:
    """Return the first end of an acquisition as signed, and what it says of the data."""
    for entry in station.events(ref.case):
        event = entry[1]
        if event.kind in ENDS and str(ref) in event.acquisitions:
            found = contents.acquisitions(facts([entry])).get(str(ref))
            if found is not None:
                return event, found
    raise CaseError(
        f"`{ref}` has no end on record",
        hint=path_hint(str(ref)) or "`evkit exhibit show` lists the acquisitions of an exhibit",
    )


def recorded_tree(files: Files, acquisition: Acquisition, recorded: tuple[int, bytes]) -> PieceTree:
    """Read the pieces file; only the recorded tree is compared, never another.

    Raises:
        CheckFailedError: it is another one.
        UndecidedError: it is not here, or cannot be read now.
    """
    listed = acquisition.of_role(contents.PIECES_ROLE)
    path = files.path_of(listed[0].name) if listed else None
    if path is None or not os.path.isfile(path):
        raise UndecidedError(
            f"the pieces file of `{files.ref}` is not here",
            hint="bring its folder back from a copy, or compare the images by their paths",
        )
    size, root = recorded
    try:
        tree = piecefile.read_pieces(path)
    except InputError as error:
        if isinstance(error.__cause__, OSError):
            raise UndecidedError(
                f"the pieces file of `{files.ref}` cannot be read now: {error.message}",
                hint="bring it back from a copy, or compare the images by their paths",
            ) from error
        raise CheckFailedError(
            f"the pieces file of `{files.ref}` is not the one that was recorded",
            details={"file": escape_bytes(path), "because": error.message},
        ) from error
    if (tree.size, tree.root) != recorded:
        raise CheckFailedError(
            f"the pieces file of `{files.ref}` is not the one that was recorded",
            details={
                "file": escape_bytes(path),
                "recorded": f"{size:,} bytes, root {root.hex()}",
                "found": f"{tree.size:,} bytes, root {tree.root.hex()}",
            },
        )
    return tree


def unread_of(
    files: Files, acquisition: Acquisition
) -> tuple[tuple[tuple[int, int], ...], list[str]]:
    """Return the ranges that could not be read, and what is not known of them."""
    said = acquisition.row.get("unread")
    said = said if isinstance(said, dict) else {}
    first = said.get("first") if isinstance(said.get("first"), list) else []
    ranges = tuple((row[0], row[1]) for row in first or [] if _is_range(row))
    if not said or said.get("ranges") == len(ranges):
        return ranges, []
    for part in acquisition.of_role(_MAP_ROLE):
        try:
            data = read_file(files.path_of(part.name) or b"", mapfile.MAX_BYTES)
            if hashlib.sha256(data).hexdigest() == part.sha256:
                return tuple(mapfile.parse(data).ranges(*mapfile.UNREAD)), []
        except InputError:
            continue
    return ranges, ["not all places that could not be read are known here: their map is missing"]


def _is_range(row: object) -> bool:
    return isinstance(row, list) and len(row) == 2 and all(type(number) is int for number in row)  # noqa: PLR2004 - offset, length
