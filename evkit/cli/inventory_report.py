"""`evkit inventory report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.inventory_where import WHAT, station_of
from evkit.cli.options import common, no_pdf
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Session


@command(
    "report",
    examples=(
        "evkit inventory report 2026-457/E1 -o report.html",
        "evkit inventory report 2026-457/E1/A1 --language ur -o report.html",
        "evkit inventory report ./disk.inventory.db --zone +05:00 -o disk.html",
    ),
    exits=(
        ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED,
        ExitCode.STORAGE, ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@common
@WHAT
@click.option("-o", "--output", metavar="FILE", required=True, help="A new file, such as x.html.")
@click.option(
    "--language",
    type=click.Choice(["en", "ur"]),
    default="en",
    show_default=True,
    help="In which the page opens; it holds both.",
)
@click.option("--title", default="", help="A title of its own.")
@click.option(
    "--zone",
    metavar="OFFSET",
    default="",
    help="Local time of the case, such as +05:00; else that of the station's profile.",
)
def report(session: Session, what: str, output: str, language: str, title: str, zone: str) -> None:
    """Write an inventory as one HTML page that needs nothing but a browser.

    What could not be read comes first; then the disk to scale, totals, kinds, activity over time,
    largest files, deleted content with its basis, hits of hash sets, a table of files, and how to
    check it all. An inventory that is not the recorded one is refused.
    """
    from evkit.actions.inventory_report import ReportRequest, write_report

    no_pdf(output)
    station = station_of(session, what)
    request = ReportRequest(
        what=what,
        is_ref=station is not None,
        output=output,
        language=language,
        title=title,
        zone=zone,
    )
    session.emit(write_report(request, station=station, progress=session.progress()))
