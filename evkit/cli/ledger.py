"""`evkit ledger`: show, checkpoint, prove, export, compare, memo."""

from __future__ import annotations

import os

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common, no_pdf
from evkit.cli.session import Session  # noqa: TC001 - the decorator passes it
from evkit.core.errors import ExitCode

_NEEDED = click.option("-o", "--output", "target", metavar="FILE", required=True, help="New file.")
_OUTPUT = click.option("-o", "--output", "target", metavar="FILE", help="Write to a new file.")


@group("ledger")
def ledger() -> None:
    """Show, prove, export and compare the ledger; put its head on paper."""


@command(
    "show",
    group=ledger,
    examples=("evkit ledger show", "evkit ledger show 2026-457 --last 20"),
    exits=(ExitCode.NO_CASE, ExitCode.INPUT),
)
@click.argument("case", required=False)
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the last N entries.")
@common
def show(session: Session, case: str | None, last: int | None) -> None:
    """List the entries of the ledger, or those of CASE."""
    from evkit.actions import ledger as actions

    with session.station() as station:
        session.emit(actions.show(station, case, last))


@command(
    "checkpoint",
    group=ledger,
    examples=("evkit ledger checkpoint", "evkit ledger checkpoint -o head.txt"),
    exits=(ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED),
)
@_OUTPUT
@common
def checkpoint(session: Session, target: str | None) -> None:
    """Print the head of the ledger, signed by the log key."""
    from evkit.actions import ledger as actions

    with session.station() as station:
        session.emit(actions.checkpoint(station, os.fsencode(target) if target else None))


@command(
    "prove",
    group=ledger,
    examples=("evkit ledger prove 17 -o entry-17.tlog-proof",),
    exits=(ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED),
)
@click.argument("event")
@_NEEDED
@common
def prove(session: Session, event: str, target: str) -> None:
    """Write the proof that EVENT is in the ledger, and its envelope beside it.

    EVENT is the number of an entry, or at least 8 digits of its event id.
    """
    from evkit.actions import ledger as actions

    with session.station() as station:
        session.emit(actions.prove(station, event, os.fsencode(target)))


@command(
    "export",
    group=ledger,
    examples=("evkit ledger export -o /media/stick/ledger",),
    exits=(ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.option("-o", "--output", "target", metavar="DIR", required=True, help="New folder.")
@common
def export(session: Session, target: str) -> None:
    """Write the ledger as a static tiled log (C2SP), personal fields as commitments only."""
    from evkit.actions import ledger as actions

    with session.station() as station:
        session.emit(actions.export(station, os.fsencode(target)))


@command(
    "compare",
    group=ledger,
    examples=(
        "evkit ledger compare /evidence memo.txt",
        "evkit ledger compare old-export /evidence -o contradiction.txt",
    ),
    exits=(ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.INPUT, ExitCode.REFUSED),
)
@click.argument("a")
@click.argument("b")
@click.option(
    "-o", "--output", "evidence", metavar="FILE",
    help="For two histories: a new file with both signed checkpoints.",
)  # fmt: skip
@common
def compare(session: Session, a: str, b: str, evidence: str | None) -> None:
    """Say whether A and B belong to one history.

    Each is a station, an exported ledger, a file with a checkpoint or a memo, the text of a memo,
    or a head written SIZE:ROOT.
    """
    from evkit.actions.ledger_compare import compare as run

    session.emit(run(a, b, os.fsencode(evidence) if evidence else None))


@command(
    "memo",
    group=ledger,
    examples=(
        "evkit ledger memo 2026-457",
        "evkit ledger memo 2026-457 -o memo.html --record --given-to 'court reader'",
    ),
    exits=(
        ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY, ExitCode.REFUSED,
        ExitCode.STORAGE,
    ),
)  # fmt: skip
@click.argument("case", required=False)
@_OUTPUT
@click.option("--by", metavar="NAME", help="Who makes the memo, as printed on it.")
@click.option("--record", "recorded", is_flag=True, help="Record that the memo was made.")
@click.option("--given-to", metavar="NAME", help="With --record: who received it.")
@click.option("--officer", metavar="O", help="With --record: who signs (EVKIT_OFFICER).")
@common
def memo(
    session: Session,
    case: str | None,
    target: str | None,
    by: str | None,
    recorded: bool,
    given_to: str | None,
    officer: str | None,
) -> None:
    """Put the head of the ledger on paper, with the exhibits of CASE.

    A file ending in .html gets a QR code; any other one is text. Without --record the ledger does
    not change.
    """
    from evkit.actions import memo as actions
    from evkit.core.errors import UsageError

    no_pdf(target)
    if not recorded and (given_to or officer):
        raise UsageError("`--given-to` and `--officer` belong to `--record`")
    with session.station() as station:
        signer = session.signer(station, officer) if recorded else None
        made = actions.memo(station, case, by, os.fsencode(target) if target else None)
        if signer is not None:
            made = actions.record(station, made, signer, given_to)
        session.emit(made)
