"""What an officer is asked on a terminal, and whether an answer can be signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import UsageError
from evkit.core.text import escape
from evkit.custody import seals
from evkit.custody.compose import Typed, compose, field_named
from evkit.custody.kinds import kind_of
from evkit.custody.targets import target_of

if TYPE_CHECKING:
    from evkit.actions.custody import Request
    from evkit.station import Station

_HEADS = {"authority": "warrant, order or provision that allows it", "purpose": "what for",
          "place": "where it happened", "happened": "when it happened"}  # fmt: skip
_UNASKED = {"object", "objects", "values", "people"}
_EXAMPLES = {
    "list": "S-101, S-102",
    "integer": "2",
    "flag": "yes",
    "date": "2026-11-22",
    "time": "2026-11-22 14:05",
    "digest": "64 hex digits",
    "ref": "CASE/E1",
    "refs": "CASE/E1, CASE/E2",
    "person": "First Witness",
}


def questions(station: Station, kind: str, given: set[str]) -> list[tuple[str, str]]:
    """Return `(name, help)` of fields that the profile asks for and that are not among `given`.

    Witnesses come as `witnesses.1`, `witnesses.2`; fields that only evkit fills are left out.
    """
    profile = station.profile
    known = kind_of(kind)
    base = {name.partition(".")[0] for name in given}
    wanted: list[tuple[str, str]] = [
        (name, entry.help)
        for name, entry in known.fields.items()
        if entry.required and name not in base
    ]
    for name in profile.required.get(kind, ()):
        if name in base or name == "witnesses" or name in dict(wanted):
            continue
        entry = known.fields.get(name)
        if entry is None:
            wanted.append((name, _HEADS[name]))
        elif entry.type == "person":
            wanted.append((f"{name}.name", f"{entry.help}: name"))
        elif entry.type not in _UNASKED:
            choices = f" ({', '.join(entry.choices)})" if entry.choices else ""
            wanted.append((name, entry.help + choices))
    if kind in profile.witnesses_kinds and "witnesses" not in base:
        wanted += [
            (f"witnesses.{number}.name", f"witness {number}: name")
            for number in range(1, profile.witnesses_min + 1)
        ]
    return wanted


def needed(kind: str, name: str) -> bool:
    """Say whether an event of this kind cannot be recorded without the field."""
    entry = kind_of(kind).fields.get(name)
    return entry is not None and entry.required


def is_public(kind: str, name: str) -> bool:
    """Say whether a field stands openly in the event."""
    entry = field_named(kind_of(kind), name)
    return entry is None or not entry.sensitive


def check_answer(station: Station, request: Request, name: str, answer: str) -> None:
    """Read one answer as it would be signed.

    Raises:
        UsageError: it cannot be; the hint has an example.
    """
    from evkit.actions.custody import split_refs

    case, exhibits, acquisitions = split_refs(request.refs)
    if request.kind == "correct" and name == "corrects":
        target_of(answer, case, station.state(case))
        return
    typed = Typed(
        kind=request.kind,
        case=case,
        exhibits=exhibits,
        acquisitions=acquisitions,
        values={name: answer},
        offset=station.profile.offset,
    )
    try:
        draft = compose(typed)
    except UsageError as error:
        raise UsageError(error.message, hint=_example(request.kind, name) or error.hint) from error
    if exhibits or acquisitions:
        seals.check_owners(draft)


def _example(kind: str, name: str) -> str | None:
    if name == "happened":
        return "write it like 2026-11-22 14:05, or 2026-11-22 when only the day is known"
    entry = field_named(kind_of(kind), name)
    if entry is None:
        return None
    if entry.choices:
        return f"write one of: {', '.join(entry.choices)}"
    example = _EXAMPLES.get(entry.type)
    return f"write it like {escape(example)}" if example else None
