"""`evkit hash` and `evkit audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evkit.cli import output
from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.core.errors import ExitCode
from evkit.hashing.digests import parse_algorithms
from evkit.hashing.lists.formats import ONE_DIGEST, READABLE, WRITABLE
from evkit.hashing.tree_hash import default_jobs

if TYPE_CHECKING:
    from evkit.cli.session import Session

_PATHS = click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=bytes)
)
_JOBS = click.option(
    "--jobs", metavar="N", type=click.IntRange(1, 64), help="Worker processes for small files."
)


@command(
    "hash",
    examples=(
        "evkit hash evidence/ > evidence.hashdeep",
        "evkit hash --hash sha256 --format sha256sum -o list.txt evidence/",
        "evkit hash --json report.pdf",
    ),
    exits=(ExitCode.INCOMPLETE, ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE),
)
@_PATHS
@click.option("--hash", "hashes", metavar="LIST", help="md5, sha1, sha256, sha512; by comma.")
@click.option(
    "--format", "form", type=click.Choice(WRITABLE), default="hashdeep", show_default=True,
    help="The format of the list.",
)  # fmt: skip
@click.option(
    "-o", "--output", "output_path", metavar="FILE", type=click.Path(path_type=bytes),
    help="Create FILE instead of writing to stdout; it must not exist.",
)  # fmt: skip
@click.option("--relative", is_flag=True, help="hashdeep: names as given, as with `hashdeep -l`.")
@_JOBS
@common
def hash_(
    session: Session,
    paths: tuple[bytes, ...],
    hashes: str | None,
    form: str,
    output_path: bytes | None,
    relative: bool,
    jobs: int | None,
) -> None:
    """Digest files and folders and write a list of them.

    Without --hash the digests are MD5 and SHA-256, or SHA-256 in the formats that hold one digest.
    Links and special files are listed, not followed; end a link with / to read the folder behind
    it. The list keeps every name exactly, also one with a line feed or bytes that are not UTF-8.
    """
    from evkit.actions import hash as action

    default = "sha256" if form in ONE_DIGEST else "md5,sha256"
    request = action.Request(
        paths=paths,
        algorithms=parse_algorithms(hashes or default),
        form=form,
        output=output_path,
        relative=relative,
        jobs=jobs or default_jobs(),
        rows=session.json and output_path is None,
    )
    result = action.run(request, output.raw, session.progress())
    for remark in result.remarks():
        session.note(remark)
    session.emit(result)
    if output_path is None:
        session.note(result.summary())


@command(
    "audit",
    examples=(
        "evkit audit evidence.hashdeep evidence/",
        "evkit audit SHA256SUMS .",
        "evkit audit bag/manifest-sha256.txt bag/data",
    ),
    exits=(ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.INPUT),
)
@click.argument("list_path", metavar="LIST", type=click.Path(path_type=bytes))
@_PATHS
@click.option(
    "--format", "form", type=click.Choice(READABLE), help="The format of LIST; else recognised."
)
@click.option(
    "--base", metavar="DIR", type=click.Path(path_type=bytes),
    help="The folder where the names of LIST start; else found out and reported.",
)  # fmt: skip
@_JOBS
@common
def audit(
    session: Session,
    list_path: bytes,
    paths: tuple[bytes, ...],
    form: str | None,
    base: bytes | None,
    jobs: int | None,
) -> None:
    """Compare files and folders with a list of digests.

    Each name is ok, modified, moved, copied, new, missing or unreadable. LIST may come from
    hashdeep, sha256sum, md5sum, a BagIt bag, or evkit.
    """
    from evkit.actions import audit as action

    request = action.Request(
        list_path=list_path,
        paths=paths,
        form=form,
        base=base,
        jobs=jobs or default_jobs(),
    )
    session.emit(action.run(request, session.progress()))
