"""Work journals: what long work writes beside its results until it is recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.acquire.journal import NAME
from evkit.station import layout

if TYPE_CHECKING:
    from evkit.station.layout import Layout

_DEPTH = 3  # case, exhibit, acquisition


def journals(place: Layout) -> list[bytes]:
    """Return the paths of all journals below `cases/`, sorted."""
    found = []
    top = place.path(layout.CASES)
    for folder, folders, names in os.walk(top):
        folders.sort()
        depth = 0 if folder == top else os.path.relpath(folder, top).count(b"/") + 1
        if depth >= _DEPTH:
            folders.clear()
        found += [os.path.join(folder, NAME)] if NAME in names else []
    return found
