"""The top level of the command line."""

from __future__ import annotations

import click

from evkit.cli import output
from evkit.cli.frame import Root
from evkit.cli.options import root_options
from evkit.cli.session import Session
from evkit.core.errors import ExitCode


@click.group(
    "evkit",
    cls=Root,
    invoke_without_command=True,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Start with `evkit demo`. Every command has `--help` with examples.",
)
@click.option("-V", "--version", is_flag=True, is_eager=True, help="Show versions and leave.")
@root_options
@click.pass_context
def root(ctx: click.Context, version: bool) -> None:
    """Carry digital evidence from the seized device to the courtroom.

    Everyone can check every step, offline, without trusting the computer, the officer or the
    agency that produced it.
    """
    session = ctx.ensure_object(Session)
    if version:
        from evkit.actions.versions import run

        session.emit(run())
        ctx.exit(0)
    if ctx.invoked_subcommand is None:
        output.err(ctx.get_help())
        session.exit_code = int(ExitCode.USAGE)
