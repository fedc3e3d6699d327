"""`evkit inventory export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_where import station_of
from evkit.cli.options import common
from evkit.core.errors import ExitCode, UsageError
from evkit.core.refs import is_ref

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.inventory.find import Criteria

_FORMATS = ("jsonl", "csv", "dfxml", "bodyfile", "parquet", "case")
_CHOOSES = ("name", "path", "digest", "type_", "size", "deleted")


@command(
    "export",
    examples=(
        "evkit inventory export C-2026-014/E1 -o list.csv",
        "evkit inventory export C-2026-014/E1 -o timeline.body",
        "evkit inventory export ./disk.inventory.db --format dfxml -o disk.xml",
        "evkit inventory export C-2026-014 --name '*.jpg' -o case.jsonld",
    ),
    exits=(
        ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE, ExitCode.INTERRUPTED,
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
@click.option("--name", metavar="GLOB", help="case: choose files by name; case is ignored.")
@click.option("--path", metavar="GLOB", help="case: choose files by path, or a part of it.")
@click.option("--digest", metavar="HEX", help="case: choose files by a digest in full.")
@click.option("--type", "type_", metavar="GLOB", help="case: choose files by type.")
@click.option("--size", metavar="SIZE", help="case: choose files by size.")
@click.option("--deleted", is_flag=True, help="case: choose deleted files only.")
def export(
    session: Session, what: str, format_: str | None, output: str, name: str | None,
    path: str | None, digest: str | None, type_: str | None, size: str | None, deleted: bool,
) -> None:  # fmt: skip
    """Write an inventory in the form of another tool.

    jsonl proves itself; csv is for spreadsheets, dfxml and bodyfile for forensic tools, parquet
    for analysts (needs the extra `parquet`). case is CASE/UCO: the case or exhibit, what was done
    with it, and those files only that are chosen, each with the basis of its content.
    """
    from evkit.inventory.exports.formats import format_of

    form = format_of(format_, output)
    if form == "case":
        from evkit.inventory.find import Criteria, parse_digest, parse_sizes

        criteria = Criteria(
            name=name,
            path=path,
            digest=parse_digest(digest) if digest else None,
            type=type_,
            size=parse_sizes(size) if size else None,
            deleted=True if deleted else None,
        )
        _case(session, what, output, None if criteria == Criteria() else criteria)
        return
    _only_for_case()
    from evkit.actions.inventory_export import write_export
    from evkit.actions.inventory_show import locate

    if is_ref(what) and "/" not in what:
        from evkit.actions.inventory_target import path_hint

        raise UsageError(
            f"`{what}` is a case; an export in the form {form} is of one inventory",
            hint=path_hint(what) or f"name an exhibit, such as {what}/E1",
        )
    database = locate(what, is_ref=is_ref(what), station=station_of(session, what))
    session.emit(write_export(database, form, output, session.progress()))


def _case(session: Session, what: str, output: str, criteria: Criteria | None) -> None:
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
        if parameter.name in _CHOOSES and given is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(
                f"`{parameter.opts[0]}` goes with `--format case` only",
                hint="the other forms hold the whole inventory; `evkit inventory find` searches it",
            )
