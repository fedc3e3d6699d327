"""One line from a person at the terminal; who stops there leaves the line ended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


def line(text: str, *, default: str | None = "", show_default: bool = False) -> str:
    """Return what is typed, without spaces around it.

    Args:
        text: the question.
        default: what Enter alone means; None asks again.
        show_default: show it in brackets.
    """
    with _ended():
        answer: str = click.prompt(text, default=default, show_default=show_default, err=True)
    return answer.strip()


def yes(text: str) -> bool:
    """Return whether the person agrees; Enter alone does not."""
    with _ended():
        return click.confirm(text, default=False, err=True)


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    try:
        yield
    except click.Abort:
        click.echo(err=True)
        raise
