"""`evkit media add|list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evkit.cli.custody import RECORDING_EXITS
from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.cli.recordable import record
from evkit.core.errors import ExitCode
from evkit.custody.kinds.gear import USES

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session


@group("media")
def media() -> None:
    """Keep the media that copies are written to."""


@command(
    "add",
    group=media,
    examples=(
        "evkit media add STORE-07 --serial WX31A1 --uuid 3E5C-0B71 --use master",
        'evkit media add STORE-07 --set wiped="overwritten with zeros on 2026-11-20"',
    ),
    exits=RECORDING_EXITS,
)
@click.argument("label")
@click.option("--make", help="Make.")
@click.option("--model", help="Model.")
@click.option("--serial", help="Serial number.")
@click.option("--capacity", help="Capacity as printed on it.")
@click.option("--uuid", "file_system_uuid", help="UUID of its file system.")
@click.option("--use", type=click.Choice(USES), help="What it is for.")
@recording
@common
def add(session: Session, recording: Recording, **values: Any) -> None:  # noqa: ANN401
    """Put a medium on the list, or add to what is known of it.

    LABEL is what is written on it. The same label again adds. Every addition is a signed entry.
    """
    from evkit.actions import gear
    from evkit.actions.custody import Request

    record(
        session, recording, gear.add, Request(kind=gear.MEDIUM, refs=(), values=values), gear.check
    )


@command("list", group=media, examples=("evkit media list",), exits=(ExitCode.NO_CASE,))
@common
def list_(session: Session) -> None:
    """List the media of the station."""
    from evkit.actions import gear

    with session.station() as station:
        session.emit(gear.list_media(station))
