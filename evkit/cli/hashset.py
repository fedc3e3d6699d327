"""`evkit hashset import|list|show|verify|remove`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli.custody import RECORDING_EXITS
from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.cli.recordable import record
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session
    from evkit.custody.state import ListedSet

_FORMATS = ("nsrl", "hashdeep", "sum", "plain", "csv", "vics")
_WHAT = click.argument("what", metavar="NAME|FILE")


@group("hashset")
def hashset() -> None:
    """Keep hash sets: digests of files that are known, or looked for.

    `evkit inventory mark` looks the streams of an inventory up in them.
    """


@command(
    "import",
    group=hashset,
    examples=(
        "evkit hashset import RDS_2026.09.1_modern_minimal.db --name nsrl-2026.09",
        "evkit hashset import list.md5 --name own --kind notable --source 'case 12/26'",
        "evkit hashset import vic.json --name vic-us --category 1 --category 2",
        "evkit hashset import list.csv --name own --kind known -o own.hashset",
    ),
    exits=(*RECORDING_EXITS, ExitCode.INPUT, ExitCode.INTERRUPTED),
)
@click.argument("file")
@click.option("--name", required=True, help="Short name, such as nsrl-2026.09.")
@click.option(
    "--kind",
    type=click.Choice(["known", "notable"]),
    help="What a match means; NSRL is known and Project VIC notable if it is left out.",
)
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Else it is recognised.")
@click.option(
    "--sensitive/--not-sensitive",
    default=None,
    help="Keep names of what it hits out of every output; usual for Project VIC.",
)
@click.option("--source", "origin", metavar="TEXT", help="Where it comes from.")
@click.option("--release", metavar="TEXT", help="Its version, if it does not say it itself.")
@click.option(
    "--category", "categories", metavar="N", type=click.IntRange(0), multiple=True,
    help="Only this category of Project VIC (repeat).",
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="A file outside a station; not recorded.")
@recording
@common
def import_(
    session: Session, file: str, name: str, kind: str | None, form: str | None,
    sensitive: bool | None, origin: str | None, release: str | None,
    categories: tuple[int, ...], output: str | None, recording: Recording,
) -> None:  # fmt: skip
    """Convert a list of digests once into a hash set that is looked up fast.

    Read are NSRL RDSv3 (SQLite), hashdeep, sha256sum and its relatives, one digest a line, CSV with
    a header, and Project VIC (JSON). Entries that are left out are counted by reason. The set lies
    in the station; where it comes from and its digest are a signed entry.
    """
    from evkit.actions import hashset_import as action

    request = action.Request(
        path=os.path.abspath(os.fsencode(file)),
        name=name,
        category=kind,
        form=form,
        sensitive=sensitive,
        origin=origin,
        release=release,
        categories=categories,
        output=os.fsencode(output) if output else None,
        values=recording.fields,
        happened=recording.happened,
        reason=recording.reason,
        dry_run=recording.dry_run,
    )
    if output:
        session.emit(action.run(request, progress=session.progress()))
        return
    with session.station() as station:
        action.check(request, station)
        signer = None if request.dry_run else session.signer(station, recording.officer)
        progress = session.progress()
        session.emit(action.run(request, station=station, signer=signer, progress=progress))


@command(
    "list",
    group=hashset,
    examples=("evkit hashset list",),
    exits=(ExitCode.INCOMPLETE, ExitCode.NO_CASE),
)
@common
def list_(session: Session) -> None:
    """List the hash sets of the station; one whose file is missing gives exit code 3."""
    from evkit.actions import hashsets as action

    with session.station() as station:
        session.emit(action.list_sets(station))


@command(
    "show",
    group=hashset,
    examples=("evkit hashset show nsrl-2026.09", "evkit hashset show ./own.hashset --json"),
    exits=(ExitCode.NO_CASE, ExitCode.INPUT),
)
@_WHAT
@common
def show(session: Session, what: str) -> None:
    """Show what a hash set is made of; its digests are not looked at."""
    from evkit.actions import hashsets as action

    session.emit(action.show(_path(session, what)[0]))


@command(
    "verify",
    group=hashset,
    examples=("evkit hashset verify nsrl-2026.09",),
    exits=(ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.INTERRUPTED),
)
@_WHAT
@common
def verify(session: Session, what: str) -> None:
    """Look at every byte of a hash set, and compare it with its record.

    Ends with 4 when a set of the station is sound and not the recorded one, 14 when it is damaged.
    """
    from evkit.actions import hashsets as action

    path, listed = _path(session, what)
    session.emit(action.verify(path, listed, session.progress()))


@command(
    "remove",
    group=hashset,
    examples=('evkit hashset remove nsrl-2026.06 --why "replaced by 2026.09"',),
    exits=RECORDING_EXITS,
)
@click.argument("name")
@click.option("--why", metavar="TEXT", help="Why it is no longer used.")
@recording
@common
def remove(session: Session, name: str, why: str | None, recording: Recording) -> None:
    """Take a hash set out of use and remove its file.

    The entries about its import and its removal stay, and so do the marks that it made.
    """
    from evkit.actions import hashsets as action
    from evkit.actions.custody import Request

    request = Request(kind=action.REMOVE, refs=(), values={"name": name, "why": why})
    record(session, recording, action.remove, request, action.check_remove)


def _path(session: Session, what: str) -> tuple[bytes, ListedSet | None]:
    """Return the file that a name or a path means, with its record."""
    from evkit.actions import hashsets as action

    if action.is_path(what):
        return action.path_of(what, None)
    with session.station() as station:
        return action.path_of(what, station)
