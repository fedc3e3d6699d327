"""Checks a command line that a document or a message shows against the commands that exist."""

from __future__ import annotations

import re
import shlex

import click

from evkit.cli.root import root


def problem(line):
    """Return what is wrong with one command line, or None."""
    try:
        words = shlex.split(line.split(" | ")[0].split(" > ")[0].split(" 2>")[0], comments=True)
    except ValueError:
        return None  # prose in backticks, not a command
    words = [word.rstrip(",;:") for word in words[1:]]
    values = {name for p in root.params if not getattr(p, "is_flag", False) for name in p.opts}
    while words and words[0] in values:
        words = words[2:]
    context = click.Context(root, info_name="evkit")
    command: click.Command = root
    options = {name for parameter in root.params for name in parameter.opts}
    for word in words:
        if word in {"…", "...", "·", "&&", ";", "||"} or word.startswith("["):
            break
        if word.startswith("-") and len(word) > 1 and not word[1].isdigit():
            name = word.split("=")[0]
            known = options | {name for parameter in command.params for name in parameter.opts}
            if name not in known | {"-h", "--help"}:
                return f"`{name}` is no option of `{command.name}`"
        elif isinstance(command, click.Group):
            for verb in word.split("|"):
                if not re.fullmatch(r"[a-z][a-z-]*", verb):
                    return None
                found = command.get_command(context, verb)
                if found is None:
                    return f"`{verb}` is no command of `{command.name}`"
            command = command.get_command(context, word.split("|")[0])
    return None
