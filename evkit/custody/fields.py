"""The fields of events: their types, and the reading of what an officer typed.

`coerce` turns a typed value (text from `--set`, or YAML and JSON values from `--fields`) into the
JSON value that is signed; `check` says whether a value already has that shape. Both refuse only
malformed values. Personal fields are flat texts with dotted names: `witnesses.1.name`.
"""

from __future__ import annotations

import datetime as _dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.ejson import MAX_INT
from evkit.core.errors import EvkitError, UsageError
from evkit.core.refs import is_ref
from evkit.custody.when import parse_when

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.core.ejson import Json

MAX_TEXT = 4096
MAX_ITEMS = 500
PERSON_KEYS = ("name", "parentage", "cnic", "address", "phone", "capacity", "note")
_HEX64 = re.compile("[0-9a-f]{64}")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INTEGER = re.compile("-?[0-9]{1,16}", re.ASCII)
_YES = {"yes": True, "true": True, "no": False, "false": False}

TYPES: dict[str, str] = {
    "text": "free text, at most 4,096 characters",
    "list": "several texts; with `--set`, separated by commas",
    "choice": "one of the words named",
    "integer": "a whole number",
    "flag": "`yes` or `no`",
    "date": "a day as `2026-11-22`",
    "time": "a time as for `--happened`; kept in UTC",
    "digest": "64 lower-case hex digits",
    "ref": "an exhibit or acquisition, as `CASE/E1`",
    "refs": "several exhibits or acquisitions, separated by commas",
    "person": "a person: a name, or `name`, `parentage`, `cnic`, `address`, `phone`, `capacity`",
    "people": "several persons, numbered from 1: `--set witnesses.1=NAME`",
    "object": "a JSON object, filled by evkit",
    "objects": "a list of JSON objects, filled by evkit",
    "values": "fields and their values",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of an event kind.

    Attributes:
        name: ASCII name, the key in `fields`.
        type: a key of `TYPES`.
        help: one line for the officer.
        required: without it the event says nothing; procedural needs stand in the profile.
        sensitive: stored as a salted commitment, never in the event itself.
        choices: the words of a `choice`.
    """

    name: str
    type: str
    help: str
    required: bool = False
    sensitive: bool = False
    choices: tuple[str, ...] = ()


def coerce(field: Field, value: object, offset: str) -> Json:
    """Return the signed form of a value that a person gave.

    Args:
        field: what is expected.
        value: text, or what a YAML or JSON file held.
        offset: UTC offset (`+05:00`) for times without one.

    Raises:
        UsageError: the value is malformed.
    """
    if isinstance(value, str):
        value = _from_text(field, value.strip(), offset)
    elif field.type == "date" and type(value) is _dt.date:
        value = value.isoformat()
    elif field.type in {"list", "refs"} and isinstance(value, (list, tuple)):
        value = [item.strip() if isinstance(item, str) else item for item in value]
    problem = problem_of(field, value)
    if problem:
        raise bad_value(field, problem)
    return value  # type: ignore[return-value]  # problem_of has looked at every part


def problem_of(field: Field, value: object) -> str | None:
    """Say what is wrong with a value that should have the signed form, or None."""
    return _CHECKS[field.type](field, value)


def bad_value(field: Field, problem: str) -> UsageError:
    """Return the error for a malformed value."""
    hint = f"`{field.name}`: {field.help}"
    if problem == "is not text":
        hint += f'; in a file write it in quotes: {field.name}: "…"'
    return UsageError(f"field `{field.name}` {problem}", hint=hint)


def person(value: object) -> dict[str, str]:
    """Return a person as flat texts.

    Args:
        value: a name, or a mapping with the keys of `PERSON_KEYS`.

    Raises:
        UsageError: another shape.
    """
    if isinstance(value, str) and value.strip():
        return {"name": value.strip()}
    if not isinstance(value, Mapping) or not value:
        raise UsageError("a person is a name, or a mapping such as `name: …`, `cnic: …`")
    result: dict[str, str] = {}
    for key, part in value.items():
        if key not in PERSON_KEYS:
            raise UsageError(
                f"a person has no `{key}`", hint=f"use one of {', '.join(PERSON_KEYS)}"
            )
        if _text_problem(part):
            raise UsageError(
                f"`{key}` of a person {_text_problem(part)}", hint=f'write it in quotes: {key}: "…"'
            )
        result[str(key)] = str(part).strip()
    return result


def _from_text(field: Field, text: str, offset: str) -> object:
    if field.type == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if field.type == "flag":
        return _YES.get(text.lower(), text)
    if field.type in {"list", "refs"}:
        return [part for part in (piece.strip() for piece in text.split(",")) if part]
    if field.type == "time" and text:
        return parse_when(text, offset).time
    if field.type == "digest":
        return text.lower()
    return text


def _text_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return "is not text"
    if not value.strip():
        return "is empty"
    if len(value) > MAX_TEXT:
        return f"is over {MAX_TEXT} characters"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "holds bytes that are not text"
    return None


def _text(_: Field, value: object) -> str | None:
    return _text_problem(value)


def _items(value: object, check: Callable[[object], str | None]) -> str | None:
    if not isinstance(value, (list, tuple)) or not value:
        return "is not a list of at least one"
    if len(value) > MAX_ITEMS:
        return f"has over {MAX_ITEMS} items"
    for item in value:
        problem = check(item)
        if problem:
            return f"has an item that {problem}"
    return None


def _list(_: Field, value: object) -> str | None:
    return _items(value, _text_problem)


def _choice(field: Field, value: object) -> str | None:
    if isinstance(value, str) and value in field.choices:
        return None
    return f"is not one of {', '.join(field.choices)}"


def _integer(_: Field, value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INT:
        return None
    return "is not a whole number"


def _flag(_: Field, value: object) -> str | None:
    return None if isinstance(value, bool) else "is not `yes` or `no`"


def _date(_: Field, value: object) -> str | None:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            _dt.date.fromisoformat(value)
            return None
    except ValueError:
        pass
    return "is not a day like 2026-11-22"


def _time(_: Field, value: object) -> str | None:
    try:
        if isinstance(value, str) and value.endswith("Z"):
            parse_when(value, "+00:00")
            return None
    except EvkitError:
        pass
    return "is not a time"


def _digest(_: Field, value: object) -> str | None:
    if isinstance(value, str) and _HEX64.fullmatch(value):
        return None
    return "is not 64 hex digits"


def _ref_problem(value: object) -> str | None:
    if isinstance(value, str) and is_ref(value) and "/" in value:
        return None
    return "is not an exhibit like CASE/E1"


def _ref(_: Field, value: object) -> str | None:
    return _ref_problem(value)


def _refs(_: Field, value: object) -> str | None:
    return _items(value, _ref_problem)


def _object(_: Field, value: object) -> str | None:
    return None if isinstance(value, Mapping) and value else "is not an object"


def _objects(_: Field, value: object) -> str | None:
    return _items(value, lambda item: None if isinstance(item, Mapping) else "is not an object")


def _person(_: Field, __: object) -> str | None:
    return "names a person and cannot stand in the event itself"


_CHECKS: dict[str, Callable[[Field, object], str | None]] = {
    "text": _text,
    "list": _list,
    "choice": _choice,
    "integer": _integer,
    "flag": _flag,
    "date": _date,
    "time": _time,
    "digest": _digest,
    "ref": _ref,
    "refs": _refs,
    "person": _person,
    "people": _person,
    "object": _object,
    "objects": _objects,
    "values": _object,
}
