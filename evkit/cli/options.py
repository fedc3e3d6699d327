"""Decorators that give commands their shared options."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from evkit.cli.session import Recording, Session
from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Callable

GLOBALS = ("station", "json", "quiet", "debug", "passphrase_file", "progress")
MODES = ("auto", "bar", "lines", "json", "none")


def _keep(attribute: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value not in (None, False):
            setattr(ctx.ensure_object(Session), attribute, value)

    return callback


def _global_options(function: Callable[..., Any], *, hidden: bool) -> Callable[..., Any]:
    options = [
        click.option(
            "--station", metavar="DIR", expose_value=False, callback=_keep("station_path"),
            help="The station's folder; else EVKIT_STATION, else the nearest one upwards.",
        ),
        click.option(
            "--json", is_flag=True, expose_value=False, callback=_keep("json"),
            help="Print one JSON document.",
        ),
        click.option(
            "--quiet", is_flag=True, expose_value=False, callback=_keep("quiet"),
            help="No progress and no notes on stderr.",
        ),
        click.option(
            "--debug", is_flag=True, expose_value=False, callback=_keep("debug"),
            help="Show the traceback of an error.",
        ),
        click.option(
            "--passphrase-file", metavar="FILE", expose_value=False,
            callback=_keep("passphrase_file"),
            help="Read the passphrase from the first line of FILE (EVKIT_PASSPHRASE_FILE).",
        ),
        click.option(
            "--progress", type=click.Choice(MODES), expose_value=False,
            callback=_keep("progress_mode"), help="How progress is shown.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    if hidden:
        for parameter in function.__click_params__:  # type: ignore[attr-defined]
            if parameter.name in GLOBALS:
                parameter.hidden = True
    return function


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the global options and pass the `Session` as the first argument."""

    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        ctx = click.get_current_context()
        return function(ctx.ensure_object(Session), *args, **kwargs)

    return _global_options(wrapper, hidden=True)


def root_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the global options to the top level, where they may stand before the command."""
    return _global_options(function, hidden=False)


def recording(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that record an event, collected as `recording: Recording`."""

    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: Any) -> object:  # noqa: ANN401 - click passes anything
        kwargs["recording"] = Recording(
            officer=kwargs.pop("officer"),
            happened=kwargs.pop("happened"),
            fields=merge_fields(kwargs.pop("fields_file"), kwargs.pop("settings")),
            reason=kwargs.pop("reason"),
            dry_run=kwargs.pop("dry_run"),
        )
        return function(*args, **kwargs)

    options = [
        click.option("--officer", metavar="O", help="The officer who signs (EVKIT_OFFICER)."),
        click.option(
            "--happened", metavar="WHEN", help="When it happened: 2026-11-22T14:05:00+05:00."
        ),
        click.option(
            "--set",
            "settings",
            metavar="FIELD=VALUE",
            multiple=True,
            help="Set a field (repeat); a wrong name is answered with the right ones.",
        ),
        click.option(
            "--fields", "fields_file", metavar="FILE", help="Read fields from a YAML or JSON file."
        ),
        click.option("--reason", metavar="TEXT", help="Why the procedure was departed from."),
        click.option("--dry-run", is_flag=True, help="Make every check, write nothing."),
    ]
    wrapped: Callable[..., Any] = wrapper
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def no_pdf(target: str | None) -> None:
    """Refuse to write a page or a text under the name of a PDF.

    Raises:
        UsageError: the name ends in .pdf.
    """
    if target is not None and target.lower().endswith(".pdf"):
        raise UsageError(
            "evkit writes no PDF here",
            hint=f"name it `{escape(target[:-4])}.html`, open it in a browser and print it there",
        )


def only_with(mode: str, *names: str) -> None:
    """Refuse options on the command line that a mode would ignore.

    Args:
        mode: the option that stands alone, such as `--resume`.
        names: parameters that go with it, beside the exhibit, officer, reason and global ones.

    Raises:
        UsageError: another one was given.
    """
    ctx = click.get_current_context()
    known = {*GLOBALS, mode.removeprefix("--"), "exhibit", "officer", "reason", *names}
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "")
        if given is click.core.ParameterSource.COMMANDLINE and parameter.name not in known:
            raise UsageError(
                f"`{parameter.opts[0]}` does not go with `{mode}`",
                hint="what was asked for at the start of the work still holds",
            )


def need_e01(format_: str | None) -> None:
    """Refuse a compression that was typed for an image that has none.

    Raises:
        UsageError: `--compress` goes with `--format raw`.
    """
    source = click.get_current_context().get_parameter_source("compress")
    if format_ == "raw" and source is click.core.ParameterSource.COMMANDLINE:
        raise UsageError(
            "`--compress` does not go with `--format raw`",
            hint="a raw image holds the medium as it is; leave one of the two out",
        )


def merge_fields(path: str | None, settings: tuple[str, ...]) -> dict[str, object]:
    """Return the fields of a file, overridden by `FIELD=VALUE` settings.

    Raises:
        UsageError: a setting has no `=`, or a field is set twice.
        InputError: the file is not a mapping.
    """
    fields: dict[str, object] = {}
    if path:
        from evkit.core.data import load_yaml

        try:
            loaded = load_yaml(path)
        except OSError as error:
            raise InputError(f"cannot read `{path}`: {error.strerror or error}") from error
        if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
            raise InputError(f"`{path}` does not hold fields as `name: value`")
        fields.update(loaded)
    seen: set[str] = set()
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise UsageError(f"`--set {setting}` is not FIELD=VALUE")
        if name in seen:
            raise UsageError(f"field `{name}` is set twice")
        seen.add(name)
        fields[name] = value
    return fields
