"""`evkit verify WHAT…`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.core.errors import CaseError, ExitCode, UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.identity.signer import Signer
    from evkit.station import Station


@command(
    "verify",
    examples=(
        "evkit verify /media/stick/2026-457 --memo memo.txt",
        "evkit verify bundle.zip --trust sha256:5f70… --anchor 14:9b74…",
        "evkit verify 2026-457/E1/A1 --record",
        "evkit verify disk.E01",
        "evkit verify photo.evproof --memo memo.txt",
        "evkit verify 2026-457/E1/A1 --copy second",
    ),
    exits=(
        ExitCode.INCOMPLETE, ExitCode.FAILED_CHECK, ExitCode.UNDECIDED, ExitCode.NO_CASE,
        ExitCode.LOCKED, ExitCode.KEY, ExitCode.INPUT,
    ),
)  # fmt: skip
@click.argument("what", nargs=-1, required=True, metavar="WHAT…")
@click.option(
    "--memo",
    "memos",
    metavar="TEXT|FILE",
    multiple=True,
    help="A paper memo: text of its QR code, or its groups as typed.",
)
@click.option(
    "--trust",
    "trusts",
    metavar="FILE|sha256:…",
    multiple=True,
    help="The root that you trust: its certificate, or the fingerprint from a memo.",
)
@click.option(
    "--anchor",
    "anchors",
    metavar="SIZE:ROOT|FILE",
    multiple=True,
    help="A head held outside: number of entries and root, or a checkpoint file.",
)
@click.option(
    "--exhibits",
    metavar="DIR",
    multiple=True,
    help="A folder with evidence to compare with the record.",
)
@click.option(
    "--require",
    metavar="NAMES",
    multiple=True,
    help="What must have been checked too: content, openings, revocation.",
)
@click.option(
    "--no-history", is_flag=True, help="Do not ask whether the ledger is the one held outside."
)
@click.option(
    "--copy",
    metavar="NAME|MEDIUM",
    help="The copy to read: master, second, a medium; else the first that is here.",
)
@click.option(
    "--extract", metavar="FILE", help="Write the content of a proof of origin to a new file."
)
@click.option("--all", "everything", is_flag=True, help="Show remarks of the same kind one by one.")
@click.option("--record", is_flag=True, help="Log the result in the station.")
@click.option("--officer", metavar="O", help="With --record: the officer who signs.")
@common
def verify(
    session: Session, what: tuple[str, ...], memos: tuple[str, ...], trusts: tuple[str, ...],
    anchors: tuple[str, ...], exhibits: tuple[str, ...], require: tuple[str, ...],
    no_history: bool, copy: str | None, extract: str | None, everything: bool, record: bool,
    officer: str | None,
) -> None:  # fmt: skip
    """Check a bundle, a manifest, a proof, a station, a case, an exhibit or an image.

    Four questions are answered, PASS, FAIL or UNDECIDED: content (are the bytes those recorded?),
    authorship (do the signatures lead to a root that you supplied?), record (is everything in the
    ledger, nothing left out?), history (is it the ledger whose head somebody holds outside?). What
    is found inside the thing itself is shown and never used as authority. Without `--memo`,
    `--trust` and `--anchor` the answer cannot be better than UNDECIDED. Of a proof of origin two
    verdicts stand in place of content: do these sectors lie in the image, and are they this file?
    """
    from evkit.actions import verify as action
    from evkit.actions.verify_inputs import Options, Request

    if officer and not record:
        raise UsageError("`--officer` belongs to `--record`")

    def station() -> Station:
        try:
            return session.station()
        except CaseError as error:
            absent = next((text for text in what if not os.path.lexists(text)), None)
            if absent is None:
                raise
            raise CaseError(
                f"no file or folder `{escape(absent)}` is here; as a case: {error.message}",
                hint="check the name; for a case name its station with `--station DIR`",
            ) from error

    def signer(station: Station) -> Signer:
        return session.signer(station, officer)

    request = Request(
        what=what,
        options=Options(
            memos=memos,
            trusts=trusts,
            anchors=anchors,
            exhibits=exhibits,
            require=require,
            no_history=no_history,
        ),
        open_station=station,
        record=record,
        get_signer=signer if record else None,
        everything=everything,
        copy=copy,
        extract=extract,
    )
    session.emit(action.run(request))
