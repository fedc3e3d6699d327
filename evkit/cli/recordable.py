"""What the commands that record custody share: shaped options, and questions on a terminal."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from evkit.actions.custody import check as check_refs
from evkit.cli import prompts
from evkit.cli.asking import Answers, ask, keep
from evkit.cli.options import merge_fields
from evkit.core.errors import EvkitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.actions.custody import Recorded, Request
    from evkit.cli.session import Recording, Session
    from evkit.identity.signer import Signer
    from evkit.station import Station

    Action = Callable[[Station, Signer | None, Request], Recorded]
    Check = Callable[[Station, Request], object]


def sensitive_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--sensitive FIELD=VALUE`, passed on as `sensitive`."""
    return click.option(
        "--sensitive",
        metavar="FIELD=VALUE",
        multiple=True,
        help="Like --set, but only a commitment is signed (repeat).",
    )(function)


def record(
    session: Session,
    recording: Recording,
    action: Action,
    request: Request,
    check: Check = check_refs,
) -> None:
    """Open the station, ask for what is missing, unlock the key, record, print.

    Everything that can be wrong is looked for before the first question, and everything that can
    be asked is asked before the passphrase. Answers outlive an error: see `asking.keep`.

    Args:
        session: this run.
        recording: the options of commands that record.
        action: what records.
        request: kind, references and the values of the command's own options, which win over
            `--set` and `--fields`; the rest is filled in here.
        check: looks for the case and the exhibits that the request names.
    """
    given = {k: v for k, v in request.values.items() if v not in (None, ())}
    request = dataclasses.replace(
        request,
        values={**recording.fields, **given},
        happened=recording.happened,
        reason=recording.reason,
        dry_run=recording.dry_run,
    )
    answers = Answers()
    with session.station() as station:
        check(station, request)
        if not recording.dry_run:
            session.officer(station, recording.officer)
        try:
            if session.interactive() and not session.json and not recording.dry_run:
                request = _ask(station, request, answers)
            result = action(station, None, dataclasses.replace(request, dry_run=True))
            if not recording.dry_run:
                signer = session.signer(station, recording.officer)
                result = action(station, signer, request)
        except (EvkitError, click.Abort, KeyboardInterrupt):
            kept = keep(answers, request)
            if kept:
                session.note(
                    f"your answers are kept, but for names of persons; add --fields {kept}"
                )
            raise
        session.emit(result)


def pairs(settings: tuple[str, ...]) -> dict[str, object]:
    """Return `FIELD=VALUE` settings as a mapping; UsageError when one is malformed."""
    return merge_fields(None, settings)


def _ask(station: Station, request: Request, answers: Answers) -> Request:
    """Return the request with what a person typed."""
    ask(station, request, answers)
    reason = request.reason
    if answers.left_out and reason is None:
        reason = prompts.line("why is the rest left out") or None
    return dataclasses.replace(request, values={**request.values, **answers.values}, reason=reason)
