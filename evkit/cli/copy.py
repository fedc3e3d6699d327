"""`evkit copy list|locate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Session


@group("copy")
def copy() -> None:
    """Find the copies of acquisitions: in the station, on media, given away."""


@command(
    "list",
    group=copy,
    examples=("evkit copy list", "evkit copy list 2026-457/E1 --json"),
    exits=(ExitCode.NO_CASE,),
)
@click.argument("what", required=False, metavar="[CASE|CASE/E1|CASE/E1/A1]")
@common
def list_(session: Session, what: str | None) -> None:
    """List every copy on record, its medium, whether it is here, and when it was verified last.

    A medium is recognised by the UUID of its file system or, when it is registered, by its serial
    number, wherever it is mounted now. One that is away is *not here*, which is no failure.
    """
    from evkit.actions.copies import list_copies

    with session.station() as station:
        session.emit(list_copies(station, what))


@command(
    "locate",
    group=copy,
    examples=("evkit copy locate 2026-457/E1/A1",),
    exits=(ExitCode.INCOMPLETE, ExitCode.UNDECIDED, ExitCode.NO_CASE),
)
@click.argument("what", metavar="CASE/E1/A1")
@common
def locate(session: Session, what: str) -> None:
    """Print where the files of an acquisition are now, or which medium has to be fetched.

    Ends with 0 when a whole copy is here, 3 when only one with missing files is, 5 when none is.
    """
    from evkit.actions.copies import locate as find

    with session.station() as station:
        session.emit(find(station, what))
