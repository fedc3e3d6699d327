"""`evkit bundle create|show`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session


@group("bundle")
def bundle() -> None:
    """Pack a case for the court, or show what a bundle holds.

    A bundle is a folder or a zip that anyone can check: a BagIt bag with the signed entries, their
    place in the ledger, certificates, inventories and, if asked, the evidence itself.
    """


@command(
    "create",
    group=bundle,
    examples=(
        "evkit bundle create 2026-457 -o /media/stick/2026-457 --with-exhibits",
        "evkit bundle create 2026-457 -o 2026-457.zip --withhold all",
    ),
    exits=(
        ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT,
        ExitCode.REFUSED, ExitCode.STORAGE, ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@click.argument("case")
@click.option(
    "-o", "--output", metavar="PATH", required=True, help="New folder, or new file ending in .zip."
)
@click.option("--with-exhibits", is_flag=True, help="Enclose the evidence data.")
@click.option(
    "--with-sensitive", is_flag=True,
    help="Enclose sensitive material too: rows of its inventories and, with exhibits, its data.",
)  # fmt: skip
@click.option(
    "--withhold", metavar="NAMES", multiple=True,
    help="Withhold personal fields, such as `victim` or `owner.cnic`; `all` for all of them.",
)  # fmt: skip
@click.option("--recipient", metavar="TEXT", help="For whom the bundle is made.")
@click.option("--medium", metavar="TEXT", help="Label and serial number of the medium.")
@common
@recording
def create(
    session: Session, case: str, output: str, with_exhibits: bool, with_sensitive: bool,
    withhold: tuple[str, ...], recipient: str | None, medium: str | None, recording: Recording,
) -> None:  # fmt: skip
    """Record a bundle of CASE and write it.

    The event is recorded first, so that the bundle proves its own making. A bundle that could not
    be finished leaves nothing under its name. Sensitive material is left out, and the manifest says
    so, unless it is asked for.
    """
    from evkit.actions import bundle as action

    values = dict(recording.fields)
    for name, value in (("recipient", recipient), ("medium", medium)):
        if value is not None and name in values:
            raise UsageError(f"`{name}` is given twice")
        if value is not None:
            values[name] = value
    request = action.Request(
        case=case,
        output=os.fsencode(output),
        with_exhibits=with_exhibits,
        with_sensitive=with_sensitive,
        withhold=tuple(part.strip() for text in withhold for part in text.split(",")),
        values=values,
        happened=recording.happened,
        reason=recording.reason,
        dry_run=recording.dry_run,
    )
    with session.station() as station:
        signer = None if request.dry_run else session.signer(station, recording.officer)
        session.emit(action.create(station, signer, request, session.progress()))


@command(
    "show",
    group=bundle,
    examples=("evkit bundle show /media/stick/2026-457",),
    exits=(ExitCode.INPUT,),
)
@click.argument("path")
@common
def show(session: Session, path: str) -> None:
    """Show what the bundle PATH says it holds. Nothing is verified."""
    from evkit.actions.bundle_show import show as action

    session.emit(action(os.fsencode(path)))
