"""`evkit status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Session


@command(
    "status",
    examples=("evkit status", "evkit --station ps-saddar status --json"),
    exits=(ExitCode.INCOMPLETE, ExitCode.NO_CASE),
)
@common
def status(session: Session) -> None:
    """Show what is running, unfinished, unsigned, out of the store, or due."""
    from evkit.actions.status import run

    with session.station() as station:
        session.emit(run(station))
