"""Advice before signing: who listens is set by the command line, actions only speak.

An action says what an entry will be remarked for before it is signed. On the command line this is
printed, and on a terminal a person is asked whether to go on; without a listener nothing happens.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.custody.foresee import Foreseen


@dataclass(kw_only=True)
class Listener:
    """Who hears advice.

    Attributes:
        officer: the officer who is going to sign, as far as that is known.
        note: takes one line.
        ask: takes a title and remarks; raises InterruptedByUserError when a person says no.
        told: what was said already; it is not said twice.
    """

    officer: str | None
    note: Callable[[str], None]
    ask: Callable[[str, Sequence[Foreseen]], None]
    told: list[Foreseen] = field(default_factory=list)
    noted: set[str] = field(default_factory=set)


_LISTENER: ContextVar[Listener | None] = ContextVar("evkit_advice", default=None)


def listener() -> Listener | None:
    """Return who listens, or None."""
    return _LISTENER.get()


def listen(who: Listener | None) -> None:
    """Set or remove who listens."""
    _LISTENER.set(who)


def tell(title: str, remarks: Sequence[Foreseen]) -> None:
    """Say what an entry will be remarked for; each remark once.

    Raises:
        InterruptedByUserError: a person was asked and does not want to go on.
    """
    who = _LISTENER.get()
    new = [remark for remark in remarks if who is not None and remark not in who.told]
    if who is not None and new:
        who.told += new
        who.ask(title, new)


def note(text: str) -> None:
    """Say one line, once."""
    who = _LISTENER.get()
    if who is not None and text not in who.noted:
        who.noted.add(text)
        who.note(text)


def told() -> tuple[Foreseen, ...]:
    """Return what was said since the listener was set."""
    who = _LISTENER.get()
    return tuple(who.told) if who else ()
