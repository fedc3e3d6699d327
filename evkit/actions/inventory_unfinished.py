"""Inventories that were begun and have no name yet, for `evkit status`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from evkit.core.durable import PART
from evkit.core.refs import parse_ref
from evkit.inventory.database.partfile import is_held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.custody.replay import Replay
    from evkit.station import Station

WHAT: Final = "inventory"
_NAME = re.compile(rb"inventory(?:-[1-9][0-9]{0,5})?\.db" + re.escape(PART.encode()))


def parts(station: Station, replayed: Replay) -> Iterator[tuple[str, bytes, bool]]:
    """Yield (acquisition, file, whether a process is building it) of unfinished inventories."""
    for case in replayed.state.cases.values():
        for exhibit in case.exhibits.values():
            for ref in exhibit.acquisitions:
                folder = station.folder(parse_ref(ref))
                for name in _names(folder):
                    path = os.path.join(folder, name)
                    yield ref, path, is_held(path)


def _names(folder: bytes) -> list[bytes]:
    try:
        return sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))
    except OSError:
        return []
