"""`evkit inventory compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_where import station_of
from evkit.cli.options import common
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Session


@command(
    "compare",
    examples=(
        "evkit inventory compare 2026-457/E1/A1 2026-457/E1/A2",
        "evkit inventory compare ./before.inventory.db ./after.inventory.db --limit 0",
    ),
    exits=(
        ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE, ExitCode.INPUT,
        ExitCode.STORAGE, ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@common
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Differences listed of each kind; 0 for all.",
)
def compare(session: Session, first: str, second: str, limit: int) -> None:
    """Compare two inventories: same, changed, moved, appeared, gone.

    A and B are CASE/E1, CASE/E1/A1, an inventory file, or an image or folder with its inventory
    beside it. Names in use are compared, file system by file system. Content is the same or moved
    only when its digest rests on a record in use; what has no such digest is counted as what cannot
    be compared. Ends with 0 when nothing differs, 4 when something does, 5 when it cannot be told.
    """
    from evkit.actions.inventory_compare import run

    left, right = station_of(session, first), station_of(session, second)
    refs = (left is not None, right is not None)
    session.emit(
        run(first, second, left or right, refs=refs, limit=limit, progress=session.progress())
    )
