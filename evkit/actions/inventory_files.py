"""The inventory files of acquisitions: where they lie, and which are on record."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.refs import parse_ref
from evkit.manifest import facts
from evkit.station.reading import event_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.custody.replay import Replay
    from evkit.ledger.event import Event
    from evkit.station import Station

_NAME = re.compile(rb"inventory(?:-([1-9][0-9]{0,5}))?\.db")


@dataclass(frozen=True, kw_only=True)
class OnRecord:
    """An inventory that an event of the ledger speaks of.

    Attributes:
        entry: of the ledger.
        name: of the file.
        sha256: of the file, empty when the event does not say it.
        fields: of the event.
    """

    entry: int
    name: str
    sha256: str
    fields: Mapping[str, Any]


def inventories(folder: bytes) -> list[bytes]:
    """Return the inventory files of an acquisition's folder, the oldest first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = [(int(match[1] or 1), name) for name in names if (match := _NAME.fullmatch(name))]
    return [os.path.join(folder, name) for _, name in sorted(found)]


def next_name(folder: bytes) -> bytes:
    """Return the path of the next inventory file of an acquisition's folder."""
    used = {os.path.basename(path) for path in inventories(folder)}
    number, name = 1, b"inventory.db"
    while name in used:
        number += 1
        name = b"inventory-%d.db" % number
    return os.path.join(folder, name)


def events_about(
    station: Station, kind: str, acquisition: str, replayed: Replay | None = None
) -> Iterator[tuple[int, Event]]:
    """Yield (entry, event) of one kind about an acquisition, the oldest first.

    Args:
        station: where it is recorded.
        kind: of the events.
        acquisition: `CASE/E1/A1`.
        replayed: its case, or everything; then the other entries of the case are not read again.
    """
    if replayed is None:
        events = ((n, event) for n, event, _ in station.events(parse_ref(acquisition).case))
    else:
        wanted = [one.index for one in replayed.entries_of(acquisition) if one.kind == kind]
        entries = (one for n in wanted for one in station.entries(n, n + 1))
        events = ((entry.index, event_of(entry)) for entry in entries)
    for index, event in events:
        if event.kind == kind and acquisition in event.acquisitions:
            yield index, event


def on_record(
    station: Station, acquisition: str, replayed: Replay | None = None
) -> Iterator[OnRecord]:
    """Yield the inventories of an acquisition that are on record, as `events_about` does."""
    for index, event in events_about(station, "inventory", acquisition, replayed):
        fields = facts.plain(event.fields)
        database = fields.get("database")
        name = database.get("name") if isinstance(database, dict) else None
        if not isinstance(name, str) or "/" in name:
            continue
        digest = database.get("sha256") if isinstance(database, dict) else None
        sha256 = digest if isinstance(digest, str) else ""
        yield OnRecord(entry=index, name=name, sha256=sha256, fields=fields)
