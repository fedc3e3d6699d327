"""`evkit intake`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli import prompts
from evkit.cli.acquire import EXITS, settle
from evkit.cli.frame import command
from evkit.cli.options import common, only_with, recording
from evkit.cli.registering import offer_registration
from evkit.core.errors import UsageError

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session

# those of evkit.actions.intake_job.KINDS, named here so that help needs no action
KINDS = ("files", "image", "phone", "cctv", "provider", "cloud", "ram", "photo", "paper")


@command(
    "intake",
    examples=(
        "evkit intake export/ --exhibit 2026-457/E2 --expect export.sha256",
        "evkit intake disk.E01 disk.E01.txt --exhibit 2026-457/E1 --kind image",
        "evkit intake dvr/ --exhibit 2026-457/E3 --kind cctv --fields recorder.yaml",
        "evkit intake --record --exhibit 2026-457/E2",
    ),
    exits=EXITS,
)
@click.argument("paths", metavar="PATH…", nargs=-1)
@click.option("--exhibit", metavar="CASE/E1", required=True, help="The exhibit they belong to.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="files",
    show_default=True,
    help="What kind of delivery it is.",
)
@click.option(
    "--expect",
    metavar="DIGEST|LIST",
    help="Compare with a stated digest, or a hashdeep, sha256sum, BagIt or JSONL list.",
)
@click.option(
    "--derived-from", metavar="REF", multiple=True, help="What it was copied from (repeat)."
)
@click.option("--in-place", is_flag=True, help="Digest where it lies, copy nothing.")
@click.option("--reread", is_flag=True, help="Read every source file twice and compare.")
@click.option(
    "--hash",
    "hashes",
    metavar="NAMES",
    default="md5,sha256",
    show_default=True,
    help="Digests to make; SHA-256 always is.",
)
@click.option("--record", is_flag=True, help="Sign the end of complete work that is unsigned.")
@click.option("--finish", is_flag=True, help="Put on record that stopped work has ended.")
@recording
@common
def intake(
    session: Session, paths: tuple[str, ...], exhibit: str, kind: str, expect: str | None,
    derived_from: tuple[str, ...], in_place: bool, reread: bool, hashes: str, record: bool,
    finish: bool, recording: Recording,
) -> None:  # fmt: skip
    """Take in files, folders, or an image that another tool made.

    Files are copied under neutral names; their own names, times, owner and mode stand in
    files.jsonl. Links and special files are recorded and not followed. With --kind image, PATH is
    any file of a raw, split raw, E01 or Ex01 image, or the first file of a QEMU, VMware, Virtual PC
    or Hyper-V image (its other files must lie beside it), followed by its logs; the digests that
    they state are compared, and the image counts as made by another tool and first digested here.
    """
    from evkit.actions.intake import dry_run, run
    from evkit.actions.intake_job import Request
    from evkit.hashing.digests import parse_algorithms

    if record or finish:
        if paths or (record and finish):
            raise UsageError("--record and --finish stand alone, without paths")
        only_with("--record" if record else "--finish")
        settle(session, exhibit, "intake", recording, record=record)
        return
    fields = dict(recording.fields)
    if derived_from:
        fields["derived_from"] = list(derived_from)
    with session.station() as station:
        if not recording.dry_run:
            offer_registration(session, station, recording, exhibit)
            _ask(session, kind, fields)
        request = Request(
            paths=tuple(os.fsencode(path) for path in paths),
            exhibit=exhibit,
            kind=kind,
            names=parse_algorithms(hashes),
            expect=expect,
            in_place=in_place,
            reread=reread,
            fields=fields,
            happened=recording.happened,
            reason=recording.reason,
        )
        if recording.dry_run:
            session.emit(dry_run(station, request))
            return
        signer = session.signer(station, recording.officer)
        session.emit(run(station, signer, request, session.progress()))


def _ask(session: Session, kind: str, fields: dict[str, object]) -> None:
    """Ask on a terminal for what this kind of delivery wants; an empty answer leaves it out."""
    from evkit.actions.intake_job import missing_of_kind
    from evkit.custody.kinds import kind_of

    if not session.interactive() or session.json:
        return
    known = kind_of("intake-end").fields
    for name in missing_of_kind(kind, fields):
        answer = prompts.line(known[name].help)
        if answer:
            fields[name] = answer
