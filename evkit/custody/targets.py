"""Corrections as typed: which entry is meant, and what types its values have."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from evkit.core.errors import UsageError
from evkit.core.text import escape
from evkit.custody.compose import Typed, happened
from evkit.custody.fields import coerce
from evkit.custody.kinds import HEAD_FIELDS, KINDS
from evkit.custody.kinds.model import text as text_field

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.custody.history import Entry
    from evkit.custody.replay import Replay

PREFIX = "values."


def resolve(typed: Typed, replayed: Replay) -> Typed:
    """Return a typed correction with the event id of its target and typed values.

    Any other kind comes back as it is. `corrects` may be an entry's number or an event id; values
    are given as `values.location=…` or as a mapping `values`. A correction is about all exhibits
    of its target.

    Raises:
        UsageError: no such entry in this case, a value that its kind does not have, or an exhibit
            that the entry is not about.
    """
    if typed.kind != "correct":
        return typed
    values = dict(typed.values)
    target = target_of(str(values.get("corrects", "")), typed.case, replayed)
    given = values.pop("values", {})
    if not isinstance(given, dict):
        raise UsageError("`values` is not a mapping of fields", hint="write `values.FIELD=VALUE`")
    right = {**given}
    for name in [name for name in values if name.startswith(PREFIX)]:
        right[name.removeprefix(PREFIX)] = values.pop(name)
    values["corrects"] = target.event_id
    if right:
        values["values"] = {
            str(name): _value(target, str(name), value, typed.offset)
            for name, value in right.items()
        }
    _same_exhibits(typed, target)
    acquisitions = target.acquisitions
    covered = {name.rpartition("/")[0] for name in acquisitions}
    exhibits = tuple(name for name in target.exhibits if name not in covered)
    return dataclasses.replace(typed, values=values, exhibits=exhibits, acquisitions=acquisitions)


def _same_exhibits(typed: Typed, target: Entry) -> None:
    """Refuse a correction that names an exhibit or acquisition which its target is not about."""
    known = {*target.exhibits, *target.acquisitions}
    other = [name for name in (*typed.acquisitions, *typed.exhibits) if name not in known]
    if other:
        about = ", ".join(target.acquisitions or target.exhibits) or f"case {target.case}"
        meant = (target.exhibits or (target.case or "",))[0]
        raise UsageError(
            f"entry {target.index} (`{target.kind}`) is about {about}, not about {other[0]}",
            hint=f"for that entry: `evkit custody record correct {meant} "
            f"--set corrects={target.index} …`; "
            f"`evkit custody log {other[0]}` shows the entries about {other[0]}",
        )


def target_of(text: str, case: str | None, replayed: Replay) -> Entry:
    """Return the entry of a case that a number or an event id names.

    Raises:
        UsageError: there is none.
    """
    wanted = text.strip().lower()
    if not wanted:
        raise UsageError("which entry is corrected?", hint=_numbers(case))
    for entry in replayed.entries:
        if entry.case == case and wanted in {str(entry.index), entry.event_id}:
            return entry
    raise UsageError(
        f"`{escape(text)}` is no entry of case `{case}`",
        hint=_numbers(case),
    )


def _numbers(case: str | None) -> str:
    return f"`evkit custody log {case}` shows the numbers; give one with `--set corrects=NUMBER`"


def _value(target: Entry, name: str, value: object, offset: str) -> Json:
    if name == "happened":
        stated = happened(value, offset)
        return {"time": stated.time, "precision": stated.precision}
    if name in HEAD_FIELDS:
        return coerce(text_field(name, "free text"), value, offset)
    kind = KINDS.get(target.kind)
    field = kind.fields.get(name) if kind else None
    if field is None or field.sensitive:
        raise UsageError(
            f"entry {target.index} (`{target.kind}`) has no field `{escape(name)}` to correct",
            hint="give the right personal value in `private`; it stays closed" if field else None,
        )
    return coerce(field, value, offset)
