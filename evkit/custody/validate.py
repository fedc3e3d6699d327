"""Checking a draft: procedure is recorded, not enforced.

`validate` refuses (UsageError) only what cannot be signed as an event of its kind: an unknown kind
or field, a malformed value, a field that the event says nothing without. Everything that the
profile asks for and that is not there comes back as deviations, each with a reason.
"""

from __future__ import annotations

import dataclasses
import datetime as _dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core import clock
from evkit.core.errors import UsageError
from evkit.core.refs import parse_ref
from evkit.core.text import escape
from evkit.custody import seals
from evkit.custody.compose import field_named
from evkit.custody.fields import bad_value, problem_of
from evkit.custody.kinds import kind_of
from evkit.custody.kinds.model import text as text_field
from evkit.custody.when import PRECISIONS, span

if TYPE_CHECKING:
    from evkit.custody.kinds import Kind
    from evkit.custody.profile import Profile
    from evkit.ledger.event import Deviation, Draft

NOT_STATED = "not stated"
# required fields with an option of their own
_OPTIONS = {"what": "--what "}

# every code of a deviation, the last two given at signing; see docs/spec/custody-findings.md
DEVIATIONS: dict[str, str] = {
    "missing-fields": "the profile asks for fields that were not given",
    "missing-witnesses": "fewer witnesses than the profile asks for",
    "seal-shared": "one seal number is given for several exhibits",
    "seal-unnumbered": "an exhibit is sealed without a number of its own",
    "unknown-authority": "the kind of authority is not one of the profile",
    "unusual-role": "a role that does not usually record this kind",
    "late-entry": "recorded long after it happened",
    "future": "stated to happen after it was recorded",
    "clock-backwards": "the clock was behind that of the entry before",
    "stated": "a departure from procedure that the officer stated",
    "certificate-time": "signed outside the time of the certificate",
    "no-high-water-mark": "this user had no mark of an earlier head of the ledger to compare with",
}


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known when an event is about to be signed; each part may be left out.

    Attributes:
        role: the actor's role.
        now: the time that will be recorded, aware.
        last_recorded: the recorded time of the entry before, aware.
        reason: what the officer gave with `--reason`; if nothing departs from procedure by the
            time of signing (`now` is known), it is kept as a departure that the officer states.
    """

    role: str | None = None
    now: _dt.datetime | None = None
    last_recorded: _dt.datetime | None = None
    reason: str | None = None


def validate(
    draft: Draft, profile: Profile | None, context: Context | None = None
) -> list[Deviation]:
    """Check a draft and return the deviations that it does not carry yet.

    Args:
        draft: the event to be signed.
        profile: what is asked for; None asks for nothing.
        context: role, times and the officer's reason.

    Raises:
        UsageError: the draft cannot be signed as an event of its kind.
    """
    from evkit.ledger.event import Deviation

    context = context or Context()
    kind = kind_of(draft.kind)
    _check_level(draft, kind)
    _check_fields(draft, kind)
    _check_head(draft)
    seals.check_owners(draft)
    found = [*seals.unclear(draft), *_procedure(draft, profile), *_roles(kind, profile, context)]
    found += _times(draft, profile, context)
    have = {(entry.code, entry.text) for entry in draft.deviations}
    # the reason of a correction is its text
    if context.reason and context.now and not found and not have and kind.name != "correct":
        found = [("stated", "the officer states a departure from procedure")]
    reason = context.reason or NOT_STATED
    return [
        Deviation(code=code, text=text, reason=reason)
        for code, text in found
        if (code, text) not in have
    ]


def complete(draft: Draft, profile: Profile | None, context: Context | None = None) -> Draft:
    """Return the draft with every deviation that `validate` finds added to it."""
    more = validate(draft, profile, context)
    if not more:
        return draft
    return dataclasses.replace(draft, deviations=(*draft.deviations, *more))


def is_given(draft: Draft, name: str) -> bool:
    """Say whether a field has a value, openly, as a commitment or in the predicate's head."""
    if name in {"authority", "purpose", "place", "happened"}:
        return getattr(draft, name) is not None
    if name in draft.fields:
        return True
    return any(entry.partition(".")[0] == name for entry in draft.sensitive)


def people_count(names: object, field: str) -> int:
    """Return how many persons stand under dotted names such as `witnesses.2.cnic`."""
    numbers = set()
    for name in names if hasattr(names, "__iter__") else ():
        parts = str(name).split(".")
        if len(parts) > 1 and parts[0] == field:
            numbers.add(parts[1])
    return len(numbers)


def _check_level(draft: Draft, kind: Kind) -> None:
    if kind.level != "station" and draft.case is None:
        raise UsageError(f"`{kind.name}` belongs to a case")
    if kind.level == "exhibit" and not draft.exhibits:
        raise UsageError(
            f"`{kind.name}` needs an exhibit", hint=f"name one, such as {draft.case}/E1"
        )
    if kind.level == "acquisition" and not (draft.exhibits or draft.acquisitions):
        raise UsageError(
            f"`{kind.name}` needs an acquisition", hint=f"name one, such as {draft.case}/E1/A1"
        )
    for name, depth in (*((e, 2) for e in draft.exhibits), *((a, 3) for a in draft.acquisitions)):
        ref = parse_ref(name)
        if name.count("/") + 1 != depth:
            raise UsageError(f"`{name}` is not an {'exhibit' if depth == 2 else 'acquisition'}")  # noqa: PLR2004
        if ref.case != draft.case:
            raise UsageError(f"`{name}` is not of case `{draft.case}`")
    for names in (draft.exhibits, draft.acquisitions):
        if len(set(names)) != len(names):
            raise UsageError("an exhibit or acquisition is named twice")


def _check_fields(draft: Draft, kind: Kind) -> None:
    for name, value in draft.fields.items():
        field = kind.fields.get(name)
        if field is None:
            raise UsageError(f"`{kind.name}` has no field `{escape(name)}`")
        problem = problem_of(field, value)
        if problem:
            raise bad_value(field, problem)
    for name, text in draft.sensitive.items():
        field = field_named(kind, name)
        if field is None or not (field.sensitive or field.type == "text"):
            raise UsageError(f"`{kind.name}` has no sensitive field `{escape(name)}`")
        problem = problem_of(text_field(name, field.help), text)
        if problem:
            raise bad_value(field, problem)
        if name in draft.fields:
            raise UsageError(f"field `{name}` is given twice, openly and as sensitive")
    for field in kind.fields.values():
        if field.required and not is_given(draft, field.name):
            raise UsageError(
                f"`{kind.name}` needs `{field.name}`: {field.help}",
                hint=f"give it with `{_OPTIONS.get(field.name, f'--set {field.name}=')}…`",
            )


def _check_head(draft: Draft) -> None:
    for name in ("authority", "purpose", "place"):
        value = getattr(draft, name)
        problem = None if value is None else problem_of(text_field(name, "free text"), value)
        if problem:
            raise UsageError(f"`{name}` {problem}")
    if draft.happened is not None and draft.happened.precision not in PRECISIONS:
        raise UsageError(f"`{draft.happened.precision}` is not a precision of time")


def _procedure(draft: Draft, profile: Profile | None) -> list[tuple[str, str]]:
    if profile is None:
        return []
    found = []
    missing = [
        name
        for name in profile.required.get(draft.kind, ())
        if name != "witnesses" and not is_given(draft, name) and not _closed(draft, name)
    ]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        found.append(("missing-fields", f"profile `{profile.id}` asks for {listed}; not given"))
    asked = profile.witnesses_min if draft.kind in profile.witnesses_kinds else 0
    have = people_count(draft.sensitive, "witnesses")
    if have < asked:
        text = f"profile `{profile.id}` asks for {asked} witnesses; {have or 'none'} named"
        found.append(("missing-witnesses", text))
    authority = draft.fields.get("authority_type")
    terms = {term.id for term in profile.authority_types}
    if authority is not None and terms and authority not in terms:
        text = f"`{authority}` is not a kind of authority of profile `{profile.id}`"
        found.append(("unknown-authority", text))
    return found


def _closed(draft: Draft, name: str) -> bool:
    """Say whether a correction gives its values as commitments."""
    return draft.kind == "correct" and name == "values" and bool(draft.sensitive)


def _roles(kind: Kind, profile: Profile | None, context: Context) -> list[tuple[str, str]]:
    usual = profile.usual_roles(kind.name) if profile else kind.roles
    if not usual or context.role is None or context.role in usual:
        return []
    text = f"`{kind.name}` recorded in the role `{context.role}`; usual: {', '.join(usual)}"
    return [("unusual-role", text)]


def _times(draft: Draft, profile: Profile | None, context: Context) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    now, last = context.now, context.last_recorded
    if now is None:
        return found
    if last is not None and now < last:
        text = (
            f"the clock shows {clock.format_utc(now)}, "
            f"the entry before was recorded at {clock.format_utc(last)}"
        )
        found.append(("clock-backwards", text))
    if draft.happened is not None:
        stated = span(draft.happened.time, draft.happened.precision)
        if stated.start > now:
            text = f"said to happen at {draft.happened.time}, after it was recorded"
            found.append(("future", text))
        late = profile.late_entry_hours if profile else 0
        if late and now - stated.end > _dt.timedelta(hours=late):
            text = f"recorded {age(now - stated.start)} after it happened"
            found.append(("late-entry", text))
    return found


def age(delta: _dt.timedelta) -> str:
    """Return a length of time for people: `3 days`, `5 hours`, `12 minutes`."""
    seconds = max(0, int(delta.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = seconds // size
        if count >= (2 if unit == "day" else 1):
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return "less than a minute"
