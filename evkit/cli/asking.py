"""Questions on a terminal: what the profile wants and nobody gave, each answer checked at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from evkit.cli import prompts
from evkit.core.errors import EvkitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.actions.custody import Request
    from evkit.custody.profile import Term
    from evkit.station import Station


@dataclass
class Answers:
    """What a person typed.

    Attributes:
        values: field names and answers.
        public: those of them that may lie in a file; persons never do.
        left_out: whether something was left out.
    """

    values: dict[str, object] = field(default_factory=dict)
    public: dict[str, str] = field(default_factory=dict)
    left_out: bool = False


def ask(station: Station, request: Request, answers: Answers) -> None:
    """Ask for each field that is missing, until the answer can be signed or is left out.

    Args:
        station: whose profile asks.
        request: what was given; its references are checked already.
        answers: filled answer by answer, so that nothing is lost when a person stops.
    """
    from evkit.actions.questions import check_answer, is_public, needed, questions

    given = {*request.values, *request.sensitive}
    if request.happened:
        given.add("happened")
    if request.kind == "correct" and request.reason:
        given.add("text")
    wanted = questions(station, request.kind, given)
    if wanted:
        click.echo("The profile asks for this; Enter leaves it out.", err=True)
    for name, help_ in wanted:
        terms = station.profile.authority_types if name == "authority_type" else ()
        _show(terms)
        while True:
            answer = prompts.line(help_)
            if not answer:
                if not needed(request.kind, name):
                    answers.left_out = True
                    break
                click.echo(f"  `{request.kind}` cannot be recorded without it", err=True)
                continue
            try:
                answer = _word(terms, answer)
                check_answer(station, request, name, answer)
            except EvkitError as error:
                click.echo(f"  {error.message}", err=True)
                if error.hint:
                    click.echo(f"  {error.hint}", err=True)
                continue
            answers.values[name] = answer
            if is_public(request.kind, name):
                answers.public[name] = answer
            break


def keep(answers: Answers, request: Request) -> str | None:
    """Write public answers to a file for `--fields` that only this user can read; return its path.

    None when there is nothing to keep or no place for it.
    """
    from evkit.core import durable, ejson
    from evkit.core.text import escape_bytes
    from evkit.station import state

    if not answers.public:
        return None
    about = request.refs[0].replace("/", "-") if request.refs else "station"
    values: dict[str, Any] = dict(answers.public)
    for number in range(1, 1000):
        name = f"{request.kind}-{about}-{number}.json"
        path = os.path.join(state.folder(), b"answers", os.fsencode(name))
        if os.path.lexists(path):
            continue
        try:
            state.prepare(path)
            durable.write_new(path, ejson.dumps(values) + b"\n", mode=0o600)
        except EvkitError:
            return None
        return escape_bytes(path)
    return None


def _show(terms: Sequence[Term]) -> None:
    for number, term in enumerate(terms, start=1):
        click.echo(f"  {number:>2}  {term.id:<17} {term.text}", err=True)


def _word(terms: Sequence[Term], answer: str) -> str:
    """Return the word that a number or a word of the profile stands for."""
    if not terms:
        return answer
    if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(terms):
        return terms[int(answer) - 1].id
    if answer in {term.id for term in terms}:
        return answer
    raise UsageError(
        f"`{answer}` is none of these",
        hint=f"type a number from 1 to {len(terms)} or the word, such as {terms[0].id}; "
        "another word is given with --set authority_type=WORD",
    )
