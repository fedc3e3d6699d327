"""Whether a word of the command line names a case of the station or a path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.core.errors import CaseError, EvkitError
from evkit.core.refs import is_ref
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.station import Station


def names_ref(text: str, open_station: Callable[[], Station]) -> bool:
    """Say whether a word is a case, an exhibit or an acquisition, and no path.

    What has the shape of a reference is one. Where there is no station or no such case, and a file
    or folder of that name is here, it is that: a court has bundles and no station.
    """
    if not is_ref(text):
        return False
    return not os.path.exists(os.fsencode(text)) or _is_case(text, open_station)


def need_case_of(text: str, station: Station) -> None:
    """Refuse a word of which the station has no case; a path of that name is not here either.

    Raises:
        CaseError: there is no such case.
    """
    case = text.partition("/")[0]
    if not any(True for _ in station.case_entries(case)):
        raise CaseError(
            f"no case `{escape(case)}` in this station, and no file or folder `{escape(text)}` "
            "is here",
            hint="check the name; `evkit case list` shows the cases",
        )


def path_hint(what: str) -> str | None:
    """Say how a path is written that has the name of a case; None when there is none."""
    if not os.path.lexists(what):
        return None
    return (
        f"`{escape(what)}` is read as a reference; for the path of that name write ./{escape(what)}"
    )


def _is_case(text: str, open_station: Callable[[], Station]) -> bool:
    try:
        with open_station() as station:
            return any(True for _ in station.case_entries(text.partition("/")[0]))
    except EvkitError:
        return False
