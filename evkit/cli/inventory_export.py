"""`evkit inventory export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_criteria import NAMES, criteria_options
from evkit.cli.inventory_where import station_of
from evkit.cli.options import common
from evkit.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.inventory.search.find import Criteria

_FORMATS = ("jsonl", "csv", "dfxml", "bodyfile", "parquet", "case")


@command(
    "export",
    examples=(
        "evkit inventory export 2026-457/E1 -o list.csv",
        "evkit inventory export 2026-457/E1 -o timeline.body",
        "evkit inventory export ./disk.inventory.db --format dfxml -o disk.xml",
        "evkit inventory export 2026-457 --name '*.jpg' -o case.jsonld",
    ),
    exits=(
        ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE,
        ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE, ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@common
@click.argument("what", metavar="CASE[/E1[/A1]]|PATH")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="Else from FILE's ending: .jsonl, .csv, .dfxml or .xml, .body, .parquet, .jsonld.",
)
@click.option("-o", "--output", metavar="FILE", required=True, help="A new file.")
@criteria_options
def export(
    session: Session, what: str, format_: str | None, output: str, criteria: Criteria
) -> None:
    """Write an inventory in the form of another tool.

    jsonl proves itself; csv is for spreadsheets, dfxml and bodyfile for forensic tools, parquet
    for analysts (needs the extra `parquet`). case is CASE/UCO: the case or exhibit, what was done
    with it, and those files only that are chosen with --name, --digest and the like, each with the
    basis of its content. Names of sensitive material are left out; jsonl is refused for it.

    An inventory that is not the recorded one, or that no entry records and that does not agree with
    itself, is not exported. Exit codes 3 and 5 are those of `inventory find`.
    """
    from evkit.inventory.exports.formats import format_of

    form = format_of(format_, output)
    if form == "case":
        _case(session, what, output, criteria)
        return
    _only_for_case()
    from evkit.actions.inventory_export import write_export
    from evkit.actions.inventory_meant import locate

    station = station_of(session, what)
    if station is not None and "/" not in what:
        from evkit.actions.meant import path_hint

        raise UsageError(
            f"`{what}` is a case; an export in the form {form} is of one inventory",
            hint=path_hint(what) or f"name an exhibit, such as {what}/E1",
        )
    database = locate(what, is_ref=station is not None, station=station)
    session.emit(write_export(database, form, output, station, session.progress()))


def _case(session: Session, what: str, output: str, criteria: Criteria) -> None:
    from evkit.actions.inventory_case import export_case

    station = station_of(session, what)
    if station is None:
        raise UsageError(
            "an export in the form case is of a case or an exhibit of a station",
            hint="name it as CASE or CASE/E1; a path has no record of who did what",
        )
    session.emit(export_case(station, what, output, criteria, session.progress()))


def _only_for_case() -> None:
    """Refuse options that choose files where everything is exported."""
    ctx = click.get_current_context()
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in NAMES and given is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(
                f"`{parameter.opts[0]}` goes with `--format case` only",
                hint="the other forms hold the whole inventory; `evkit inventory find` searches it",
            )
