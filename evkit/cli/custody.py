"""`evkit custody log|record`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.cli.recordable import pairs, record, sensitive_option
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session

RECORDING_EXITS = (
    ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT, ExitCode.REFUSED,
    ExitCode.STORAGE,
)  # fmt: skip


@group("custody")
def custody() -> None:
    """Record and show custody."""


@command(
    "log",
    group=custody,
    examples=("evkit custody log 2026-457/E1", "evkit custody log 2026-457 --json"),
    exits=(ExitCode.NO_CASE,),
)
@click.argument("ref", metavar="CASE[/E1[/A1]]")
@common
def log(session: Session, ref: str) -> None:
    """Show every entry about an exhibit or a case, and what stands out."""
    from evkit.actions.custody_log import run

    with session.station() as station:
        session.emit(run(station, ref))


@command(
    "record",
    group=custody,
    examples=(
        "evkit custody record seal 2026-457/E1 2026-457/E2 --set seal=E1:S-101,E2:S-102",
        'evkit custody record store 2026-457/E1 --set location="safe 2"',
        'evkit custody record check-out 2026-457/E1 --set to="Lab Analyst"',
        "evkit custody record correct 2026-457/E1 --set corrects=7 --set values.seal=S-1",
        'evkit custody record note 2026-457/E1 --set text="the seal was photographed"',
    ),
    exits=RECORDING_EXITS,
)
@click.argument("kind")
@click.argument("refs", metavar="CASE[/E1[/A1]]…", nargs=-1, required=True)
@sensitive_option
@recording
@common
def record_(
    session: Session,
    kind: str,
    refs: tuple[str, ...],
    sensitive: tuple[str, ...],
    recording: Recording,
) -> None:
    """Record an event about a case or several of its exhibits with one signature.

    Kinds: mark, sensitive, seal, unseal, store, check-out, check-in, copy-out, produce, return,
    dispose, note, correct, incident. What the profile asks for and is not given is recorded as a
    deviation with --reason.
    """
    from evkit.actions.custody import Request, require_recordable, run

    require_recordable(kind)
    request = Request(kind=kind, refs=refs, sensitive=pairs(sensitive))
    record(session, recording, run, request)
