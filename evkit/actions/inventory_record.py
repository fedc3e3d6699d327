"""The end of work on an acquisition that leaves a file beside it: its event is signed, and said."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from evkit.actions.custody import Request, prepare, sign
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.custody import Recorded
    from evkit.identity.signer import Signer
    from evkit.station import Station


class Typed(Protocol):
    """What somebody typed for the event."""

    @property
    def values(self) -> Mapping[str, object]:
        """Fields."""

    @property
    def happened(self) -> str | None:
        """When it happened, when that was not now."""

    @property
    def reason(self) -> str | None:
        """Why something deviates."""


def record_work(
    kind: str,
    acquisition: str,
    found: Mapping[str, object],
    typed: Typed,
    station: Station,
    signer: Signer | None,
) -> Recorded:
    """Sign the event of work that is done.

    Args:
        kind: of the event.
        acquisition: `CASE/E1/A1`.
        found: fields that the work gave; they stand above those that were typed.
        typed: what the request says of the event.
        station: holds the acquisition.
        signer: who signs.
    """
    ref = parse_ref(acquisition)
    request = Request(
        kind=kind,
        refs=(acquisition,),
        values={**typed.values, **found},
        happened=typed.happened,
        reason=typed.reason,
    )
    refs = (ref.case, (str(ref.of_exhibit()),), (acquisition,))
    draft = prepare(station, station.state(), request, refs)
    return sign(station, signer, draft, dry_run=False, reason=typed.reason)


def file_field(path: bytes) -> dict[str, object]:
    """Return name, size and SHA-256 of a file that evkit named, as an event holds them."""
    size, digests = digest_file(path, ("sha256",))
    name = os.path.basename(path).decode("ascii")
    return {"name": name, "size": size, "sha256": digests["sha256"]}


def entry_fields(recorded: Recorded | None) -> dict[str, Any]:
    """Return what a JSON document says of the entry that was, or was not, recorded."""
    return {
        "recorded": recorded is not None and recorded.index is not None,
        "entry": None if recorded is None else recorded.index,
        "event_id": None if recorded is None else recorded.event_id,
    }
