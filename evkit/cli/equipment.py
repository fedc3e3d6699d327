"""`evkit equipment add|list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evkit.cli.custody import RECORDING_EXITS
from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.cli.recordable import record
from evkit.core.errors import ExitCode
from evkit.custody.kinds.gear import EQUIPMENT

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session


@group("equipment")
def equipment() -> None:
    """Keep write blockers, docks and readers with the days of their tests."""


@command(
    "add",
    group=equipment,
    examples=(
        "evkit equipment add T35u-1 --what write-blocker --make Tableau --serial 0A17",
        "evkit equipment add T35u-1 --tested 2026-11-02 --result passed --report WB-14",
        'evkit equipment add T35u-1 --set retired="cable damaged"',
    ),
    exits=RECORDING_EXITS,
)
@click.argument("name")
@click.option("--what", type=click.Choice(EQUIPMENT), help="What it is.")
@click.option("--make", help="Make.")
@click.option("--model", help="Model.")
@click.option("--serial", help="Serial number.")
@click.option("--firmware", help="Firmware.")
@click.option("--tested", metavar="DATE", help="Day of a test, as 2026-11-22.")
@click.option(
    "--result", "test_result", type=click.Choice(["passed", "failed"]), help="Result of the test."
)
@click.option("--report", "test_report", metavar="TEXT", help="Number of the report of the test.")
@recording
@common
def add(session: Session, recording: Recording, **values: Any) -> None:  # noqa: ANN401
    """Put a piece of equipment on the list, or add to what is known of it.

    NAME is the short name on its sticker. The same name again adds: another test, a new firmware.
    The latest test is offered when a device is acquired. Every addition is a signed entry.
    """
    from evkit.actions import gear
    from evkit.actions.custody import Request

    request = Request(kind=gear.EQUIPMENT, refs=(), values=values)
    record(session, recording, gear.add, request, gear.check)


@command("list", group=equipment, examples=("evkit equipment list",), exits=(ExitCode.NO_CASE,))
@common
def list_(session: Session) -> None:
    """List the equipment of the station with the last test of each piece."""
    from evkit.actions import gear

    with session.station() as station:
        session.emit(gear.list_equipment(station))
