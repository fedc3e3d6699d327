"""`evkit inventory mark`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_where import WHAT, signer_of, station_of
from evkit.cli.options import common, recording
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session


@command(
    "mark",
    examples=(
        "evkit inventory mark 2026-457/E1",
        "evkit inventory mark 2026-457/E1/A1 --hashset nsrl-2026.09 --hashset own",
        "evkit inventory mark ./disk.inventory.db --hashset ./own.hashset",
    ),
    exits=(
        ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT,
        ExitCode.REFUSED, ExitCode.STORAGE, ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@common
@WHAT
@click.option(
    "--hashset",
    "sets",
    metavar="NAME",
    multiple=True,
    help="Only this hash set (repeat); for a PATH the path of one.",
)
@recording
def mark(session: Session, what: str, sets: tuple[str, ...], recording: Recording) -> None:
    """Look every stream of an inventory up in hash sets.

    The newest recorded inventory is taken, and all hash sets of the station unless some are named.
    Inventory and sets must be the recorded ones. The marks, known or notable with the set and the
    digest that matched, go to a file beside the inventory, which itself never changes.
    """
    from evkit.actions import inventory_mark as action

    station = station_of(session, what)
    request = action.MarkRequest(
        what=what,
        is_ref=station is not None,
        sets=sets,
        values=recording.fields,
        happened=recording.happened,
        reason=recording.reason,
        dry_run=recording.dry_run,
    )
    signer = signer_of(session, station, recording)
    session.emit(action.run(request, station=station, signer=signer, progress=session.progress()))
