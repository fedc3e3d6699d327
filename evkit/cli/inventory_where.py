"""What the verbs of `evkit inventory` share: the argument, and the station that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.core.errors import CaseError
from evkit.core.text import escape

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session
    from evkit.identity.signer import Signer
    from evkit.station import Station

NO_CHECK = click.option(
    "--no-check",
    is_flag=True,
    help="Do not compare the inventory with its record first, or with itself; this is said.",
)
WHAT = click.argument("what", metavar="CASE/E1[/A1]|PATH")


def station_of(session: Session, what: str) -> Station | None:
    """Open the station that a reference needs; None when a path is meant."""
    from evkit.actions.meant import names_ref, need_case_of

    if not names_ref(what, session.station):
        return None
    try:
        station = session.station()
    except CaseError as error:
        raise CaseError(
            f"no file or folder `{escape(what)}` is here; as a case: {error.message}",
            hint="check the name; for a case name its station with `--station DIR`",
        ) from error
    need_case_of(what, station)
    return station


def signer_of(session: Session, station: Station | None, recording: Recording) -> Signer | None:
    """Unlock the key of who signs, None where nothing will be signed."""
    if station is None or recording.dry_run:
        return None
    return session.signer(station, recording.officer)
