"""`evkit trust`: the roots of other agencies."""

from __future__ import annotations

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common
from evkit.cli.session import Session  # noqa: TC001 - the decorator passes it
from evkit.core.errors import ExitCode


@group("trust")
def trust() -> None:
    """Keep the root certificates of other agencies."""


@command(
    "add",
    group=trust,
    examples=("evkit trust add pfsa-root.crt",),
    exits=(ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED),
)
@click.argument("path", metavar="FILE")
@common
def add(session: Session, path: str) -> None:
    """Add the root certificate in FILE."""
    from evkit.actions import trust as actions

    with session.station() as station:
        session.emit(actions.add(station, path))


@command("list", group=trust, examples=("evkit trust list",), exits=(ExitCode.NO_CASE,))
@common
def list_(session: Session) -> None:
    """List this station's own root and those of other agencies."""
    from evkit.actions import trust as actions

    with session.station() as station:
        session.emit(actions.list_roots(station))


@command(
    "remove",
    group=trust,
    examples=("evkit trust remove 9f3c01d2",),
    exits=(ExitCode.NO_CASE,),
)
@click.argument("fingerprint")
@common
def remove(session: Session, fingerprint: str) -> None:
    """Remove the root whose FINGERPRINT begins with the given digits."""
    from evkit.actions import trust as actions

    with session.station() as station:
        session.emit(actions.remove(station, fingerprint))
