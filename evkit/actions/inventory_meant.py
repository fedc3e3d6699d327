"""Which inventory is meant by a reference or a path."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from evkit.actions.custody import require_exhibit
from evkit.actions.inventory_files import inventories, on_record
from evkit.core.errors import CaseError, InputError, UsageError
from evkit.core.refs import Ref, parse_ref
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.actions.inventory_files import OnRecord
    from evkit.custody.replay import Replay
    from evkit.station import Station

_SQLITE = b"SQLite format 3\x00"


def exhibit_ref(what: str, hint: str | None = None) -> Ref:
    """Read a reference to an exhibit or one of its acquisitions.

    Args:
        what: as it was typed.
        hint: what else may have been meant.

    Raises:
        UsageError: it is a case, or no reference.
    """
    ref = parse_ref(what)
    if ref.exhibit is None:
        raise UsageError(f"`{ref}` is a case", hint=hint or f"name an exhibit, such as `{ref}/E1`")
    return ref


def of_path(what: str) -> bytes:
    """Return the inventory file that a path names, or that lies beside what it names.

    Raises:
        InputError: it is no inventory, and none lies beside it.
    """
    path = os.path.abspath(os.fsencode(what))
    beside = path + b".inventory.db"
    if os.path.isfile(beside) and not _is_sqlite(path):
        return beside
    if not os.path.exists(path):
        raise InputError(
            f"`{escape_bytes(path)}` does not exist",
            hint="check the name; `evkit inventory run` makes an inventory",
        )
    if not _is_sqlite(path):
        command = ("evkit", "inventory", "run", escape(what), "-o", escape_bytes(beside))
        raise InputError(
            f"`{escape_bytes(path)}` is no inventory and has none beside it",
            hint=f"make one with `{shlex.join(command)}`",
        )
    return path


def _is_sqlite(path: bytes) -> bool:
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as handle:
            return handle.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def locate(what: str, *, is_ref: bool, station: Station | None) -> bytes:
    """Return the newest inventory file of an exhibit or an acquisition, or that of a path.

    Raises:
        CaseError: there is no such exhibit, or it has no inventory.
        InputError: the path is no inventory, and none lies beside it.
        UsageError: a case was named.
    """
    if not is_ref:
        return of_path(what)
    if station is None:
        raise UsageError("a reference needs a station")
    ref = exhibit_ref(what)
    replayed = station.state()
    require_exhibit(replayed, str(ref.of_exhibit()))
    for name in reversed(_acquisitions(replayed, ref)):
        found = inventories(station.folder(parse_ref(name)))
        if found:
            return found[-1]
    raise _none(what)


def newest_recorded(station: Station, replayed: Replay, what: str) -> tuple[str, bytes, OnRecord]:
    """Return acquisition, path and record of the newest inventory that is on record.

    Raises:
        CaseError: there is none, or its file is not here.
        UsageError: a case was named.
    """
    ref = exhibit_ref(what)
    require_exhibit(replayed, str(ref.of_exhibit()))
    for name in reversed(_acquisitions(replayed, ref)):
        known = [item for item in on_record(station, name) if item.sha256]
        if not known:
            continue
        folder = station.folder(parse_ref(name))
        path = os.path.join(folder, os.fsencode(known[-1].name))
        if path not in inventories(folder):
            raise CaseError(f"the inventory of `{name}` is not here: `{escape_bytes(path)}`")
        return name, path, known[-1]
    raise _none(what, "recorded inventory")


def _acquisitions(replayed: Replay, ref: Ref) -> list[str]:
    if ref.acquisition:
        return [str(ref)]
    exhibit = replayed.state.exhibit(str(ref.of_exhibit()))
    return list(exhibit.acquisitions) if exhibit is not None else []


def _none(what: str, kind: str = "inventory") -> CaseError:
    return CaseError(
        f"`{escape(what)}` has no {kind}",
        hint=f"make one with `evkit inventory run {escape(what)}`",
    )
