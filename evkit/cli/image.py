"""`evkit image info|convert|export`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from evkit.cli import prompts
from evkit.cli.frame import command, group
from evkit.cli.options import common, need_e01, recording
from evkit.core.errors import CaseError, ExitCode, UsageError
from evkit.core.refs import is_ref, parse_ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.actions.image_derive import Derivation
    from evkit.actions.image_job import Request
    from evkit.cli.session import Recording, Session
    from evkit.core.refs import Ref
    from evkit.station import Station

EXITS = (
    ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE,
    ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT, ExitCode.REFUSED, ExitCode.STORAGE,
    ExitCode.INTERRUPTED,
)  # fmt: skip


@group("image")
def image() -> None:
    """Show, convert and export images."""


@command(
    "info",
    group=image,
    examples=(
        "evkit image info disk.E01",
        "evkit image info disk.dd --json",
        "evkit image info disk.vmdk",
    ),
    exits=(ExitCode.INPUT,),
)
@click.argument("path")
@common
def info(session: Session, path: str) -> None:
    """Show format, length, files, stated digests and case details of an image.

    The kind is told from the content, never from the name. Digests that the container states are
    shown and not checked. VMware, Virtual PC and Hyper-V images need the extra `containers`. Of
    EnCase logical evidence (L01) the files are listed; it holds no medium.
    """
    from evkit.actions.image import info as run

    session.emit(run(os.fsencode(path)))


def _form(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how the new image is made."""
    options = [
        click.option(
            "-o", "--output", metavar="TARGET",
            help="First file of the new image, outside the station; no record is made.",
        ),
        click.option(
            "--format", "format_", type=click.Choice(["e01", "raw"]),
            help="Format; else as TARGET is named, and of an acquisition the other one.",
        ),
        click.option(
            "--compress", type=click.Choice(["none", "fast", "best"]), default="fast",
            show_default=True, help="Compression of an E01.",
        ),
        click.option(
            "--split", metavar="SIZE", help="Most bytes of a file of the image, such as 2000M."
        ),
        click.option(
            "--map", "map_", metavar="FILE",
            help="Map of what a raw SOURCE lacks; else the one beside it; `none` for none.",
        ),
        click.option(
            "--to", metavar="DIR", help="Put the new acquisition there instead of into the station."
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@command(
    "convert",
    group=image,
    examples=(
        "evkit image convert disk.dd -o disk.E01",
        "evkit image convert disk.E01 -o disk.dd --split 2000M",
        "evkit image convert machine.vmdk -o machine.E01 --compress best",
        "evkit image convert 2026-457/E1/A1",
        "evkit image convert 2026-457/E1/A1 --format raw --to /media/store",
    ),
    exits=EXITS,
)
@click.argument("source")
@_form
@recording
@common
def convert(session: Session, source: str, recording: Recording, **options: Any) -> None:  # noqa: ANN401
    """Make a raw or E01 image of any image that evkit decodes; digests stay the same.

    What is read is compared with the digests that the source states, or that are on record of it;
    the new files are read back. They have their names only when all of that agrees. What cannot be
    decoded is zeros, is listed, and gives exit code 3. SOURCE is a file, or an acquisition
    CASE/E1/A1: its conversion is recorded as a new acquisition of the same exhibit.
    """
    request = _request(recording, options)
    if options["output"] is not None:
        _path(session, source, request, recording, options)
        return
    ref = _acquisition(source, "convert")
    from evkit.actions.image_derive import Derivation

    _derive(session, recording, Derivation(parent=ref, exhibit=ref.of_exhibit(), request=request))


@command(
    "export",
    group=image,
    examples=(
        'evkit image export 2026-457/E1/A1 --exhibit 2026-457/E2 --part 2 --what "data"',
        "evkit image export 2026-457/E1/A1 --exhibit 2026-457/E2 --range 2048s+204800s",
        "evkit image export disk.E01 -o part2.dd --part 2",
    ),
    exits=EXITS,
)
@click.argument("source")
@click.option("--exhibit", metavar="CASE/E2", help="The derived exhibit that it becomes.")
@click.option("--part", metavar="N", help="Number of the partition.")
@click.option(
    "--range", "range_", metavar="RANGE",
    help="OFFSET+LENGTH in bytes or sectors (2048s+8s); nothing behind the + is to the end.",
)  # fmt: skip
@click.option("--what", metavar="TEXT", help="Register the exhibit, with these words for it.")
@_form
@recording
@common
def export(session: Session, source: str, recording: Recording, **options: Any) -> None:  # noqa: ANN401
    """Take a partition or a range out of an image, as an exhibit of its own.

    Every recorded piece that covers the range is compared while it is read, so that the new
    exhibit provably holds bytes of its parent. With -o an image file is made and nothing recorded.
    """
    request = _request(recording, options)
    if (request.part is None) == (request.range is None):
        raise UsageError(
            "say which part: `--part N` or `--range OFFSET+LENGTH`",
            hint="`--part 2` for a partition, `--range 2048s+204800s` for a range",
        )
    if options["output"] is not None:
        if options["exhibit"] is not None:
            raise UsageError("`-o` makes a file and records nothing; leave `--exhibit` out")
        _path(session, source, request, recording, options)
        return
    ref = _acquisition(source, "export")
    if options["exhibit"] is None:
        raise UsageError(
            "say which exhibit it becomes: `--exhibit CASE/E2`",
            hint="or make a file without a record with `-o TARGET`",
        )
    from evkit.actions.image_derive import Derivation

    exhibit = parse_ref(options["exhibit"]).of_exhibit()
    wish = Derivation(parent=ref, exhibit=exhibit, request=request)
    _derive(session, recording, wish, options["what"])


def _acquisition(text: str, verb: str) -> Ref:
    ref = parse_ref(text) if is_ref(text) else None
    if ref is None or ref.acquisition is None:
        raise UsageError(
            f"`{text}` is no acquisition CASE/E1/A1; for an image file say where to: `-o TARGET`",
            hint=f"`evkit image {verb} disk.dd -o disk.E01`",
        )
    return ref


def _path(
    session: Session, source: str, request: Request, recording: Recording, options: dict[str, Any]
) -> None:
    """Convert or export a file; nothing is recorded."""
    from evkit.actions.image_convert import run

    if options["to"] is not None:
        raise UsageError("`--to` goes with an acquisition; `-o` names the file itself")
    from evkit.actions.meant import names_ref, path_hint

    if names_ref(source, session.station) and parse_ref(source).acquisition is not None:
        raise UsageError(
            f"`{source}` is an acquisition; what becomes of it is recorded: leave `-o` out",
            hint=path_hint(source) or "`--to DIR` puts the new image outside the station",
        )
    for name in ("officer", "happened", "reason"):
        if getattr(recording, name) is not None:
            raise UsageError(f"`--{name}` goes with an acquisition; a file has no record")
    if recording.fields:
        raise UsageError("`--set` and `--fields` go with an acquisition; a file has no record")
    chart = options["map_"]
    session.emit(
        run(
            os.fsencode(source),
            os.fsencode(options["output"]),
            request,
            chart=None if chart is None else os.fsencode(chart),
            dry_run=recording.dry_run,
            progress=session.progress(),
        )
    )


def _request(recording: Recording, options: dict[str, Any]) -> Request:
    from evkit.actions.image_job import Request
    from evkit.cli.sizes import read_size

    split, to = options["split"], options["to"]
    need_e01(options["format_"])
    return Request(
        format=options["format_"],
        compress=options["compress"],
        split=None if split is None else read_size(split, "--split"),
        part=options.get("part"),
        range=options.get("range_"),
        fields=recording.fields,
        happened=recording.happened,
        reason=recording.reason,
        to=None if to is None else os.fsencode(to),
    )


def _derive(
    session: Session,
    recording: Recording,
    wish: Derivation,
    what: str | None = None,
) -> None:
    """Make a derived acquisition of the station."""
    from evkit.actions import image_derive

    with session.station() as station:
        if recording.dry_run:
            session.emit(image_derive.dry_run(station, wish))
            return
        image_derive.look(station, wish)
        _register(session, station, recording, wish, what)
        signer = session.signer(station, recording.officer)
        session.emit(image_derive.run(station, signer, wish, session.progress()))


def _register(
    session: Session,
    station: Station,
    recording: Recording,
    wish: Derivation,
    what: str | None,
) -> None:
    """Register the derived exhibit when it is not: with `--what`, or after asking on a terminal."""
    from evkit.actions import custody
    from evkit.actions import exhibit as exhibits

    ref = wish.exhibit
    replayed = station.state(ref.case)
    custody.require_case(replayed, ref.case)
    try:
        custody.require_exhibit(replayed, str(ref))
    except CaseError as error:
        if what is None and session.interactive() and not session.json:
            if not prompts.yes(f"`{ref}` is not registered; register it now?"):
                raise
            what = prompts.line("what is it, so that a stranger would recognise it", default=None)
        if what is None:
            raise CaseError(error.message, hint="register it with `--what TEXT`") from error
    else:
        if what is not None:
            raise UsageError(f"`{ref}` is registered already; leave `--what` out")
        return
    values = {"what": what, "nature": "copy", "derived_from": [str(wish.parent)]}
    request = custody.Request(
        kind="register", refs=(str(ref),), values=values, reason=recording.reason
    )
    signer = session.signer(station, recording.officer)
    done = exhibits.register(station, signer, request)
    session.registered(done.lines())
