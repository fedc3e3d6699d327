"""`evkit inventory` and its verbs `run|list|find|export`; others stand in modules beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.inventory_compare import compare
from evkit.cli.inventory_export import export
from evkit.cli.inventory_mark import mark
from evkit.cli.inventory_report import report
from evkit.cli.inventory_where import station_of
from evkit.cli.options import common, recording
from evkit.core.errors import ExitCode
from evkit.core.refs import is_ref

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session

_ORPHANS = 1_000_000
_WHAT = click.argument("what", metavar="CASE/E1[/A1]|PATH")


@group("inventory")
def inventory() -> None:
    """List every file and every stream of an image, and prove the list later.

    WHAT is an exhibit, one of its acquisitions, or a path: an image, a folder, an inventory file.
    """


@command(
    "run",
    group=inventory,
    examples=(
        "evkit inventory run C-2026-014/E1",
        "evkit inventory run disk.E01 -o disk.inventory.db",
    ),
    exits=(
        ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE,
        ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE,
        ExitCode.INTERRUPTED,
    ),
)  # fmt: skip
@common
@_WHAT
@click.option(
    "--hash",
    "hashes",
    metavar="NAMES",
    default="md5,sha256",
    show_default=True,
    help="Digests to make.",
)
@click.option("-o", "--output", metavar="FILE", help="The inventory file; only for a path.")
@click.option("--no-types", is_flag=True, help="Do not determine file types.")
@click.option(
    "--orphans",
    is_flag=True,
    help="Also list deleted records to which no name leads; can take long and find garbage.",
)
@click.option("--record", is_flag=True, help="Record a complete inventory that is not signed yet.")
@recording
def run(
    session: Session, what: str, hashes: str, output: str | None, no_types: bool, orphans: bool,
    record: bool,
    recording: Recording,
) -> None:  # fmt: skip
    """Inventory an acquisition, an image or a folder.

    The file systems are read by libtsk in processes of their own. What cannot be read is a row, a
    count and exit code 3. An acquisition is compared with its record first, and the event is
    recorded at the end; one that is not what was acquired is not listed (exit code 4).
    """
    from evkit.actions import inventory as action
    from evkit.hashing.digests import parse_algorithms
    from evkit.inventory.scan import Options

    request = action.RunRequest(
        what=what,
        is_ref=is_ref(what),
        options=Options(
            hashes=parse_algorithms(hashes), types=not no_types, orphans=_ORPHANS if orphans else 0
        ),
        output=output,
        record=record,
        values=recording.fields,
        happened=recording.happened,
        reason=recording.reason,
        dry_run=recording.dry_run,
    )
    station = station_of(session, what)
    signer = None
    if station is not None and not request.dry_run:
        signer = session.signer(station, recording.officer)
    session.emit(action.run(request, station=station, signer=signer, progress=session.progress()))


@command(
    "list",
    group=inventory,
    examples=("evkit inventory list C-2026-014/E1 --deleted",),
    exits=(ExitCode.NO_CASE, ExitCode.INPUT),
)
@common
@_WHAT
@click.option("--deleted", is_flag=True, help="Only deleted names.")
@click.option("--problems", is_flag=True, help="Only what could not be read.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Entries at most; 0 for all.")
def list_(session: Session, what: str, deleted: bool, problems: bool, limit: int) -> None:
    """Show an inventory: volumes, entries, totals, what could not be read.

    In front of an entry: D deleted, R deleted and its record belongs to another file by now,
    / directory, @ link, ! not readable.
    """
    from evkit.actions import inventory_show as action

    database = action.locate(what, is_ref=is_ref(what), station=station_of(session, what))
    if problems:
        session.emit(action.problems(database))
    else:
        session.emit(action.listing(database, deleted=True if deleted else None, limit=limit))


@command(
    "find",
    group=inventory,
    examples=(
        "evkit inventory find C-2026-014/E1 --name '*.csv'",
        "evkit inventory find C-2026-014/E1 --type 'image/*' --size 100kB..",
        "evkit inventory find C-2026-014 --deleted",
    ),
    exits=(ExitCode.NO_CASE, ExitCode.INPUT),
)
@common
@click.argument("what", metavar="CASE[/E1[/A1]]|PATH")
@click.option("--name", metavar="GLOB", help="File name, such as '*.jpg'; case is ignored.")
@click.option("--path", metavar="GLOB", help="Path, or a part of it.")
@click.option("--digest", metavar="HEX", help="MD5, SHA-1, SHA-256 or SHA-512 in full.")
@click.option("--type", "type_", metavar="GLOB", help="File type, such as 'image/*'.")
@click.option("--size", metavar="SIZE", help="4096, 1MB.., ..100, 1kB..2MiB.")
@click.option("--deleted", is_flag=True, help="Only deleted names.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Entries at most; 0 for all.")
def find(
    session: Session, what: str, name: str | None, path: str | None, digest: str | None,
    type_: str | None, size: str | None, deleted: bool, limit: int,
) -> None:  # fmt: skip
    """Search an inventory; everything that is given must hold.

    For a case or an exhibit the newest inventory of each acquisition is searched. evkit lists and
    digests; it does not extract files, an examiner's tool does.
    """
    from evkit.actions import inventory_show as action
    from evkit.core.refs import parse_ref
    from evkit.inventory.find import Criteria, parse_digest, parse_sizes

    criteria = Criteria(
        name=name,
        path=path,
        digest=parse_digest(digest) if digest else None,
        type=type_,
        size=parse_sizes(size) if size else None,
        deleted=True if deleted else None,
    )
    station = station_of(session, what)
    if station is not None and parse_ref(what).acquisition is None:
        from evkit.actions.inventory_search import search

        session.emit(search(what, station, criteria, limit))
        return
    database = action.locate(what, is_ref=is_ref(what), station=station)
    session.emit(action.find(database, criteria, limit))


inventory.add_command(export)
inventory.add_command(mark)
inventory.add_command(report)
inventory.add_command(compare)
