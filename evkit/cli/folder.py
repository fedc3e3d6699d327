"""Which folder is the station: as named, else the nearest one upwards."""

from __future__ import annotations

import os
import shlex

from evkit.core.errors import CaseError
from evkit.core.text import escape

_CONFIG = "station.toml"


def find(chosen: str | None) -> str:
    """Return the station's folder.

    Args:
        chosen: by option or environment, None when neither says it.

    Raises:
        CaseError: there is none.
    """
    if chosen:
        return chosen
    folder = os.path.abspath(".")
    while not os.path.isfile(os.path.join(folder, _CONFIG)):
        parent = os.path.dirname(folder)
        if parent == folder:
            raise CaseError("no station here or in a folder above", hint=_where_to_look())
        folder = parent
    return folder


def _where_to_look() -> str:
    """Say how a station is named, or made; one that was just made often lies right below."""
    try:
        with os.scandir(".") as entries:
            below = [entry.name for entry in entries if _is_station(entry)]
    except OSError:
        below = []
    if len(below) == 1:
        folder = escape(shlex.quote(below[0]))
        return (
            f"there is one in `{folder}`: `export EVKIT_STATION={folder}`, or `--station {folder}`"
        )
    return (
        "make one with `evkit station init DIR --name … --agency …`, "
        "or name one with `--station DIR`"
    )


def _is_station(entry: os.DirEntry[str]) -> bool:
    return os.path.isfile(os.path.join(entry.path, _CONFIG))
