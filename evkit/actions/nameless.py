"""What taking in says of sensitive material: counts and reasons without the names of files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from evkit.actions.sensitive import exhibit_is_sensitive
from evkit.inventory.mask import SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.intake_job import Taken
    from evkit.station import Station

_FIRST = ("first_not_there", "first_not_entered")


def without_names(station: Station, ref: str, taken: Taken) -> None:
    """Take the names of files out of what an event and its report will say.

    Args:
        station: where the exhibit is registered.
        ref: the acquisition.
        taken: changed in place when the exhibit holds sensitive material.
    """
    if not exhibit_is_sensitive(station, None, ref):
        return
    taken.changed = [f"{SENSITIVE}: {text.rpartition(': ')[2]}" for text in taken.changed]
    if taken.table is not None and taken.table.shown:
        shown = tuple({**one, "name": SENSITIVE} for one in taken.table.shown)
        taken.table = dataclasses.replace(taken.table, shown=shown)


def selection_without_names(
    station: Station, ref: str, selection: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is said of a list of wanted files, without the names in it when it must be."""
    if not exhibit_is_sensitive(station, None, ref):
        return dict(selection)
    return {name: value for name, value in selection.items() if name not in _FIRST}
