"""`evkit acquire`."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import click

from evkit.cli.frame import command
from evkit.cli.options import common, need_e01, only_with, recording
from evkit.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.actions.acquire_job import Request
    from evkit.cli.session import Recording, Session
    from evkit.identity.signer import Signer
    from evkit.station import Station

EXITS = (
    ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.NO_CASE, ExitCode.LOCKED, ExitCode.KEY,
    ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE, ExitCode.INTERRUPTED,
)  # fmt: skip


@command(
    "acquire",
    examples=(
        "evkit acquire --exhibit 2026-457/E1",
        "evkit acquire /dev/sdb --exhibit 2026-457/E1 --set write_blocker.make=Tableau",
        "evkit acquire /dev/sdb --exhibit 2026-457/E1 --to /media/a --also /media/b",
        "evkit acquire stick.dd --exhibit 2026-457/E1 --dry-run",
        "evkit acquire /dev/sdb --exhibit 2026-457/E1 --inventory",
        "evkit acquire /dev/sdb --exhibit 2026-457/E1 --type partition --part 2",
        "evkit acquire /mnt/pc --exhibit 2026-457/E1 --type targeted --files list.txt",
        "evkit acquire --resume --exhibit 2026-457/E1",
        "ssh host dd if=/dev/sda | evkit acquire - --exhibit 2026-457/E2",
    ),
    exits=EXITS,
)
@click.argument("source", required=False)
@click.option("--exhibit", metavar="CASE/E1", required=True, help="The exhibit it is taken from.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["e01", "raw"]),
    help="Format of the image; else E01 where the source fits into one, and raw.",
)
@click.option(
    "--compress",
    type=click.Choice(["none", "fast", "best"]),
    default="fast",
    show_default=True,
    help="Compression of an E01.",
)
@click.option(
    "--type",
    "type_",
    type=click.Choice(["full", "partition", "range", "targeted", "live"]),
    default="full",
    show_default=True,
    help="What is taken; `targeted` are files of a folder, `live` is a device in use.",
)
@click.option(
    "--part",
    metavar="N|RANGE",
    help="Number of the partition, or the range as OFFSET+LENGTH in bytes or sectors (2048s+8s).",
)
@click.option("--scope", metavar="TEXT", help="What is taken and why that is enough.")
@click.option(
    "--files", metavar="LIST", help="Paths or patterns below SOURCE, one a line (targeted)."
)
@click.option("--no-count", is_flag=True, help="Do not count what else is below SOURCE (targeted).")
@click.option("--cross", is_flag=True, help="Enter other file systems below SOURCE (targeted).")
@click.option(
    "--hash",
    "hashes",
    metavar="NAMES",
    help="Digests to make, else md5,sha256 and for an E01 sha1 too; SHA-256 always is.",
)
@click.option("--split", metavar="SIZE", help="Most bytes of a file of the image, such as 2000M.")
@click.option("--to", metavar="DIR", help="Put the image there instead of into the station.")
@click.option("--also", metavar="DIR", help="Write a second copy there in the same pass.")
@click.option(
    "--verify",
    type=click.Choice(["now", "later", "none"]),
    default="now",
    show_default=True,
    help="Read every copy back from its medium and compare.",
)
@click.option(
    "--reread",
    is_flag=True,
    help="Read the source a second time and compare it with the image; an answer of its own.",
)
@click.option("--block-nodes", is_flag=True, help="Locate damage to 16 KiB instead of 1 MiB.")
@click.option(
    "--retries",
    metavar="N",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Rounds over bad sectors at the end (raw).",
)
@click.option(
    "--give-up", metavar="TIME", help="Stop trying after so long in trouble: 90s, 30m, 2h (raw)."
)
@click.option(
    "--on-storm",
    type=click.Choice(["go-on", "raw"]),
    default="go-on",
    show_default=True,
    help="What an E01 does when errors become too many: `raw` goes on as raw with a map.",
)
@click.option(
    "--rescued", metavar="IMAGE", help="Go on with the image of a rescue by ddrescue (with --map)."
)
@click.option("--map", "map_", metavar="FILE", help="The map of the rescue, as ddrescue wrote it.")
@click.option(
    "--inventory",
    is_flag=True,
    help="List all files of the image while it is read back, as `evkit inventory run` does.",
)
@click.option("--resume", is_flag=True, help="Go on with an acquisition that was stopped.")
@click.option("--record", is_flag=True, help="Sign the end of complete work that is unsigned.")
@click.option("--finish", is_flag=True, help="Close stopped work; what was not read is zeros.")
@recording
@common
def acquire(session: Session, recording: Recording, **options: Any) -> None:  # noqa: ANN401
    """Image a block device, a file or standard input (`-`) for an exhibit.

    The source is only ever read. Digests and a piece tree are made in the same read; sectors that
    cannot be read are zeros in the image, listed in its map, and give exit code 3. Files have their
    names only when the image is complete. Without SOURCE the devices are shown and one is chosen.
    Work that was stopped, by whatever, goes on with --resume. Items of the acquisition log that
    only a person knows are asked for, or given with --set, such as `write_blocker.serial`.
    With --type targeted SOURCE is a folder of a mounted or running system, and the files that the
    list names are copied with their names and times; who decided that, what and why, is recorded
    and stands first wherever the acquisition is shown. A decision gives exit code 0.
    """
    alone = [name for name in ("record", "finish", "resume") if options[name]]
    if len(alone) > 1 or (alone and alone != ["resume"] and options["source"] is not None):
        raise UsageError("--resume, --record and --finish stand alone; --resume may name a source")
    if alone:
        only_with(f"--{alone[0]}", "source", "inventory")
    if options["resume"] or options["finish"]:
        _resume(session, recording, options)
    elif options["record"]:
        if options["inventory"]:
            raise UsageError("`--record` reads nothing", hint="use `evkit inventory run`")
        settle(session, options["exhibit"], "acquire", recording, record=True)
    else:
        _run(session, recording, options)


def _resume(session: Session, recording: Recording, options: dict[str, Any]) -> None:
    from evkit.actions.acquire_resume import Resume, resume
    from evkit.actions.unfinished import worth_closing

    exhibit, source = options["exhibit"], options["source"]
    with session.station() as station:
        if options["finish"] and not worth_closing(station, exhibit):
            from evkit.actions.latework import finish

            signer = session.signer(station, recording.officer)
            session.emit(finish(station, signer, exhibit, "acquire", recording.reason))
            return
        wish = Resume(
            ref=exhibit,
            source=None if source is None else os.fsencode(source),
            closing=options["finish"],
            reason=recording.reason,
            inventory=options["inventory"],
        )
        signer = session.signer(station, recording.officer)
        session.emit(resume(station, signer, wish, session.progress()))


def _run(session: Session, recording: Recording, options: dict[str, Any]) -> None:
    from evkit.cli import targeted

    targeted.check(options)
    with session.station() as station:
        if recording.dry_run:
            _begin(session, station, None, recording, options)
            return
        with session.unlocking(station, recording.officer) as unlocked:
            _begin(session, station, unlocked, recording, options)


def _begin(
    session: Session,
    station: Station,
    unlocked: Callable[[], Signer] | None,
    recording: Recording,
    options: dict[str, Any],
) -> None:
    """Acquire, or say what would be done when there is no key to wait for."""
    from evkit.actions.acquire import dry_run, look, run_unlocking  # takes a while as well
    from evkit.actions.scene import ask
    from evkit.cli import targeted
    from evkit.cli.begun import mention
    from evkit.cli.choosing import Terminal, choose_source
    from evkit.cli.registering import offer_registration

    mention(session, station, options["exhibit"], dry_run=unlocked is None)
    source = options["source"]
    if source is None:
        places = [os.fsencode(options[name]) for name in ("to", "also") if options[name]]
        source = os.fsdecode(choose_source(session, station, places))
    fields = {"type": options["type_"], **recording.fields}
    if options["scope"] is not None:
        fields["scope"] = options["scope"]
    fields, recording = targeted.ask(session, options["type_"], fields, recording)
    if options["type_"] == "targeted":
        wish = targeted.wish_of(recording, options, fields)
        targeted.run(session, station, unlocked, recording, wish)
        return
    request = _request(recording, {**options, "source": source}, fields)
    if unlocked is None:
        session.emit(dry_run(station, request))
        return
    request = dataclasses.replace(request, planned=look(request.source))
    offer_registration(session, station, recording, request.exhibit)
    asker = Terminal() if session.interactive() and not session.json else None
    scene = ask(station, request.exhibit, request.fields, asker, request.to)
    request = dataclasses.replace(request, fields=scene.fields)
    session.emit(run_unlocking(station, unlocked, request, session.progress()))


def _request(recording: Recording, options: dict[str, Any], fields: dict[str, object]) -> Request:
    from evkit.acquire import host
    from evkit.acquire.rescue import Policy
    from evkit.actions.acquire_job import Request
    from evkit.cli.sizes import read_seconds, read_size
    from evkit.hashing.digests import parse_algorithms

    hashes, split, give_up = options["hashes"], options["split"], options["give_up"]
    rescued, chart = options["rescued"], options["map_"]
    if (rescued is None) != (chart is None):
        raise UsageError("`--rescued` and `--map` go together", hint="image and map of ddrescue")
    need_e01(options["format_"])
    return Request(
        source=os.fsencode(options["source"]),
        exhibit=options["exhibit"],
        names=None if hashes is None else parse_algorithms(hashes),
        verify=options["verify"],
        block_nodes=options["block_nodes"],
        fields=fields,
        happened=recording.happened,
        reason=recording.reason,
        command=host.command(),
        format=options["format_"] or ("raw" if rescued else None),
        compress=options["compress"],
        split=None if split is None else read_size(split, "--split"),
        to=_folder(options["to"]),
        also=_folder(options["also"]),
        type=options["type_"],
        part=options["part"],
        reread=options["reread"],
        storm=options["on_storm"],
        policy=Policy(
            retries=options["retries"],
            give_up_seconds=None if give_up is None else read_seconds(give_up, "--give-up"),
        ),
        inventory=options["inventory"],
        rescued=None if rescued is None else (os.fsencode(rescued), os.fsencode(chart)),
    )


def _folder(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def settle(
    session: Session, exhibit: str, what: str, recording: Recording, *, record: bool
) -> None:
    """Sign or close unfinished work of an exhibit or acquisition."""
    from evkit.actions.latework import finish, sign_late

    with session.station() as station:
        signer = session.signer(station, recording.officer)
        done = sign_late if record else finish
        session.emit(done(station, signer, exhibit, what, recording.reason))
