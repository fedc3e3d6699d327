"""From what an officer typed to a draft: values get their types, personal ones are set apart."""

from __future__ import annotations

import datetime as _dt
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.core.errors import UsageError
from evkit.core.text import escape
from evkit.custody.fields import PERSON_KEYS, bad_value, coerce, person, problem_of
from evkit.custody.kinds import HEAD_FIELDS, Kind, kind_of
from evkit.custody.kinds.model import text as text_field
from evkit.custody.when import parse_when

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.custody.fields import Field
    from evkit.ledger.event import Draft, Happened

MAX_PEOPLE = 99
STATED = "officer"  # the source of a stated time
_NUMBER = re.compile("[1-9][0-9]?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Typed:
    """An event as typed.

    Attributes:
        kind: event kind.
        case: case id, or None for an event of the station.
        exhibits, acquisitions: full references.
        values: field name to text, or to what a YAML or JSON file held; `authority`, `purpose`,
            `place` and `happened` may be among them, and `sensitive`, a mapping of the same form
            whose values are all stored as commitments.
        sensitive: public text fields whose value is to be stored as a commitment.
        happened: the stated time; wins over `values["happened"]`.
        offset: UTC offset for times without one, that of the profile.
    """

    kind: str
    case: str | None
    exhibits: tuple[str, ...] = ()
    acquisitions: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    sensitive: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    offset: str = "+00:00"


def compose(typed: Typed) -> Draft:
    """Return the draft of a typed event.

    Raises:
        UsageError: an unknown kind or field, or a malformed value.
    """
    from evkit.ledger.event import Draft

    kind = kind_of(typed.kind)
    values = dict(typed.values)
    hidden = {**_mapping(values.pop("sensitive", {})), **typed.sensitive}
    stated = typed.happened if typed.happened is not None else values.pop("happened", None)
    values.pop("happened", None)
    heads: dict[str, str | None] = dict.fromkeys(HEAD_FIELDS)
    fields: dict[str, Json] = {}
    sensitive: dict[str, str] = {}
    for name in sorted(values):
        if name in HEAD_FIELDS:
            heads[name] = str(coerce(text_field(name, "free text"), values[name], typed.offset))
            continue
        found = _field(kind, name)
        if found.sensitive:
            _add(sensitive, _personal(found, name, values[name]))
        else:
            fields[name] = coerce(found, values[name], typed.offset)
    for name in sorted(hidden):
        _add(sensitive, _hidden(kind, name, hidden[name]))
    for name in fields:
        if name in sensitive:
            raise UsageError(f"field `{name}` is given twice, openly and as sensitive")
    return Draft(
        kind=kind.name,
        case=typed.case,
        exhibits=typed.exhibits,
        acquisitions=typed.acquisitions,
        fields=fields,
        sensitive=sensitive,
        happened=None if stated is None else happened(stated, typed.offset),
        authority=heads["authority"],
        purpose=heads["purpose"],
        place=heads["place"],
    )


def happened(stated: object, offset: str) -> Happened:
    """Return a stated time; a day may also be what YAML makes of `2026-11-22`.

    Raises:
        UsageError: it is no time.
    """
    from evkit.ledger.event import Happened

    if type(stated) is _dt.date:
        stated = stated.isoformat()
    if not isinstance(stated, str):
        raise UsageError("`happened` is not text", hint='in a file write it in quotes: "…"')
    when = parse_when(stated, offset)
    return Happened(time=when.time, precision=when.precision, source=STATED)


def field_named(kind: Kind, name: str) -> Field | None:
    """Return the field that a (possibly dotted) name belongs to, or None."""
    found = kind.fields.get(name.partition(".")[0])
    if found is None or ("." in name and found.type not in {"person", "people"}):
        return None
    return found


def _field(kind: Kind, name: str) -> Field:
    found = field_named(kind, name)
    if found is None:
        known = [*kind.fields, *HEAD_FIELDS, "happened"]
        near = difflib.get_close_matches(name, known, n=1)
        raise UsageError(
            f"`{kind.name}` has no field `{escape(name)}`",
            hint=f"did you mean `{near[0]}`?" if near else f"fields: {', '.join(known)}",
        )
    return found


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError("`sensitive` is not a mapping of fields")
    return dict(value)


def _add(sensitive: dict[str, str], more: dict[str, str]) -> None:
    for name, value in more.items():
        if name in sensitive:
            raise UsageError(f"field `{name}` is given twice")
        sensitive[name] = value


def _hidden(kind: Kind, name: str, value: object) -> dict[str, str]:
    found = _field(kind, name)
    if found.sensitive:
        return _personal(found, name, value)
    if found.type != "text":
        raise UsageError(
            f"field `{name}` cannot be stored as sensitive",
            hint="text fields can; put the rest into `private`",
        )
    return {name: _plain(found, value)}


def _plain(found: Field, value: object) -> str:
    problem = problem_of(text_field(found.name, found.help), value)
    if problem:
        raise bad_value(found, problem)
    return str(value).strip()


def _personal(found: Field, name: str, value: object) -> dict[str, str]:
    """Return dotted names and texts: `owner.name`, `witnesses.1.cnic`, or the plain name."""
    path = name.split(".")[1:]
    if found.type == "text":
        return {name: _plain(found, value)}
    if found.type == "people":
        if not path:
            return _people(found.name, value)
        if _NUMBER.fullmatch(path[0]) is None:
            raise UsageError(
                f"`{escape(name)}` lacks the number of the person",
                hint=f"write `{found.name}.1`, `{found.name}.2` and so on",
            )
        return _person(f"{found.name}.{path[0]}", path[1:], value)
    return _person(found.name, path, value)


def _people(name: str, value: object) -> dict[str, str]:
    persons = value if isinstance(value, (list, tuple)) else [value]
    if not 0 < len(persons) <= MAX_PEOPLE:
        raise UsageError(f"`{name}` is a list of 1 to {MAX_PEOPLE} persons")
    result: dict[str, str] = {}
    for number, entry in enumerate(persons, start=1):
        result.update(_person(f"{name}.{number}", [], entry))
    return result


def _person(prefix: str, path: list[str], value: object) -> dict[str, str]:
    if not path:
        return {f"{prefix}.{key}": part for key, part in person(value).items()}
    if len(path) > 1 or path[0] not in PERSON_KEYS:
        raise UsageError(
            f"a person has no `{escape('.'.join(path))}`",
            hint=f"use one of {', '.join(PERSON_KEYS)}",
        )
    return {f"{prefix}.{path[0]}": person({path[0]: value})[path[0]]}
