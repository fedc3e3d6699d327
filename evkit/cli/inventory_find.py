"""`evkit inventory find`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_criteria import criteria_options
from evkit.cli.inventory_where import NO_CHECK, station_of
from evkit.cli.options import common
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.inventory.search.find import Criteria


@command(
    "find",
    examples=(
        "evkit inventory find 2026-457/E1 --name '*.csv'",
        "evkit inventory find 2026-457/E1 --type 'image/*' --size 100kB..",
        "evkit inventory find 2026-457 --time 2026-11-01..2026-11-22 --deleted",
        "evkit inventory find --digest d41d8cd98f00b204e9800998ecf8427e",
        "evkit inventory find --notable",
    ),
    exits=(
        ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE,
        ExitCode.INPUT,
    ),
)  # fmt: skip
@common
@click.argument("what", metavar="[CASE[/E1[/A1]]|PATH]", required=False)
@criteria_options
@click.option(
    "--limit", metavar="N", type=click.IntRange(0), default=0, help="Entries at most; 0 for all."
)
@NO_CHECK
def find(
    session: Session, what: str | None, criteria: Criteria, limit: int, no_check: bool
) -> None:
    """Search inventories; everything that is given must hold.

    Without WHAT all cases of the station are searched; of each acquisition the newest inventory.
    Times end in Z when they are UTC. Local times of unknown zone (FAT, exFAT) are compared with
    dates as they were written, and fit a time with an offset when they can be that moment in some
    zone. evkit lists and digests; it does not extract files, an examiner's tool does.
    """
    from evkit.actions import inventory_show as action
    from evkit.actions.inventory_intact import View
    from evkit.actions.inventory_meant import locate
    from evkit.actions.inventory_search import search
    from evkit.core.refs import parse_ref

    if what is None:
        action.need_criteria(criteria)
    station = session.station() if what is None else station_of(session, what)
    progress = session.progress()
    if station is not None and (what is None or parse_ref(what).acquisition is None):
        session.emit(search(what, station, criteria, limit, progress, check=not no_check))
    elif what is not None:
        database = locate(what, is_ref=station is not None, station=station)
        view = View(station=station, check=not no_check, progress=progress)
        session.emit(action.find(database, criteria, limit, view))
