"""`evkit inventory prove`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from evkit.cli.session import Session


@command(
    "prove",
    examples=(
        "evkit inventory prove 2026-457/E1 /DCIM/IMG_0041.JPG -o photo.evproof",
        "evkit inventory prove 2026-457/E1/A1 312 --dry-run",
    ),
    exits=(
        ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT, ExitCode.REFUSED,
        ExitCode.STORAGE,
    ),
)  # fmt: skip
@common
@click.argument("what", metavar="CASE/E1[/A1]")
@click.argument("entry")
@click.option("-o", "--output", "target", metavar="FILE", help="A new file; not with --dry-run.")
@click.option("--with-case", is_flag=True, help="Enclose all entries of the case, not only two.")
@click.option("--dry-run", is_flag=True, help="Say what would be disclosed, write nothing.")
def prove(
    session: Session, what: str, entry: str, target: str | None, with_case: bool, dry_run: bool
) -> None:
    """Write a small file that proves one file of an image without the image.

    ENTRY is a path as `evkit inventory list` shows it, `path:stream`, a row number or a digest. The
    proof holds the sectors of the file in whole blocks of 16,384 bytes; how many bytes of them are
    not of the file is said before anything is written. `evkit verify` answers apart whether the
    sectors lie in the image and whether they are the file.
    """
    from evkit.actions.inventory_prove import Request
    from evkit.actions.inventory_prove import prove as run

    if target is None and not dry_run:
        raise UsageError("name the new file with `-o`", hint="or look first with `--dry-run`")
    request = Request(
        what=what,
        entry=entry,
        target=os.fsencode(target or ""),
        with_case=with_case,
        dry_run=dry_run,
    )
    with session.station() as station:
        session.emit(run(request, station, session.note))
