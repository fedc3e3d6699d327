"""A reader of the documents never meets a command or an option that does not exist."""

from __future__ import annotations

import re

import pytest
from commandlines import problem as _problem

from evkit.cli.reference import page

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
