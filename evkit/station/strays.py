"""Files of a station that no entry of its ledger names: what may have been put into a backup."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from evkit.core.errors import EvkitError, InputError
from evkit.core.limits import read_file
from evkit.core.refs import parse_ref
from evkit.manifest import contents, facts, filelist
from evkit.station import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.manifest.contents import Acquisition
    from evkit.station.station import Station

_MAX_LIST = 1 << 30


def unknown_files(station: Station) -> list[bytes]:
    """Return the files below `cases/` and `trust/roots/` that no entry names, sorted, relative."""
    try:
        known = set(_known(station))
    except InputError:  # then nothing is known, and everything is named
        known = set()
    found = []
    for top in (layout.CASES, layout.OTHER_ROOTS):
        for folder, _, names in os.walk(station.place.path(top)):
            paths = (os.path.join(folder, name) for name in names)
            found += [path for path in paths if path not in known]
    return sorted(os.path.relpath(path, station.place.home) for path in found)


def _known(station: Station) -> Iterator[bytes]:
    made = facts.facts(list(station.events()))
    for ref, acquisition in contents.acquisitions(made).items():
        folder = station.folder(parse_ref(ref))
        for artifact in acquisition.artifacts:
            yield _join(folder, artifact.name)
        for name in _listed(acquisition, folder):
            yield _join(folder, name)
    for ref, row in contents.inventories(made).items():
        database = row.get("database")
        if isinstance(database, dict):
            yield _join(station.folder(parse_ref(ref)), str(database.get("name")))


def _listed(acquisition: Acquisition, folder: bytes) -> list[str]:
    """Return the names in the lists of taken-in files that are the recorded ones."""
    names: list[str] = []
    for artifact in acquisition.of_role(contents.LIST_ROLE) if acquisition.is_list else []:
        try:
            data = read_file(_join(folder, artifact.name), _MAX_LIST)
            if hashlib.sha256(data).hexdigest() == artifact.sha256:
                names += [row.name for row in filelist.read_list(data) if row.name is not None]
        except (EvkitError, OSError):
            continue
    return names


def _join(folder: bytes, name: str) -> bytes:
    return os.path.join(folder, *(part.encode("utf-8") for part in name.split("/")))
