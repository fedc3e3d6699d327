"""The station that an argument of `evkit inventory` needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import CaseError
from evkit.core.refs import is_ref

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.station import Station


def station_of(session: Session, what: str) -> Station | None:
    """Open the station that a reference needs; without one a path of that name is mentioned."""
    if not is_ref(what):
        return None
    try:
        session.find_station()
    except CaseError as error:
        from evkit.actions.inventory_target import path_hint

        raise CaseError(error.message, hint=path_hint(what) or error.hint) from error
    return session.station()
