"""The marks of an inventory that count: in a station the last ones on record, as recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.actions.inventory_files import events_about
from evkit.actions.sensitive import in_station
from evkit.core.errors import CheckFailedError, InputError
from evkit.core.text import escape_bytes
from evkit.hashing.digests import digest_file
from evkit.inventory.hashsets.marks import Marks, marks_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.custody.replay import Replay
    from evkit.ledger.event import Event
    from evkit.station import Station


def marks_of(
    database: bytes, station: Station | None = None, replayed: Replay | None = None
) -> Marks | None:
    """Return the newest marks of an inventory file, None when it has none.

    Args:
        database: a path; one inside a station is that of its acquisition, and only marks that an
            event records count there.
        station: the station, when it is open already.
        replayed: its case, or everything, when that is known already.

    Raises:
        CheckFailedError: the marks file is not the recorded one.
        InputError: it is damaged, missing, or of another inventory.
    """
    path = os.path.realpath(database)
    with in_station(path, station) as (found, acquisition):
        if found is None or acquisition is None:
            return marks_for(path)
        events = events_about(found, "marks", acquisition, replayed if found is station else None)
        recorded = _recorded(events, os.fsdecode(os.path.basename(path)))
    if recorded is None:
        return None
    name, expected, root = recorded
    file = os.path.join(os.path.dirname(path), os.fsencode(name))
    marks = Marks.open(file)
    digest = digest_file(file, ("sha256",))[1]["sha256"]
    if digest != expected or not marks.fits(root):
        raise CheckFailedError(
            f"`{escape_bytes(file)}` does not hold the marks that were recorded",
            hint=f"make new ones with `evkit inventory mark {acquisition}`",
            details={"expected": f"sha256:{expected}", "found": f"sha256:{digest}"},
        )
    return marks


def _recorded(events: Iterable[tuple[int, Event]], database: str) -> tuple[str, str, str] | None:
    """Return name and SHA-256 of the last recorded marks file, and the root of the inventory."""
    last = None
    for _, event in events:
        inventory, file = event.fields.get("inventory"), event.fields.get("file")
        if not isinstance(inventory, dict) or not isinstance(file, dict):
            continue
        values = file.get("name"), file.get("sha256"), inventory.get("row_root")
        if inventory.get("name") == database and all(isinstance(part, str) for part in values):
            last = (str(values[0]), str(values[1]), str(values[2]))
    if last is not None and "/" in last[0]:
        raise InputError("the record of the marks names a file in another folder")
    return last
