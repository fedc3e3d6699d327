"""The shape of commands: lazy groups, help pages with examples and exit codes, suggestions."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any

import click

from evkit.cli.table import COMMANDS
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_TEXT: dict[ExitCode, str] = {
    ExitCode.OK: "every check asked for was made and passed",
    ExitCode.INTERNAL: "a bug in evkit",
    ExitCode.USAGE: "wrong arguments, or an extra that is not installed",
    ExitCode.INCOMPLETE: "done, but some data could not be read",
    ExitCode.FAILED_CHECK: "the answer is no",
    ExitCode.UNDECIDED: "a check asked for could not be made",
    ExitCode.NO_CASE: "no such station, case, exhibit or acquisition",
    ExitCode.LOCKED: "another process holds the station",
    ExitCode.KEY: "key missing, wrong passphrase, or not allowed to sign",
    ExitCode.REMOTE: "a timestamp authority or witness did not answer",
    ExitCode.INPUT: "damaged or unsupported input",
    ExitCode.REFUSED: "would overwrite or alter something",
    ExitCode.STORAGE: "destination full or failing, device gone",
    ExitCode.INTERRUPTED: "stopped by the user",
}
GLOBAL_OPTIONS = "--station --json --quiet --debug --passphrase-file --progress"
ALWAYS = (ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE)


class Command(click.Command):
    """A command whose help ends with examples and exit codes."""

    examples: tuple[str, ...] = ()
    exits: tuple[ExitCode, ...] = ()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples and exit codes below the options."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {example}\n")
        codes = sorted({*ALWAYS, *self.exits})
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), EXIT_TEXT[code]) for code in codes])
        formatter.write("\n")
        formatter.write_text(f"Every command also takes {GLOBAL_OPTIONS}; see `evkit --help`.")
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group of verbs; suggests the nearest verb when one is mistyped."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command or raise a usage error with a suggestion."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f"did you mean `{ctx.command_path} {near[0]}`?" if near else None
            error = click.UsageError(f"no such command `{ctx.command_path} {name}`", ctx=ctx)
            error.evkit_hint = hint  # type: ignore[attr-defined]
            raise error
        return super().resolve_command(ctx, args)


class Root(Group):
    """The top level: imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute = entry.target.split(":")
        found = getattr(importlib.import_module(module), attribute)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write what an officer needs first, the rest under "More"."""
        for title, first in (("Commands", True), ("More", False)):
            rows = [(name, entry.help) for name, entry in COMMANDS.items() if entry.first is first]
            with formatter.section(title):
                formatter.write_dl(rows)


def command(
    name: str,
    *,
    group: click.Group | None = None,
    examples: Sequence[str] = (),
    exits: Sequence[ExitCode] = (),
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function with click parameters into a command.

    Args:
        name: the command's name.
        group: the group it joins; None for a top-level command.
        examples: command lines for its help page.
        exits: exit codes it can end with besides 0, 1 and 2.
    """

    def wrap(function: Callable[..., Any]) -> Command:
        made = click.command(name, cls=Command)(function)
        made.examples = tuple(examples)
        made.exits = tuple(exits)
        if group is not None:
            group.add_command(made)
        return made

    return wrap


def group(name: str) -> Callable[[Callable[..., Any]], Group]:
    """Make a function with a docstring into a group of verbs."""
    return click.group(name, cls=Group)
