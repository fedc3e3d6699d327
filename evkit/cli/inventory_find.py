"""`evkit inventory find`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_where import station_of
from evkit.cli.options import common
from evkit.core.errors import ExitCode
from evkit.core.refs import is_ref

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.inventory.find import Criteria


@command(
    "find",
    examples=(
        "evkit inventory find C-2026-014/E1 --name '*.csv'",
        "evkit inventory find C-2026-014/E1 --type 'image/*' --size 100kB..",
        "evkit inventory find C-2026-014 --time 2026-11-01..2026-11-22 --deleted",
        "evkit inventory find --digest d41d8cd98f00b204e9800998ecf8427e",
        "evkit inventory find --notable",
    ),
    exits=(ExitCode.INCOMPLETE, ExitCode.UNDECIDED, ExitCode.NO_CASE, ExitCode.INPUT),
)
@common
@click.argument("what", metavar="[CASE[/E1[/A1]]|PATH]", required=False)
@click.option("--name", metavar="GLOB", help="File name, such as '*.jpg'; case is ignored.")
@click.option("--path", metavar="GLOB", help="Path, or a part of it.")
@click.option("--digest", metavar="HEX", help="MD5, SHA-1, SHA-256 or SHA-512 in full.")
@click.option("--type", "type_", metavar="GLOB", help="File type, such as 'image/*'.")
@click.option("--size", metavar="SIZE", help="4096, 1MB.., ..100, 1kB..2MiB.")
@click.option(
    "--time",
    metavar="FROM..TO",
    help="Dates (of UTC), or times with an offset such as 2026-11-22T14:05:00+05:00.",
)
@click.option(
    "--time-kind",
    metavar="LETTERS",
    help="Which times: m content, a access, c record, b created; else any.",
)
@click.option("--deleted", is_flag=True, help="Only deleted names.")
@click.option("--notable", is_flag=True, help="Only what a notable hash set holds.")
@click.option("--known", is_flag=True, help="Only what a hash set of known files holds.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Entries at most; 0 for all.")
def find(
    session: Session, what: str | None, name: str | None, path: str | None, digest: str | None,
    type_: str | None, size: str | None, time: str | None, time_kind: str | None, deleted: bool,
    notable: bool, known: bool, limit: int,
) -> None:  # fmt: skip
    """Search inventories; everything that is given must hold.

    Without WHAT all cases of the station are searched; of each acquisition the newest inventory.
    Local times of unknown zone (FAT, exFAT) are compared with dates as they were written, and fit a
    time with an offset when they can be that moment in some zone. evkit lists and digests; it does
    not extract files, an examiner's tool does.
    """
    from evkit.core.errors import UsageError
    from evkit.inventory.find import Criteria, parse_digest, parse_sizes
    from evkit.inventory.findtime import parse_letters, parse_times

    if notable and known:
        raise UsageError("`--notable` and `--known` exclude each other")
    if time_kind and not time:
        raise UsageError("`--time-kind` needs `--time`")
    criteria = Criteria(
        name=name,
        path=path,
        digest=parse_digest(digest) if digest else None,
        type=type_,
        size=parse_sizes(size) if size else None,
        deleted=True if deleted else None,
        time=parse_times(time) if time else None,
        times=parse_letters(time_kind or "macb"),
        mark="notable" if notable else ("known" if known else None),
    )
    _search(session, what, criteria, limit)


def _search(session: Session, what: str | None, criteria: Criteria, limit: int) -> None:
    from evkit.actions import inventory_show as action
    from evkit.actions.inventory_search import search
    from evkit.core.refs import parse_ref

    if what is None:
        action.need_criteria(criteria)
    station = session.station() if what is None else station_of(session, what)
    if station is not None and (what is None or parse_ref(what).acquisition is None):
        session.emit(search(what, station, criteria, limit, session.progress()))
    elif what is not None:
        database = action.locate(what, is_ref=is_ref(what), station=station)
        session.emit(action.find(database, criteria, limit))
