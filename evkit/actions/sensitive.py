"""Which inventories are read through a mask, because an exhibit or a file is sensitive material."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from evkit.actions.inventory_files import events_about
from evkit.bundle.material import SENSITIVE_REASON
from evkit.core.errors import EvkitError
from evkit.core.refs import Ref, is_ref, parse_ref
from evkit.custody.sensitive import is_sensitive, origins_elsewhere
from evkit.hashing.digests import digest_file
from evkit.inventory.database.reader import Inventory
from evkit.inventory.hashsets import marks
from evkit.inventory.mask import Mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.custody.replay import Replay
    from evkit.station import Station

REASON = f"{SENSITIVE_REASON}, left out (`--with-sensitive`)"
_CONFIG = b"station.toml"
_DEPTH = 3  # case, exhibit and acquisition below `cases`


def exhibit_is_sensitive(station: Station, replayed: Replay | None, ref: str) -> bool:
    """Say whether names in an exhibit (or in the exhibit of an acquisition) are kept back."""
    state = (replayed or station.state(parse_ref(ref).case)).state
    if is_sensitive(state, ref):
        return True
    return origins_elsewhere(state, ref) and is_sensitive(station.state().state, ref)


def mask_for(
    station: Station, replayed: Replay | None, acquisition: str, database: bytes
) -> Mask | None:
    """Return the mask of an inventory of an acquisition, None when all of it may be shown.

    Args:
        station: where it lies.
        replayed: the case, or everything; None replays the case.
        acquisition: `CASE/E1/A1`.
        database: the inventory file; it may be one that is not recorded yet.

    Raises:
        InputError: its marks are damaged, so that nothing may be shown.
    """
    if exhibit_is_sensitive(station, replayed, acquisition):
        return Mask(everything=True)
    if _marks_are_lost(station, replayed, acquisition, database):
        return Mask(everything=True)
    return _mask_of_marks(database)


def mask_of(
    database: bytes, station: Station | None = None, replayed: Replay | None = None
) -> Mask | None:
    """Return the mask of an inventory file wherever it lies; errors as `mask_for`.

    Args:
        database: a path; one inside a station is that of its acquisition.
        station: the station, when it is open already.
        replayed: its case, or everything, when that is known already.
    """
    path = os.path.realpath(database)
    with in_station(path, station) as (found, acquisition):
        if found is None or acquisition is None:
            return _mask_of_marks(path)
        return mask_for(found, replayed if found is station else None, acquisition, path)


@contextlib.contextmanager
def in_station(path: bytes, station: Station | None) -> Iterator[tuple[Station | None, str | None]]:
    """Find the station and the acquisition that a file lies in; (None, None) outside of any.

    Args:
        path: with links resolved.
        station: the station, when it is open already; another one is opened meanwhile.
    """
    home, acquisition = _place(os.path.dirname(path))
    if acquisition is None:
        yield None, None
    elif station is not None and os.path.realpath(station.place.home) == home:
        yield station, acquisition
    else:
        from evkit.station import Station as Opened

        with Opened.open(home) as found:
            yield found, acquisition


def opened(
    database: bytes, station: Station | None = None, replayed: Replay | None = None
) -> Inventory:
    """Open an inventory for somebody to look at: masked where it must be; as `mask_of`.

    Raises:
        InputError: it is not an inventory, or its marks are damaged.
    """
    return Inventory(database, mask=mask_of(database, station, replayed))


def _place(folder: bytes) -> tuple[bytes, str | None]:
    """Return the station and the acquisition whose folder this is; None for any other folder."""
    parts = folder.split(os.sep.encode())
    home = os.sep.encode().join(parts[: -_DEPTH - 1])
    if len(parts) <= _DEPTH + 1 or parts[-_DEPTH - 1] != b"cases":
        return home, None
    if not os.path.isfile(os.path.join(home, _CONFIG)):
        return home, None
    name = os.fsdecode(b"/".join(parts[-_DEPTH:]))
    try:
        found = parse_ref(name) if is_ref(name) else Ref("x")
    except EvkitError:
        return home, None
    return home, str(found) if found.acquisition else None


def _mask_of_marks(database: bytes) -> Mask | None:
    """Return the mask of all marks of an inventory, the older ones too."""
    hit: set[int] = set()
    root = None
    for path in marks.names(database):
        found = marks.Marks.open(path)
        if root is None:
            with Inventory(database) as inventory:
                root = inventory.meta.get("row_root", "")
        if found.fits(root):
            hit |= set(found.streams(sensitive=True))
    if not hit:
        return None
    with Inventory(database) as inventory:
        return Mask.of_streams(inventory, hit)


def _marks_are_lost(
    station: Station, replayed: Replay | None, acquisition: str, database: bytes
) -> bool:
    """Say whether marks by a set of sensitive material are on record and not here as recorded."""
    name = os.fsdecode(os.path.basename(database))
    for _, event in events_about(station, "marks", acquisition, replayed):
        inventory, file = event.fields.get("inventory"), event.fields.get("file")
        if not isinstance(inventory, dict) or inventory.get("name") != name:
            continue
        if _sensitive(event.fields) and not _is_here(os.path.dirname(database), file):
            return True
    return False


def _sensitive(fields: Mapping[str, object]) -> bool:
    sets = fields.get("sets")
    listed = sets if isinstance(sets, (list, tuple)) else ()
    return any(isinstance(item, dict) and item.get("sensitive") is True for item in listed)


def _is_here(folder: bytes, file: object) -> bool:
    name = file.get("name") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(name, str) or "/" in name:
        return False
    path = os.path.join(folder, os.fsencode(name))
    try:
        return digest_file(path, ("sha256",))[1]["sha256"] == file.get("sha256")
    except OSError:
        return False
