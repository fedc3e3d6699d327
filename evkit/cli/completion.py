"""`evkit completion`: print the script that teaches a shell the commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from evkit.cli import output
from evkit.cli.frame import command
from evkit.cli.options import common
from evkit.cli.root import root
from evkit.cli.session import Session  # noqa: TC001 - the decorator passes it


@command("completion", examples=['eval "$(evkit completion bash)"'])
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
def completion(session: Session, shell: str) -> None:  # noqa: ARG001
    """Print a completion script for SHELL."""
    found = get_completion_class(shell)
    if found is not None:
        output.out(found(root, {}, "evkit", "_EVKIT_COMPLETE").source())
