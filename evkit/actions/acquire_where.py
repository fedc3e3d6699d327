"""Where the files of acquisitions are now: in the station, or on a medium that is here.

A medium is known by the UUID of its file system, a registered one also by its serial number, and
may be mounted anywhere. One that is away is *not here*: that is never a failure of its files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import volumes
from evkit.actions import gear
from evkit.actions.copy_record import FAILED, GIVEN, Copy, Recorded, recorded
from evkit.core.errors import InputError, UsageError
from evkit.core.refs import parse_ref
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.volumes import Volume
    from evkit.custody.replay import Replay
    from evkit.custody.state import Medium
    from evkit.station import Station

_STATION = "station"  # `--copy station`
_PARTS = 3  # case, exhibit, acquisition: the end of the path of every copy


@dataclass(frozen=True, kw_only=True)
class Place:
    """A copy and where it is now.

    Attributes:
        copy: as recorded.
        folder: where its files are now, None when they are not here.
        points: where its medium is mounted now.
        plugged_in: its medium is there and not mounted.
        known: whether the medium could be told from others; False where only the path says it.
        missing: files of the image that are not in `folder`.
    """

    copy: Copy
    folder: bytes | None = None
    points: tuple[bytes, ...] = ()
    plugged_in: bool = False
    known: bool = True
    missing: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all files of the image are here."""
        return self.folder is not None and not self.missing

    @property
    def state(self) -> str:
        """`here`, `incomplete` or `not-here`."""
        if self.folder is None:
            return "not-here"
        return "incomplete" if self.missing else "here"

    @property
    def words(self) -> str:
        """Where it is, or what to fetch, as text that is escaped."""
        on = escape(self.copy.on)
        if self.folder is not None:
            text = f"here: `{escape_bytes(self.folder)}`"
            count = len(self.missing)
            return text + (f", {count} of its files missing" if count else "")
        if self.points:
            shown = escape_bytes(self.points[0])
            return f"not here: {on} is mounted at `{shown}`, its folder is not on it"
        if self.plugged_in:
            return f"not here: {on} is plugged in and not mounted"
        return "not here" if self.copy.station else f"not here: {on}"

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found: dict[str, Any] = {**self.copy.document(), "now": self.state}
        if self.folder is not None:
            found["here"] = escape_bytes(self.folder)
            found["medium_recognised"] = self.known
        if self.points:
            found["mounted"] = [escape_bytes(point) for point in self.points]
        if self.missing:
            found["missing"] = list(self.missing)
        if self.plugged_in:
            found["plugged_in"] = True
        return found


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where the files of one acquisition are read: what was chosen among its copies.

    Attributes:
        ref: the acquisition.
        home: its folder in the station, for everything but the image.
        place: the copy whose image is read, None when none is here.
        places: all copies.
        images: names of the files of the image.
    """

    ref: str
    home: bytes
    place: Place | None
    places: tuple[Place, ...]
    images: frozenset[str]

    def folder_of(self, name: str) -> bytes | None:
        """Return the folder in which a file of the acquisition is to be read."""
        chosen = self.place.folder if self.place is not None else None
        if name in self.images:
            return chosen
        if chosen is None or os.path.lexists(_join(self.home, name)):
            return self.home
        return chosen if os.path.lexists(_join(chosen, name)) else self.home

    def path_of(self, name: str) -> bytes | None:
        """Return the path of a file, whether it is there or not; None when its copy is away.

        Raises:
            InputError: the name leads out of the folder.
        """
        if any(part in {"", ".", ".."} for part in name.split("/")):
            raise InputError(f"`{escape(name)}` is not a name inside an acquisition")
        folder = self.folder_of(name)
        return None if folder is None else _join(folder, name)

    @property
    def away(self) -> str:
        """Say which media to fetch, as text that is not escaped; empty when an image is here."""
        if not self.images or self.place is not None:
            return ""
        media = dict.fromkeys(place.copy.on for place in self.places if place.copy.state != GIVEN)
        return "not here: " + " or ".join(media)

    @property
    def outside(self) -> bool:
        """Whether the image is read from another place than the station's own folder."""
        return self.place is not None and bool(self.images) and not self.place.copy.station


class Where:
    """Finds copies; what is mounted is looked at once.

    Args:
        station: whose acquisitions they are.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._volumes: tuple[Volume, ...] | None = None
        self._media: dict[str, Medium] | None = None
        self._cases: dict[str, dict[str, Recorded]] = {}

    def recorded(self, case: str) -> dict[str, Recorded]:
        """Return what the ledger says of the acquisitions of a case."""
        if case not in self._cases:
            self._cases[case] = recorded(self._station.state(case))
        return self._cases[case]

    def places(self, known: Recorded) -> tuple[Place, ...]:
        """Return every copy of an acquisition with where it is now; the station's own first."""
        found = [self.place(known.ref, copy, known.images) for copy in known.copies]
        return tuple(sorted(found, key=lambda place: not place.copy.station))

    def files(self, ref: str, wanted: str | None = None) -> Files:
        """Choose the copy of an acquisition that is read.

        Args:
            ref: the acquisition.
            wanted: name of a copy, or label, serial number or UUID of its medium; None for the
                first that is here, whole before incomplete.
        """
        known = self.recorded(ref.partition("/")[0]).get(ref) or Recorded(ref=ref)
        places = self.places(known)
        right = [place for place in places if wanted is None or _is(place.copy, wanted)]
        here = [place for place in right if place.folder is not None]
        whole = [place for place in here if place.whole]
        home = self._station.folder(parse_ref(ref))
        return Files(
            ref=ref,
            home=home,
            place=next(iter(whole or here), None),
            places=tuple(right),
            images=frozenset(known.images),
        )

    def place(self, ref: str, copy: Copy, images: Sequence[str]) -> Place:
        """Say where a copy is now."""
        if copy.station or copy.folder == self._station.folder(parse_ref(ref)):
            home = self._station.folder(parse_ref(ref))
            return _seen(copy, home if os.path.isdir(home) else None, images)
        then = copy.folder
        if then is not None and not _is_own(then, ref):
            then = None  # evkit puts no copy there
        uuid, serial = self._told_apart(copy)
        found = [volume for volume in self.volumes if volume.has(uuid, serial)]
        points = tuple(volume.point for volume in found)
        for volume in found:
            for folder in _candidates(volume.point, then, ref):
                if os.path.isdir(folder) and _lies_on(folder, uuid):
                    return _seen(copy, folder, images, points=points)
        if then is not None and os.path.isdir(then) and _lies_on(then, uuid):
            known = uuid is not None and volumes.uuid_of(then) is not None
            return _seen(copy, then, images, points=points, known=known)
        plugged = not points and uuid is not None and volumes.is_plugged_in(uuid)
        return Place(copy=copy, points=points, plugged_in=plugged)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """What is mounted."""
        if self._volumes is None:
            self._volumes = volumes.mounted()
        return self._volumes

    def _told_apart(self, copy: Copy) -> tuple[str | None, str | None]:
        """Return UUID and serial number by which the medium of a copy is recognised."""
        if copy.volume is not None:
            return copy.volume, copy.serial
        if self._media is None:
            self._media = gear.known(self._station).media
        medium = self._media.get((copy.medium or "").casefold())
        fields = medium.fields if medium is not None else {}
        if medium is None and copy.serial is not None:
            alike = (one for one in self._media.values() if _has_serial(one, copy.serial))
            fields = next((one.fields for one in alike), {})
        uuid, serial = fields.get("file_system_uuid"), copy.serial or fields.get("serial")
        return (str(uuid) if uuid else None), (str(serial) if serial else None)


def folders(station: Station, ref: str) -> list[tuple[str, bytes]]:
    """Return name and folder of every copy of an acquisition that is here; the station's first."""
    where = Where(station)
    known = where.recorded(ref.partition("/")[0]).get(ref)
    places = where.places(known) if known is not None else ()
    return [(place.copy.name, place.folder) for place in places if place.folder is not None]


def away(station: Station, replayed: Replay) -> list[str]:
    """Return the acquisitions of open cases whose image is not here, because its media are away."""
    where = Where(station)
    found = []
    for known in recorded(replayed).values():
        case = replayed.state.cases.get(known.ref.partition("/")[0])
        if case is None or not case.open or not known.images or not known.outside:
            continue
        own = (copy for copy in known.copies if copy.state not in {GIVEN, FAILED})
        if not any(where.place(known.ref, copy, ()).folder for copy in own):
            found.append(known.ref)
    return found


def need_copy(where: Where, refs: Sequence[str], wanted: str) -> None:
    """Look whether a copy that was asked for is on record for one of the acquisitions.

    Raises:
        UsageError: none of them has such a copy.
    """
    names: dict[str, None] = {}
    for ref in refs:
        known = where.recorded(ref.partition("/")[0]).get(ref)
        for copy in known.copies if known is not None else ():
            if _is(copy, wanted):
                return
            names.update(dict.fromkeys(filter(None, (copy.name, copy.medium))))
    raise UsageError(
        f"no copy `{escape(wanted)}` is on record",
        hint="there are " + ", ".join(f"`{escape(name)}`" for name in names)
        if names
        else "`evkit copy list` shows what there is",
    )


def _is(copy: Copy, wanted: str) -> bool:
    marks = (copy.name, copy.medium, copy.serial, copy.volume, _STATION if copy.station else None)
    return any(mark is not None and volumes.same(mark, wanted) for mark in marks)


def _has_serial(medium: Medium, serial: str) -> bool:
    return volumes.same(str(medium.fields.get("serial", "")), serial)


def _is_own(folder: bytes, ref: str) -> bool:
    """Say whether evkit can have written that this is the folder of a copy."""
    parts = folder.split(b"/")
    straight = os.path.isabs(folder) and not {b"..", b"."} & set(parts)
    return straight and parts[-_PARTS:] == ref.encode().split(b"/")


def _candidates(point: bytes, folder: bytes | None, ref: str) -> list[bytes]:
    """Return where a copy may lie on its medium: the recorded path without its first parts.

    The medium may be mounted in another place now; at the end of the path stands the acquisition.
    """
    parts = [part for part in (folder or b"").split(b"/") if part] or ref.encode().split(b"/")
    return [os.path.join(point, *parts[start:]) for start in range(max(1, len(parts) - _PARTS + 1))]


def _lies_on(folder: bytes, uuid: str | None) -> bool:
    """Say whether a folder is on that file system, as far as the system tells."""
    found = volumes.uuid_of(folder)
    return uuid is None or found is None or volumes.same(found, uuid)


def _seen(
    copy: Copy,
    folder: bytes | None,
    images: Sequence[str],
    *,
    points: tuple[bytes, ...] = (),
    known: bool = True,
) -> Place:
    missing: tuple[str, ...] = ()
    if folder is not None:
        missing = tuple(name for name in images if not os.path.isfile(_join(folder, name)))
    return Place(copy=copy, folder=folder, points=points, known=known, missing=missing)


def _join(folder: bytes, name: str) -> bytes:
    return os.path.join(folder, *(os.fsencode(part) for part in name.split("/")))
