"""`evkit station`: make, show, reindex, back up and recover a station."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common
from evkit.cli.session import Session  # noqa: TC001 - the decorator passes it
from evkit.core.errors import ExitCode

_ROOT_DIR = click.option("--root-dir", metavar="DIR", help="Folder that holds the agency root.")
_ROOT_PHRASE = click.option(
    "--root-passphrase-file", metavar="FILE", help="Passphrase of the agency root, first line."
)


@group("station")
def station() -> None:
    """Make, show and back up a station."""


@command(
    "init",
    group=station,
    examples=(
        'evkit station init /evidence --name "Cyber Crime Circle" --agency "FIA Lahore"',
        "evkit station init /evidence --name Lab --agency PFSA --root-dir /media/root",
    ),
    exits=(ExitCode.KEY, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.argument("directory", metavar="DIR")
@click.option("--name", required=True, help="Name of the station.")
@click.option("--agency", required=True, help="Name of the agency, as in its root.")
@click.option("--origin", help="Name of the ledger; made from the names when left out.")
@click.option("--profile", default="pk", show_default=True, help="Legal profile.")
@_ROOT_DIR
@_ROOT_PHRASE
@common
def init(
    session: Session,
    directory: str,
    name: str,
    agency: str,
    origin: str | None,
    profile: str,
    root_dir: str | None,
    root_passphrase_file: str | None,
) -> None:
    """Make a station in the new folder DIR.

    The agency root is made in --root-dir when there is none yet; keep that folder on other media.
    """
    from evkit.actions import station as actions
    from evkit.station import rootkey
    from evkit.station.create import NewStation, check

    folder = os.fsencode(root_dir) if root_dir else None
    fresh = folder is None or not rootkey.exists(folder)
    request = NewStation(
        path=os.fsencode(directory),
        name=name,
        agency=agency,
        origin=origin,
        profile=profile,
        root_dir=folder,
        root_passphrase=b"",
    )
    check(request)
    phrase = session.root_passphrase(root_passphrase_file, confirm=fresh)
    session.emit(actions.init(replace(request, root_passphrase=phrase)))


@command(
    "show",
    group=station,
    examples=("evkit station show", "evkit --station /evidence station show --json"),
    exits=(ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED),
)
@common
def show(session: Session) -> None:
    """Show what the station is, its head and the fingerprint of the agency root."""
    from evkit.actions import station as actions

    with session.station() as opened:
        session.emit(actions.show(opened))


@command("reindex", group=station, examples=("evkit station reindex",), exits=(ExitCode.NO_CASE,))
@common
def reindex(session: Session) -> None:
    """Make the look-up file index.db again from the ledger."""
    from evkit.actions import station as actions

    with session.station() as opened:
        session.emit(actions.reindex(opened))


@command(
    "backup",
    group=station,
    examples=("evkit station backup -o /media/stick/unit-2026-11-22.tar",),
    exits=(ExitCode.NO_CASE, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.option("-o", "--output", "target", metavar="FILE", required=True, help="A .tar or a folder.")
@click.option("--evidence", is_flag=True, help="Also copy the evidence below cases/.")
@common
def backup(session: Session, target: str, evidence: bool) -> None:
    """Write a backup: ledger, certificates, encrypted keys; never the log key."""
    from evkit.actions import station as actions

    with session.station() as opened:
        session.emit(actions.backup(opened, os.fsencode(target), evidence=evidence))


@command(
    "recover",
    group=station,
    examples=("evkit station recover unit.tar /evidence --head 812:9f3c… --reason 'disk lost'",),
    exits=(ExitCode.FAILED_CHECK, ExitCode.KEY, ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE),
)
@click.argument("backup_file", metavar="BACKUP")
@click.argument("directory", metavar="DIR")
@click.option(
    "--head", required=True, metavar="SIZE:ROOT",
    help="The last head held outside: from a memo, a bundle, another officer.",
)  # fmt: skip
@click.option("--reason", required=True, metavar="TEXT", help="What was lost and how.")
@_ROOT_DIR
@_ROOT_PHRASE
@common
def recover(
    session: Session,
    backup_file: str,
    directory: str,
    head: str,
    reason: str,
    root_dir: str | None,
    root_passphrase_file: str | None,
) -> None:
    """Go on after a loss, from BACKUP in the new folder DIR.

    The ledger goes on under a new name and says in its first entry what came before.
    """
    from evkit.actions import station as actions
    from evkit.station.recover import Recovery

    size, root = actions.parse_head(head)
    request = Recovery(
        backup=os.fsencode(backup_file),
        target=os.fsencode(directory),
        size=size,
        root=root,
        reason=reason,
        root_dir=os.fsencode(root_dir) if root_dir else None,
        root_passphrase=session.root_passphrase(root_passphrase_file),
    )
    session.emit(actions.recover(request))
