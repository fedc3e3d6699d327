"""Before an inventory is shown: is it the file on record, or does it at least agree with itself?

SHA-256 of the whole file is made in a fraction of the time of its roots and says more, because the
record is signed. Where no entry speaks of the file, rows, roots and keys are compared.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.actions.inventory_files import on_record
from evkit.actions.marks_of import marks_of
from evkit.actions.sensitive import in_station, opened
from evkit.core.errors import CheckFailedError, InputError
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.hashing.digests import digest_file
from evkit.inventory.database.reader import Inventory

if TYPE_CHECKING:
    from evkit.core.progress import Progress
    from evkit.custody.replay import Replay
    from evkit.inventory.hashsets.marks import Marks
    from evkit.station import Station


class Intact(NamedTuple):
    """How an inventory was checked before it was shown.

    Attributes:
        against: `record`, `itself`, or `nothing` when that was not wanted.
        entry: of the ledger that records the file.
    """

    against: str
    entry: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"against": self.against, "entry": self.entry}

    def lines(self) -> list[str]:
        """Say so when it was less than a comparison with the record."""
        return [_SAID[self.against]] if self.against in _SAID else []


RECORD, ITSELF, NOTHING = "record", "itself", "nothing"
_SAID = {
    ITSELF: "checked against itself only: no entry here records this inventory",
    NOTHING: "not checked: it may have been changed since it was made",
}


@dataclass(frozen=True, kw_only=True)
class View:
    """How somebody looks at inventories.

    Attributes:
        station: the one that they lie in, when that is open already.
        replayed: all of it, when that is known already.
        check: compare a file with its record first, or with itself; False when that is waived.
        progress: told rows while it is compared with itself.
    """

    station: Station | None = None
    replayed: Replay | None = None
    check: bool = True
    progress: Progress = SILENT

    def opened(self, database: bytes) -> Inventory:
        """Open an inventory, masked where it must be; errors as `sensitive.opened`."""
        return opened(database, self.station, self.replayed)

    def marks(self, database: bytes) -> Marks | None:
        """Return the marks of an inventory; errors as `marks_of.marks_of`."""
        return marks_of(database, self.station, self.replayed)


def intact(database: bytes, view: View) -> Intact:
    """Check an inventory that somebody will look at.

    Args:
        database: a path; one inside a station is that of its acquisition.
        view: how.

    Raises:
        CheckFailedError: it is not the recorded one, or does not agree with itself.
        InputError: it cannot be read as an inventory.
    """
    if not view.check:
        return Intact(NOTHING)
    with Inventory(database) as inventory:
        path = os.path.realpath(database)
        with in_station(path, view.station) as (found, acquisition):
            if found is not None and acquisition is not None:
                name = os.fsdecode(os.path.basename(path))
                replayed = view.replayed if found is view.station else None
                for item in reversed(list(on_record(found, acquisition, replayed))):
                    if item.name == name and item.sha256:
                        require_recorded(acquisition, path, item.sha256, item.entry)
                        return Intact(RECORD, item.entry)
        wrong = inventory.problems(view.progress)
    if wrong:
        raise CheckFailedError(
            f"`{escape_bytes(database)}` does not agree with itself",
            details={"found": escape(wrong[0])},
            hint="take the inventory from a copy, or make it again",
        )
    return Intact(ITSELF)


def require_recorded(acquisition: str, path: bytes, recorded: str, entry: int) -> None:
    """Require that an inventory file is the one that an entry records.

    Raises:
        CheckFailedError: it is another.
        InputError: it cannot be read.
    """
    try:
        found = digest_file(path, ("sha256",))[1]["sha256"]
    except OSError as error:
        raise InputError(f"cannot read `{escape_bytes(path)}`: {error.strerror}") from error
    if found != recorded:
        raise CheckFailedError(
            f"the inventory of `{acquisition}` is not the one that entry {entry} records",
            details={"expected": f"sha256:{recorded}", "found": f"sha256:{found}"},
            hint=f"take it from a copy, or make another: `evkit inventory run {acquisition}`",
        )
