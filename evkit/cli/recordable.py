"""What the commands that record custody share: shaped options, and questions on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evkit.actions.custody import Request, missing_fields
from evkit.cli.options import merge_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.actions.custody import Recorded
    from evkit.cli.session import Recording, Session
    from evkit.identity.signer import Signer
    from evkit.station import Station

    Action = Callable[[Station, Signer | None, Request], Recorded]


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
) -> None:
    """Open the station, ask for what is missing, unlock the key, record, print.

    Args:
        session: this run.
        recording: the options of commands that record.
        action: what records.
        request: kind, references and the values of the command's own options, which win over
            `--set` and `--fields`; the rest is filled in here.
    """
    values = {
        **recording.fields,
        **{k: v for k, v in request.values.items() if v not in (None, ())},
    }
    with session.station() as station:
        reason = recording.reason
        if session.interactive() and not session.json and not recording.dry_run:
            left_out = _ask(station, request.kind, values, recording, request.sensitive)
            if left_out and reason is None:
                reason = _prompt("why is the rest left out") or None
        filled = Request(
            kind=request.kind,
            refs=request.refs,
            values=values,
            sensitive=request.sensitive,
            happened=recording.happened,
            reason=reason,
            dry_run=recording.dry_run,
        )
        signer = None if recording.dry_run else session.signer(station, recording.officer)
        session.emit(action(station, signer, filled))


def pairs(settings: tuple[str, ...]) -> dict[str, object]:
    """Return `FIELD=VALUE` settings as a mapping; UsageError when one is malformed."""
    return merge_fields(None, settings)


def _ask(
    station: Station,
    kind: str,
    values: dict[str, object],
    recording: Recording,
    sensitive: Mapping[str, object],
) -> bool:
    """Ask for what the profile wants and nobody gave; say whether something was left out."""
    given = {*values, *sensitive}
    if recording.happened:
        given.add("happened")
    missing = missing_fields(station, kind, given)
    if missing:
        click.echo("The profile asks for this; Enter leaves it out.", err=True)
    left_out = False
    for name, help_ in missing:
        answer = _prompt(help_)
        if answer:
            values[name] = answer
        left_out |= not answer
    return left_out


def _prompt(text: str) -> str:
    answer: str = click.prompt(text, default="", show_default=False, err=True)
    return answer.strip()
