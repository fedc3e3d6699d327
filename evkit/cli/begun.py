"""Saying, before an acquisition begins, that an earlier one of the exhibit has no end yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.cli import output, prompts
from evkit.core.errors import InterruptedByUserError
from evkit.core.refs import parse_ref

if TYPE_CHECKING:
    from evkit.cli.session import Session
    from evkit.station import Station


def mention(session: Session, station: Station, exhibit: str, *, dry_run: bool) -> None:
    """Name acquisitions that were stopped and can go on; on a terminal ask whether to go on.

    Raises:
        InterruptedByUserError: the person would rather go on with the old one.
    """
    from evkit.acquire import journal
    from evkit.actions.status import is_alive
    from evkit.actions.unfinished import unfinished

    found = unfinished(station, parse_ref(exhibit).of_exhibit(), "acquire")
    left = [
        work
        for _, work in found.works
        if work.state == journal.RUNNING and work.work and not is_alive(work.pid)
    ]
    for work in left:
        session.note(f"{work.ref} was stopped and can go on; this is a new acquisition")
        if not session.quiet and not session.json:
            output.err(f"  evkit acquire --resume --exhibit {work.ref}")
    asked = session.interactive() and not session.json and not dry_run
    if left and asked and not prompts.yes("begin a new one all the same?"):
        raise InterruptedByUserError("nothing was begun")
