"""`evkit inventory` and its verbs `run|list|export`; others stand in modules beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.inventory_compare import compare
from evkit.cli.inventory_export import export
from evkit.cli.inventory_find import find
from evkit.cli.inventory_mark import mark
from evkit.cli.inventory_prove import prove
from evkit.cli.inventory_report import report
from evkit.cli.inventory_where import NO_CHECK, WHAT, signer_of, station_of
from evkit.cli.options import common, recording
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session


@group("inventory")
def inventory() -> None:
    """List every file and every stream of an image, and prove the list later.

    WHAT is an exhibit, one of its acquisitions, or a path: an image, a folder, an inventory file.
    """


@command(
    "run",
    group=inventory,
    examples=(
        "evkit inventory run 2026-457/E1",
        "evkit inventory run ./disk.E01 -o disk.inventory.db",
        "evkit inventory run 2026-457/E1 --resume",
        "evkit inventory run ./phone-export.zip -o phone.inventory.db",
    ),
    exits=(
        ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE,
        ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE,
        ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@common
@WHAT
@click.option(
    "--hash",
    "hashes",
    metavar="NAMES",
    default="md5,sha256",
    show_default=True,
    help="Digests to make.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The inventory file; only for a path. Else its name and .inventory.db, here.",
)
@click.option("--no-types", is_flag=True, help="Do not determine file types.")
@click.option("--no-archives", is_flag=True, help="Do not look into archives and mail.")
@click.option(
    "--orphans",
    is_flag=True,
    help="Also list deleted records to which no name leads; can take long and find garbage.",
)
@click.option(
    "--orphans-most",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="List at most so many of them in a volume; the rest is counted.",
)
@click.option(
    "--orphans-bytes",
    metavar="SIZE",
    default="64GiB",
    show_default=True,
    help="Read at most so much of their contents in a volume.",
)
@click.option(
    "--slack", is_flag=True, help="Also digest what lies between files and the end of their blocks."
)
@click.option(
    "--unallocated",
    is_flag=True,
    help="Also digest free space, gaps between partitions and what lies behind file systems.",
)
@click.option(
    "--jobs", type=click.IntRange(0, 256), default=0, metavar="N",
    help="Processes that read a volume at most; as many as there are processors by default.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with an inventory that was stopped.")
@click.option("--restart", is_flag=True, help="Throw an unfinished inventory away; begin anew.")
@click.option("--record", is_flag=True, help="Record a complete inventory that is not signed yet.")
@recording
def run(
    session: Session, what: str, hashes: str, output: str | None, no_types: bool,
    no_archives: bool, orphans: bool, orphans_most: int, orphans_bytes: str, slack: bool,
    unallocated: bool, jobs: int, resume: bool, restart: bool, record: bool,
    recording: Recording,
) -> None:  # fmt: skip
    """Inventory an acquisition, an image, a folder, or one archive or mail file.

    The file systems are read by libtsk in processes of their own. In folders and exports archives
    (zip, tar, 7z and packed files) and mail (mbox, EML) are looked into, without unpacking to a
    disk; digests that an export states of its files are compared. What cannot be read is a row, a
    count and exit code 3. An acquisition is compared with its record first, and the event is
    recorded at the end; one that is not what was acquired is not listed (exit code 4).

    Whatever stops it, what was listed is kept in a file that ends in .part: --resume compares it
    with the source and goes on, and is refused where there is none (exit code 2). Another run is
    refused until --resume or --restart is chosen.
    """
    from evkit.actions import inventory as action
    from evkit.core.limits import parse_size
    from evkit.hashing.digests import parse_algorithms
    from evkit.inventory.scan import Options

    station = station_of(session, what)
    request = action.RunRequest(
        what=what,
        is_ref=station is not None,
        options=Options(
            hashes=parse_algorithms(hashes),
            types=not no_types,
            archives=not no_archives,
            orphans=orphans_most if orphans else 0,
            orphan_bytes=parse_size(orphans_bytes),
            slack=slack,
            unallocated=unallocated,
            jobs=jobs,
        ),
        output=output,
        resume=resume,
        restart=restart,
        record=record,
        values=recording.fields,
        happened=recording.happened,
        reason=recording.reason,
        dry_run=recording.dry_run,
    )
    signer = signer_of(session, station, recording)
    session.emit(action.run(request, station=station, signer=signer, progress=session.progress()))


@command(
    "list",
    group=inventory,
    examples=(
        "evkit inventory list 2026-457/E1 --deleted",
        "evkit inventory list ./disk.inventory.db",
    ),
    exits=(ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.INPUT),
)
@common
@WHAT
@click.option(
    "--deleted", is_flag=True, help="Only deleted names, or what could not be read of them."
)
@click.option("--problems", is_flag=True, help="Only what could not be read.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Entries or problems at most; 0 for all.",
)
@NO_CHECK
def list_(
    session: Session, what: str, deleted: bool, problems: bool, limit: int, no_check: bool
) -> None:
    """Show an inventory: volumes, entries, totals, what could not be read.

    In front of an entry: D deleted, R deleted and its record belongs to another file by now,
    / directory, @ link, ! not readable. A time that ends in Z is one of UTC; any other is the local
    time of a system whose zone is unknown. An inventory that is not the recorded one is not shown.
    """
    from evkit.actions import inventory_show as action
    from evkit.actions.inventory_intact import View
    from evkit.actions.inventory_meant import locate

    station = station_of(session, what)
    database = locate(what, is_ref=station is not None, station=station)
    show = action.problems if problems else action.listing
    view = View(station=station, check=not no_check, progress=session.progress())
    session.emit(show(database, view, deleted=True if deleted else None, limit=limit))


for verb in (find, compare, export, mark, prove, report):
    inventory.add_command(verb)
