"""`evkit case open|list|show|close`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.custody import RECORDING_EXITS
from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.cli.recordable import pairs, record, sensitive_option
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session


@group("case")
def case() -> None:
    """Open, list, show and close cases."""


@command(
    "open",
    group=case,
    examples=(
        'evkit case open 2026-457 --title "Laptop theft" --fir 457/2026',
        "evkit case open 2026-457 --fields case.yaml",
    ),
    exits=RECORDING_EXITS,
)
@click.argument("name", metavar="CASE")
@click.option("--title", help="Short title.")
@click.option("--fir", help="FIR number and year.")
@click.option("--authority", help="Warrant, order or provision.")
@sensitive_option
@recording
@common
def open_(
    session: Session,
    name: str,
    title: str | None,
    fir: str | None,
    authority: str | None,
    sensitive: tuple[str, ...],
    recording: Recording,
) -> None:
    """Open a case."""
    from evkit.actions.case import check_new, open_case
    from evkit.actions.custody import Request

    values = {"title": title, "fir_no": fir, "authority": authority}
    request = Request(kind="case-open", refs=(name,), values=values, sensitive=pairs(sensitive))
    record(session, recording, open_case, request, check_new)


@command(
    "close",
    group=case,
    examples=('evkit case close 2026-457 --set outcome="convicted"',),
    exits=RECORDING_EXITS,
)
@click.argument("name", metavar="CASE")
@recording
@common
def close(session: Session, name: str, recording: Recording) -> None:
    """Close a case; later entries stay possible and are remarked."""
    from evkit.actions.case import check_open, close_case
    from evkit.actions.custody import Request

    request = Request(kind="case-close", refs=(name,))
    record(session, recording, close_case, request, check_open)


@command("list", group=case, examples=("evkit case list",), exits=(ExitCode.NO_CASE,))
@common
def list_(session: Session) -> None:
    """List the cases of the station."""
    from evkit.actions.case import list_cases

    with session.station() as station:
        session.emit(list_cases(station))


@command(
    "show",
    group=case,
    examples=("evkit case show 2026-457", "evkit case show 2026-457 --json"),
    exits=(ExitCode.NO_CASE,),
)
@click.argument("name", metavar="CASE")
@click.option("--all", "everything", is_flag=True, help="Name every field that was not given.")
@common
def show(session: Session, name: str, *, everything: bool) -> None:
    """Show a case with its exhibits and what stands out."""
    from evkit.actions.case import show_case

    with session.station() as station:
        session.emit(show_case(station, name, everything=everything))
