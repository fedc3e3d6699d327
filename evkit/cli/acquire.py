"""`evkit acquire`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.options import common, recording
from evkit.core.errors import CaseError, ExitCode, UsageError

if TYPE_CHECKING:
    from evkit.actions.acquire_job import Request
    from evkit.cli.session import Recording, Session
    from evkit.station import Station

EXITS = (
    ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY,
    ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE, ExitCode.INTERRUPTED,
)  # fmt: skip


@command(
    "acquire",
    examples=(
        "evkit acquire /dev/sdb --exhibit 2026-457/E1 --set write_blocker.make=Tableau",
        "evkit acquire stick.dd --exhibit 2026-457/E1 --dry-run",
        "ssh host dd if=/dev/sda | evkit acquire - --exhibit 2026-457/E2",
        "evkit acquire --record --exhibit 2026-457/E1",
    ),
    exits=EXITS,
)
@click.argument("source", required=False)
@click.option("--exhibit", metavar="CASE/E1", required=True, help="The exhibit it is taken from.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["raw"]),
    default="raw",
    show_default=True,
    help="Format of the image.",
)
@click.option(
    "--type",
    "type_",
    type=click.Choice(["full"]),
    default="full",
    show_default=True,
    help="What is taken.",
)
@click.option(
    "--hash",
    "hashes",
    metavar="NAMES",
    default="md5,sha256",
    show_default=True,
    help="Digests to make; SHA-256 always is.",
)
@click.option("--scope", metavar="TEXT", help="What is taken and why that is enough.")
@click.option(
    "--verify",
    type=click.Choice(["now", "later", "none"]),
    default="now",
    show_default=True,
    help="Read the image back from its medium and compare.",
)
@click.option("--block-nodes", is_flag=True, help="Locate damage to 16 KiB instead of 1 MiB.")
@click.option("--record", is_flag=True, help="Sign the end of complete work that is unsigned.")
@click.option("--finish", is_flag=True, help="Put on record that stopped work has ended.")
@recording
@common
def acquire(
    session: Session, source: str | None, exhibit: str, format_: str, type_: str, hashes: str,
    scope: str | None, verify: str, block_nodes: bool, record: bool, finish: bool,
    recording: Recording,
) -> None:  # fmt: skip
    """Image a block device, a file or standard input (`-`) for an exhibit.

    The source is only ever read. Digests and a piece tree are made in the same read; sectors that
    cannot be read are zeros in the image, listed in its map, and give exit code 3. The image has
    its name only when it is complete. Items of the acquisition log that only a person knows are
    given with --set, such as `write_blocker.serial` or `source.power_state`.
    """
    from evkit.acquire import host
    from evkit.actions.acquire_job import Request
    from evkit.hashing.digests import parse_algorithms

    if record or finish:
        if source is not None or (record and finish):
            raise UsageError("--record and --finish stand alone, without a source")
        settle(session, exhibit, "acquire", recording, record=record)
        return
    if source is None:
        raise UsageError(
            "what is to be acquired?", hint="name a device or a file, or `-` for standard input"
        )
    fields = {"type": type_, "format": format_, **recording.fields}
    if scope is not None:
        fields["scope"] = scope
    request = Request(
        source=os.fsencode(source),
        exhibit=exhibit,
        names=parse_algorithms(hashes),
        verify=verify,
        block_nodes=block_nodes,
        fields=fields,
        happened=recording.happened,
        reason=recording.reason,
        command=host.command(),
    )
    _run(session, recording, request)


def _run(session: Session, recording: Recording, request: Request) -> None:
    from evkit.actions.acquire import dry_run, run

    with session.station() as station:
        if recording.dry_run:
            session.emit(dry_run(station, request))
            return
        offer_registration(session, station, recording, request.exhibit)
        signer = session.signer(station, recording.officer)
        session.emit(run(station, signer, request, session.progress()))


def settle(
    session: Session, exhibit: str, what: str, recording: Recording, *, record: bool
) -> None:
    """Sign or close unfinished work of an exhibit or acquisition."""
    from evkit.actions.latework import finish, sign_late

    with session.station() as station:
        signer = session.signer(station, recording.officer)
        done = sign_late if record else finish
        session.emit(done(station, signer, exhibit, what, recording.reason))


def offer_registration(
    session: Session, station: Station, recording: Recording, exhibit: str
) -> None:
    """Offer, on a terminal, to register an exhibit that is not; elsewhere the action refuses."""
    from evkit.actions import custody
    from evkit.actions import exhibit as exhibits
    from evkit.core.refs import parse_ref

    ref = parse_ref(exhibit).of_exhibit()
    if not session.interactive() or session.json:
        return
    replayed = station.state(ref.case)
    custody.require_case(replayed, ref.case)
    try:
        custody.require_exhibit(replayed, str(ref))
    except CaseError:
        if not click.confirm(f"`{ref}` is not registered; register it now?", err=True):
            raise
        what: str = click.prompt("what is it, so that a stranger would recognise it", err=True)
        request = custody.Request(kind="register", refs=(str(ref),), values={"what": what})
        signer = session.signer(station, recording.officer)
        done = exhibits.register(station, signer, request)
        for line in done.lines():
            session.note(line.removeprefix("evkit: "))
