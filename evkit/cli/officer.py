"""`evkit officer`: enrol, list, show and revoke officers."""

from __future__ import annotations

import os

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common
from evkit.cli.session import Session  # noqa: TC001 - the decorator passes it
from evkit.core.errors import ExitCode

_REASONS = ("unspecified", "compromise", "affiliation", "superseded", "ended")
_ROLES = ("officer", "custodian", "analyst", "supervisor", "prosecutor")
_ROOT_DIR = click.option("--root-dir", metavar="DIR", help="Folder that holds the agency root.")
_ROOT_PHRASE = click.option(
    "--root-passphrase-file", metavar="FILE", help="Passphrase of the agency root, first line."
)


@group("officer")
def officer() -> None:
    """Enrol, list and revoke officers."""


@command(
    "enrol",
    group=officer,
    examples=('evkit officer enrol "Duty Officer" --rank SI --badge B-112 --role officer',),
    exits=(ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.argument("name")
@click.option("--rank", help="Rank, as on the identity card.")
@click.option("--badge", help="Badge or belt number.")
@click.option("--unit", help="Unit within the agency.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(_ROLES),
    help="What the officer does (repeat). Default: officer.",
)  # fmt: skip
@click.option("--id", "short", metavar="SLUG", help="Short name; else made from NAME or the badge.")
@click.option("--days", metavar="N", type=click.IntRange(1, 3650), default=1095, show_default=True,
              help="Validity of the certificate.")  # fmt: skip
@_ROOT_DIR
@_ROOT_PHRASE
@common
def enrol(
    session: Session,
    name: str,
    rank: str | None,
    badge: str | None,
    unit: str | None,
    roles: tuple[str, ...],
    short: str | None,
    days: int,
    root_dir: str | None,
    root_passphrase_file: str | None,
) -> None:
    """Enrol the officer NAME: the agency root certifies a new key, the new key signs the entry.

    The officer chooses the passphrase of the new key (--passphrase-file, or asked for).
    """
    from evkit.actions import officer as actions

    with session.station() as station:
        request = actions.Enrolment(
            name=name,
            officer=short,
            rank=rank,
            badge=badge,
            unit=unit,
            roles=roles,
            days=days,
            root_dir=os.fsencode(root_dir) if root_dir else None,
            root_passphrase=lambda: session.root_passphrase(root_passphrase_file),
            passphrase=lambda: session.passphrase(f"new passphrase of {name}", confirm=True),
        )
        session.emit(actions.enrol(station, request))


@command("list", group=officer, examples=("evkit officer list",), exits=(ExitCode.NO_CASE,))
@common
def list_(session: Session) -> None:
    """List all officers and whether they are in force."""
    from evkit.actions import officer as actions

    with session.station() as station:
        session.emit(actions.list_officers(station))


@command(
    "show",
    group=officer,
    examples=("evkit officer show duty-officer",),
    exits=(ExitCode.NO_CASE, ExitCode.KEY),
)
@click.argument("short", metavar="OFFICER")
@common
def show(session: Session, short: str) -> None:
    """Show one officer and the certificate."""
    from evkit.actions import officer as actions

    with session.station() as station:
        session.emit(actions.show(station, short))


@command(
    "revoke",
    group=officer,
    examples=(
        "evkit officer revoke duty-officer --reason ended",
        "evkit officer revoke duty-officer --reason compromise --invalid-from 2026-11-20T00:00:00Z",
    ),
    exits=(ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.argument("short", metavar="OFFICER")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why.")
@click.option(
    "--invalid-from", metavar="WHEN",
    help="For compromise: from when somebody else may have used the key.",
)  # fmt: skip
@_ROOT_DIR
@_ROOT_PHRASE
@common
def revoke(
    session: Session,
    short: str,
    reason: str,
    invalid_from: str | None,
    root_dir: str | None,
    root_passphrase_file: str | None,
) -> None:
    """Revoke the certificate of OFFICER; signed by the agency root."""
    from evkit.actions import officer as actions

    with session.station() as station:
        request = actions.Revocation(
            officer=short,
            reason=reason,
            invalid_from=invalid_from,
            root_dir=os.fsencode(root_dir) if root_dir else None,
            root_passphrase=lambda: session.root_passphrase(root_passphrase_file),
        )
        session.emit(actions.revoke(station, request))
