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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their whole first sentence, folded."""
        rows = []
        for name in self.list_commands(ctx):
            found = self.get_command(ctx, name)
            if found is not None and not found.hidden:
                rows.append((name, found.get_short_help_str(limit=240)))
        with formatter.section("Verbs"):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say where the examples are."""
        formatter.write("\n")
        formatter.write_text(f"`{ctx.command_path} VERB --help` shows options and examples.")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command or raise a usage error with a suggestion."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            near = _nearest(ctx.command_path, name, self.list_commands(ctx))
            hint = f"did you mean `{near}`?" if near else f"see `{ctx.command_path} --help`"
            error = click.UsageError(f"no such command `{ctx.command_path} {name}`", ctx=ctx)
            error.evkit_hint = hint  # type: ignore[attr-defined]
            raise error
        return super().resolve_command(ctx, args)


# what people type who think of the deed and not of the command
_MEANT = {
    "seal": "evkit custody record seal",
    "unseal": "evkit custody record unseal",
    "store": "evkit custody record store",
    "note": "evkit custody record note",
    "correct": "evkit custody record correct",
    "log": "evkit custody log",
    "register": "evkit exhibit register",
    "open": "evkit case open",
    "memo": "evkit ledger memo",
    "prove": "evkit ledger prove",
    "enrol": "evkit officer enrol",
    "init": "evkit station init",
    "backup": "evkit station backup",
    "image": "evkit acquire",
    "find": "evkit inventory find",
    "help": "evkit --help",
}


def _nearest(path: str, name: str, known: list[str]) -> str | None:
    if name in known:
        return f"{path} {name}"
    near = difflib.get_close_matches(name, known, n=1)
    if path == "evkit custody" and name in _MEANT:
        return _MEANT[name]
    if path == "evkit" and (name in _MEANT or not near):
        meant = difflib.get_close_matches(name, _MEANT, n=1)
        return _MEANT[meant[0]] if meant else None
    if not near and "create" in known:
        return f"{path} create {name}"
    return f"{path} {near[0]}" if near else None


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

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where to begin."""
        click.Group.format_epilog(self, ctx, formatter)


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
