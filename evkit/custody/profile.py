"""Profiles: what the law and the procedure of a place ask for, as data.

A profile never makes evkit refuse anything; what it asks for and what is not given becomes a
deviation. It is read strictly: an unknown key, kind, field or deadline is an error of the profile.
`reviewed_by` stays null until a lawyer has signed, and every form prints it. See
`docs/spec/profile.md`.
"""

from __future__ import annotations

import datetime as _dt
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError, UsageError
from evkit.custody.kinds import HEAD_FIELDS, KINDS, ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_REVIEWED = "NOT REVIEWED BY COUNSEL"
PROFILES = ("pk", "int")
_ID = re.compile("[a-z][a-z0-9-]{0,31}")
_OFFSET = re.compile("[+-][0-9]{2}:[0-9]{2}", re.ASCII)
_SCHEMA = "evkit/profile/1"


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word of the profile (authority type, statement): id, text for people, its source."""

    id: str
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A time limit.

    Attributes:
        id: the word used in `starts` and `meets`.
        text: what has to be done.
        after: event kinds that start it by themselves; empty when only `starts` does.
        when: it starts by itself only if the event, or the registration of an exhibit it names,
            has one of these values in each of these fields.
        hours: how long it runs.
        source: where the law says so, with the mark of how well that is known.
    """

    id: str
    text: str
    after: tuple[str, ...]
    when: Mapping[str, tuple[str, ...]]
    hours: int
    source: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One profile; `required` and `roles` are by event kind, `documents` and `words` by name."""

    id: str
    title: str
    as_of: str
    source: str
    reviewed_by: str | None
    locale: tuple[str, ...]
    tz: str
    offset: str
    date_format: str
    late_entry_hours: int
    witnesses_min: int
    witnesses_kinds: tuple[str, ...]
    documents: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    authority_types: tuple[Term, ...] = ()
    statements: tuple[Term, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def review_line(self) -> str:
        """Return the line that every form prints: state of the law and who reviewed it."""
        state = f"reviewed by {self.reviewed_by}" if self.reviewed_by else NOT_REVIEWED
        return f"profile {self.id}, law as of {self.as_of}: {state}"

    def deadline(self, name: str) -> Deadline | None:
        """Return the deadline called `name`, or None."""
        return next((entry for entry in self.deadlines if entry.id == name), None)

    def usual_roles(self, kind: str) -> tuple[str, ...]:
        """Return the roles that usually record `kind`; empty for any."""
        known = KINDS.get(kind)
        return self.roles.get(kind, known.roles if known else ())


@cache
def load_profile(name: str) -> Profile:
    """Return a profile that ships with evkit.

    Raises:
        UsageError: there is none of that name.
        InputError: the file is not a valid profile.
    """
    from evkit.core.data import load_yaml, package_file

    if name not in PROFILES:
        raise UsageError(f"no profile `{name}`", hint=f"profiles: {', '.join(PROFILES)}")
    return parse_profile(load_yaml(package_file("custody", f"profiles/{name}.yaml")))


def parse_profile(value: object) -> Profile:
    """Read a profile from what YAML gave.

    Raises:
        InputError: a key is missing, unknown or of the wrong form; the message names it.
    """
    top = _Reader(value, "profile")
    if top.text("schema") != _SCHEMA:
        raise InputError(f"the profile's schema is not `{_SCHEMA}`")
    zone, witnesses = top.section("tz"), top.section("witnesses")
    profile = Profile(
        id=top.matching("id", _ID),
        title=top.text("title"),
        as_of=top.date("as_of"),
        source=top.text("source"),
        reviewed_by=top.optional_text("reviewed_by"),
        locale=top.texts("locale"),
        tz=zone.text("name"),
        offset=zone.matching("offset", _OFFSET),
        date_format=top.text("date_format"),
        late_entry_hours=top.number("late_entry_hours"),
        witnesses_min=witnesses.number("min"),
        witnesses_kinds=_kinds(witnesses.texts("kinds"), "witnesses.kinds"),
        documents=top.table("documents"),
        words=top.table("words"),
        authority_types=tuple(_term(entry) for entry in top.sections("authority_types")),
        statements=tuple(_term(entry) for entry in top.sections("statements")),
        deadlines=tuple(_deadline(entry) for entry in top.sections("deadlines")),
        required=_required(top.lists("required")),
        roles=_roles(top.lists("roles")),
    )
    for part in (zone, witnesses, top):
        part.done()
    return profile


class _Reader:
    """Takes keys out of a mapping and complains about what is left."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise InputError(f"`{where}` is not a mapping with text keys")
        self._left: dict[str, Any] = dict(value)
        self._where = where

    def take(self, key: str) -> object:
        if key not in self._left:
            raise InputError(f"`{self._where}` lacks `{key}`")
        value: object = self._left.pop(key)
        return value

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "text")
        return value.strip()

    def optional_text(self, key: str) -> str | None:
        if key in self._left and self._left[key] is None:
            return None if self.take(key) is None else ""
        return self.text(key)

    def matching(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.text(key)
        if pattern.fullmatch(value) is None:
            raise self.wrong(key, f"of the form {pattern.pattern}")
        return value

    def date(self, key: str) -> str:
        value = self.take(key)
        if type(value) is not _dt.date:
            raise self.wrong(key, "a day like 2025-01-29")
        return value.isoformat()

    def number(self, key: str) -> int:
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**6:
            raise self.wrong(key, "a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def section(self, key: str) -> _Reader:
        return _Reader(self.take(key), f"{self._where}.{key}")

    def sections(self, key: str) -> list[_Reader]:
        value = self.take(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return [_Reader(item, f"{self._where}.{key}") for item in value]

    def table(self, key: str) -> dict[str, str]:
        part = self.section(key)
        return {name: part.text(name) for name in list(part.keys())}

    def lists(self, key: str) -> dict[str, tuple[str, ...]]:
        part = self.section(key)
        return {name: part.texts(name) for name in list(part.keys())}

    def keys(self) -> tuple[str, ...]:
        return tuple(self._left)

    def done(self) -> None:
        if self._left:
            unknown = ", ".join(f"`{key}`" for key in self._left)
            raise InputError(f"`{self._where}` holds what no profile has: {unknown}")

    def wrong(self, key: str, what: str) -> InputError:
        return InputError(f"`{self._where}.{key}` is not {what}")


def _term(part: _Reader) -> Term:
    term = Term(id=part.text("id"), text=part.text("text"), source=part.text("source"))
    part.done()
    return term


def _deadline(part: _Reader) -> Deadline:
    deadline = Deadline(
        id=part.text("id"),
        text=part.text("text"),
        after=_kinds(part.texts("after"), "deadlines.after"),
        when=part.lists("when"),
        hours=part.number("hours"),
        source=part.text("source"),
    )
    part.done()
    return deadline


def _kinds(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    for name in names:
        if name not in KINDS:
            raise InputError(f"`{where}` names `{name}`, which is no event kind")
    return names


def _required(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    _kinds(tuple(table), "required")
    for name, fields in table.items():
        known = {*KINDS[name].fields, *HEAD_FIELDS, "happened"}
        for entry in fields:
            if entry not in known:
                raise InputError(
                    f"`required.{name}` names `{entry}`, which that kind does not have"
                )
    return table


def _roles(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    _kinds(tuple(table), "roles")
    for name, roles in table.items():
        if not set(roles) <= set(ROLES):
            raise InputError(f"`roles.{name}` names a role that evkit does not know")
    return table
