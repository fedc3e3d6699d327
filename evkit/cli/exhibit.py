"""`evkit exhibit register|list|show|mark|compare`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from evkit.cli.custody import RECORDING_EXITS
from evkit.cli.frame import command, group
from evkit.cli.options import common, recording
from evkit.cli.recordable import pairs, record, sensitive_option
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session

# option -> field, where the names differ
_FIELDS = {"from_": "seized_from"}


@group("exhibit")
def exhibit() -> None:
    """Register and show what was seized."""


@command(
    "register",
    group=exhibit,
    examples=(
        'evkit exhibit register 2026-457/E1 --what "phone, black" --imei 3569…',
        'evkit exhibit register 2026-457 --what "SIM card" --part-of 2026-457/E1',
        "evkit exhibit register 2026-457/E2 --fields seizure.yaml --attach memo.jpg",
    ),
    exits=RECORDING_EXITS,
)
@click.argument("ref", metavar="CASE/E1")
@click.option("--what", help="What it is, in words a stranger recognises it by.")
@click.option("--quantity", help="How many.")
@click.option("--make", help="Make.")
@click.option("--model", help="Model.")
@click.option("--serial", help="Serial number.")
@click.option("--imei", multiple=True, help="IMEI number (repeat).")
@click.option("--seal", multiple=True, help="Seal number (repeat).")
@click.option("--condition", help="Condition.")
@click.option("--place", help="Where it was taken.")
@click.option("--authority", help="Warrant, order or provision.")
@click.option("--from", "from_", metavar="PERSON", help="From whom; kept as a commitment.")
@click.option("--part-of", metavar="CASE/E1", help="The exhibit it is a part of.")
@click.option("--nature", help="original, copy or unknown.")
@click.option(
    "--derived-from", metavar="REF", multiple=True, help="What it was made from (repeat)."
)
@click.option(
    "--sensitive-material",
    is_flag=True,
    default=None,
    help="It holds sensitive material: keep names in it out of every output.",
)
@click.option("--attach", metavar="FILE", multiple=True, help="Take a file in by digest (repeat).")
@sensitive_option
@recording
@common
def register(
    session: Session,
    ref: str,
    attach: tuple[str, ...],
    sensitive: tuple[str, ...],
    recording: Recording,
    **options: Any,  # noqa: ANN401 - click passes texts and tuples of texts
) -> None:
    """Register an exhibit; CASE alone takes the next free number.

    The profile says what else should be given, with --set or --fields; what is left out is recorded
    as a deviation.
    """
    from evkit.actions import exhibit as actions
    from evkit.actions.custody import Request

    values = {_FIELDS.get(name, name): value for name, value in options.items()}
    request = Request(kind="register", refs=(ref,), values=values, sensitive=pairs(sensitive))
    action = functools.partial(actions.register, attach=attach)
    record(session, recording, action, request, actions.check_new)


@command(
    "mark",
    group=exhibit,
    examples=('evkit exhibit mark 2026-457/E1 Ex.P-12 --by "Sessions Court Karachi"',),
    exits=RECORDING_EXITS,
)
@click.argument("ref", metavar="CASE/E1")
@click.argument("mark")
@click.option("--by", metavar="TEXT", help="Who gives the mark.")
@recording
@common
def mark_(session: Session, ref: str, mark: str, by: str | None, recording: Recording) -> None:
    """Give an exhibit a further mark, such as that of a court."""
    from evkit.actions.custody import Request, run

    request = Request(kind="mark", refs=(ref,), values={"mark": mark, "given_by": by})
    record(session, recording, run, request)


@command(
    "list",
    group=exhibit,
    examples=("evkit exhibit list 2026-457",),
    exits=(ExitCode.NO_CASE,),
)
@click.argument("case", required=False)
@common
def list_(session: Session, case: str | None) -> None:
    """List the exhibits of a case, or of all cases."""
    from evkit.actions.exhibit import list_exhibits

    with session.station() as station:
        session.emit(list_exhibits(station, case))


@command(
    "show",
    group=exhibit,
    examples=("evkit exhibit show 2026-457/E1", "evkit exhibit show 2026-457/E1 --json"),
    exits=(ExitCode.NO_CASE,),
)
@click.argument("ref", metavar="CASE/E1")
@click.option("--all", "everything", is_flag=True, help="Name every field that was not given.")
@common
def show(session: Session, ref: str, *, everything: bool) -> None:
    """Show an exhibit, where it is, its acquisitions and what stands out."""
    from evkit.actions.exhibit import show_exhibit

    with session.station() as station:
        session.emit(show_exhibit(station, ref, everything=everything))


@command(
    "compare",
    group=exhibit,
    examples=(
        "evkit exhibit compare 2026-457/E1/A1 2026-457/E1/A2",
        "evkit exhibit compare ./image.raw.pieces ./other.raw.pieces --json",
        "evkit exhibit compare 2026-457/E1/A1 ./disk.qcow2",
    ),
    exits=(
        ExitCode.FAILED_CHECK,
        ExitCode.UNDECIDED,
        ExitCode.NO_CASE,
        ExitCode.INPUT,
    ),
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@common
def compare(session: Session, first: str, second: str) -> None:
    """Compare two acquisitions by their piece trees: where they differ, and which could not read.

    A and B are CASE/E1/A1, a pieces file or an image. The tree of an acquisition must be the one
    that its first end recorded. Where the images are here the MiBs that differ are read again, so
    that the answer is exact to the block of 16,384 bytes and the sector. Ends with 0 when they are
    equal, 4 when they differ or a pieces file is not the recorded one, 5 when it cannot be told.
    """
    from evkit.actions.exhibit_compare import compare as run

    session.emit(run(first, second, session.station, session.progress()))
