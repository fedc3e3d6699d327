"""A reader of the documents never meets a command or an option that does not exist."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from evkit.cli.reference import page
from evkit.cli.root import root

FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(evkit [^`\n]+)`")


def _texts(repository):
    yield repository / "README.md"
    yield from sorted((repository / "docs").rglob("*.md"))
    yield from sorted((repository / "sample_images").glob("*.md"))


def _command_lines(text):
    for block in FENCE.findall(text):
        joined = re.sub(r"\\\n\s*", " ", block)
        for line in joined.split("\n"):
            found = re.match(r"(?:\$ )?(?:\.venv/bin/)?(evkit .*)", line.strip())
            if found:
                yield found[1]
    for found in INLINE.findall(FENCE.sub("", text)):
        yield found


def _problem(line):
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


def test_documents_name_only_what_exists(repository):
    wrong = [
        f"{path.relative_to(repository)}: {line}: {problem}"
        for path in _texts(repository)
        for line in _command_lines(path.read_text(encoding="utf-8"))
        if (problem := _problem(line))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "line", ["evkit hsah x", "evkit hash --nonsense x", "evkit case opne X", "evkit verify -q x"]
)
def test_the_check_finds_mistakes(line):
    assert _problem(line) is not None


def test_the_reference_is_current(repository):
    assert (repository / "docs" / "cli.md").read_text(encoding="utf-8") == page()


def test_relative_links_lead_somewhere(repository):
    wrong = []
    for path in _texts(repository):
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (path.parent / target).exists():
                wrong.append(f"{path.relative_to(repository)}: {target}")
    assert wrong == []


def test_no_document_is_an_orphan(repository):
    """Every page can be reached from the README or an index page beside it."""
    docs = repository / "docs"
    linked = set()
    for path in _texts(repository):
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            linked.add((path.parent / target).resolve())
    missing = [p.relative_to(docs) for p in docs.rglob("*.md") if p.resolve() not in linked]
    assert missing == []
