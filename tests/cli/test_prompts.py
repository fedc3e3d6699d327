"""Questions on a terminal: what is typed, what Enter means, how stopping looks."""

from __future__ import annotations

import click
import pytest

from evkit.cli import prompts


def stop(*_, **__):
    raise click.Abort


@pytest.mark.parametrize("ask", [prompts.line, prompts.yes])
def test_who_stops_leaves_the_line_ended(monkeypatch, capsys, ask):
    """What is said next stands on a line of its own."""
    monkeypatch.setattr("click.prompt", stop)
    monkeypatch.setattr("click.confirm", stop)
    with pytest.raises(click.Abort):
        ask("what")
    assert capsys.readouterr().err == "\n"


def test_spaces_around_an_answer_are_not_of_it(monkeypatch):
    monkeypatch.setattr("click.prompt", lambda *_, **__: " S-101 ")
    assert prompts.line("seal") == "S-101"
