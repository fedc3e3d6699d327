"""`evkit selftest`."""

from __future__ import annotations

import os

import click

from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.cli.session import Session  # noqa: TC001 - the decorator passes it
from evkit.core.errors import ExitCode


@command(
    "selftest",
    examples=(
        "evkit selftest",
        "evkit selftest --acquisition",
        "evkit selftest --report selftest-2026-11-22.json",
    ),
    exits=(ExitCode.FAILED_CHECK, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.option("--report", "target", metavar="FILE", help="Write the report to a new file (JSON).")
@click.option(
    "--acquisition",
    is_flag=True,
    help="Also try acquisition, assertion by assertion, on generated media; --report does so too.",
)
@common
def selftest(session: Session, target: str | None, *, acquisition: bool) -> None:
    """Check that this installation gives the known answers: digests, proofs, signatures, formats.

    A laboratory runs it before work and keeps the report. The part about acquisition is modelled
    on the assertions of NIST CFTT; it is not tested by NIST.
    """
    from evkit.actions.selftest import run

    session.emit(run(os.fsencode(target) if target else None, acquisition=acquisition))
