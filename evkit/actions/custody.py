"""`evkit custody record` and everything else that writes one event of custody."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.core.errors import CaseError, UsageError
from evkit.core.refs import parse_ref
from evkit.core.text import escape
from evkit.custody.compose import Typed, compose
from evkit.custody.history import shown
from evkit.custody.kinds import kind_of, recordable
from evkit.custody.targets import resolve
from evkit.custody.validate import NOT_STATED, Context, complete

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.custody.replay import Replay
    from evkit.identity.signer import Signer
    from evkit.ledger.event import Draft
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Request:
    """One event to record.

    Attributes:
        kind: event kind.
        refs: the case, or exhibits and acquisitions of one case.
        values, sensitive: as typed, see `custody.compose.Typed`.
        happened, reason: as typed.
        dry_run: make every check, write nothing.
    """

    kind: str
    refs: tuple[str, ...]
    values: Mapping[str, object] = field(default_factory=dict)
    sensitive: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was recorded, or would be; `index` and `event_id` are None after a dry run."""

    draft: Draft
    index: int | None = None
    event_id: str | None = None
    notices: tuple[str, ...] = ()
    next_step: str | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        draft = self.draft
        document: dict[str, Any] = {
            "schema": "evkit/recorded/1",
            "recorded": self.index is not None,
            "entry": self.index,
            "event_id": self.event_id,
            "kind": draft.kind,
            "case": draft.case,
            "exhibits": list(draft.exhibits),
            "acquisitions": list(draft.acquisitions),
            "fields": dict(draft.fields),
            "personal": sorted(draft.sensitive),
            "happened": draft.happened.time if draft.happened else None,
            "deviations": [
                {"code": entry.code, "text": entry.text, "reason": entry.reason or NOT_STATED}
                for entry in draft.deviations
            ],
            "notices": list(self.notices),
        }
        for name in ("authority", "purpose", "place"):
            if getattr(draft, name) is not None:
                document[name] = getattr(draft, name)
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        draft = self.draft
        about = ", ".join((*draft.acquisitions, *draft.exhibits)) or draft.case or "the station"
        done = "would record" if self.index is None else "recorded"
        lines = [f"evkit: {done} {draft.kind} of {about}"]
        if self.index is not None:
            lines[0] += f", entry {self.index}"
        else:
            for name, value in sorted(draft.fields.items()):
                lines.append(f"  {name}: {escape(shown(value))}")
            lines += [f"  {name}: (kept as a commitment)" for name in sorted(draft.sensitive)]
        for entry in draft.deviations:
            lines.append(
                f"  deviation: {escape(entry.text)}; reason: {escape(entry.reason or NOT_STATED)}"
            )
        lines += [f"  note: {escape(notice)}" for notice in self.notices]
        if self.next_step and self.index is not None:
            lines.append(self.next_step)
        return lines


def run(station: Station, signer: Signer | None, request: Request) -> Recorded:
    """Record one event with one signature; the signer may be None for a dry run.

    Raises:
        UsageError: a malformed value, an unknown field, references of two cases.
        CaseError: the case is not open here, or an exhibit is not registered.
    """
    case, exhibits, acquisitions = split_refs(request.refs)
    replayed = station.state(case)
    require_case(replayed, case)
    owners = (name.rpartition("/")[0] for name in acquisitions)
    exhibits = tuple(dict.fromkeys((*exhibits, *owners)))
    for name in exhibits:
        require_exhibit(replayed, name)
    for name in acquisitions:
        require_acquisition(replayed, name)
    draft = prepare(station, replayed, request, (case, exhibits, acquisitions))
    return sign(station, signer, draft, dry_run=request.dry_run, reason=request.reason)


def prepare(
    station: Station,
    replayed: Replay,
    request: Request,
    refs: tuple[str | None, tuple[str, ...], tuple[str, ...]],
) -> Draft:
    """Return the draft of a request with the deviations that do not depend on role and time.

    Raises:
        UsageError: a malformed value or an unknown field.
    """
    case, exhibits, acquisitions = refs
    typed = Typed(
        kind=request.kind,
        case=case,
        exhibits=exhibits,
        acquisitions=acquisitions,
        values=request.values,
        sensitive=request.sensitive,
        happened=request.happened,
        offset=station.profile.offset,
    )
    draft = compose(resolve(typed, replayed))
    return complete(draft, station.profile, Context(reason=request.reason))


def sign(
    station: Station,
    signer: Signer | None,
    draft: Draft,
    *,
    dry_run: bool,
    reason: str | None = None,
    next_step: str | None = None,
) -> Recorded:
    """Append a draft, or after a dry run say what would be appended.

    Args:
        station: where.
        signer: who signs; None only for a dry run.
        draft: from `prepare`.
        dry_run: write nothing.
        reason: for deviations that show only now, such as a late entry.
        next_step: a line for people, printed once it is recorded.
    """
    if dry_run or signer is None:
        context = Context(now=clock.now().utc, reason=reason)
        return Recorded(draft=complete(draft, station.profile, context))
    done = station.record(draft, signer, reason=reason)
    return Recorded(
        draft=dataclasses.replace(draft, deviations=done.event.deviations),
        index=done.index,
        event_id=done.event_id,
        notices=done.notices,
        next_step=next_step,
    )


def split_refs(refs: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the case, the exhibits and the acquisitions that references name.

    Raises:
        UsageError: none, or of two cases.
    """
    parsed = [parse_ref(text) for text in refs]
    cases = {ref.case for ref in parsed}
    if len(cases) != 1:
        raise UsageError(
            "one event belongs to one case" if cases else "name a case or an exhibit",
            hint="record it once for each case",
        )
    acquisitions = [str(ref) for ref in parsed if ref.acquisition]
    exhibits = [str(ref) for ref in parsed if ref.exhibit and not ref.acquisition]
    return parsed[0].case, tuple(dict.fromkeys(exhibits)), tuple(dict.fromkeys(acquisitions))


def require_case(replayed: Replay, case: str) -> None:
    """Raise CaseError unless the case was opened here."""
    found = replayed.state.cases.get(case)
    if found is None or found.opened_entry is None:
        near = [name for name in replayed.state.cases if name.casefold() == case.casefold()]
        raise CaseError(
            f"no case `{case}` in this station",
            hint=f"did you mean `{near[0]}`?"
            if near
            else f"open it with `evkit case open {case} --title …`",
        )


def require_exhibit(replayed: Replay, exhibit: str) -> None:
    """Raise CaseError unless the exhibit is registered."""
    found = replayed.state.exhibit(exhibit)
    if found is None or found.registered_entry is None:
        raise CaseError(
            f"no exhibit `{exhibit}` is registered",
            hint=f"register it with `evkit exhibit register {exhibit} --what …`",
        )


def require_acquisition(replayed: Replay, acquisition: str) -> None:
    """Raise CaseError unless the acquisition is recorded."""
    if replayed.state.acquisition(acquisition) is None:
        exhibit = acquisition.rpartition("/")[0]
        raise CaseError(
            f"no acquisition `{acquisition}` is recorded",
            hint=f"`evkit exhibit show {exhibit}` lists them",
        )


def require_recordable(kind: str) -> None:
    """Refuse a kind that has a command of its own.

    Raises:
        UsageError: no such kind, or one that `custody record` does not write.
    """
    if not kind_of(kind).recordable:
        commands = {"register": "evkit exhibit register", "case-open": "evkit case open",
                    "case-close": "evkit case close"}  # fmt: skip
        named = commands.get(kind)
        raise UsageError(
            f"`{kind}` is not recorded with `custody record`",
            hint=f"use `{named}`" if named else f"kinds: {', '.join(recordable())}",
        )


def missing_fields(station: Station, kind: str, given: set[str]) -> list[tuple[str, str]]:
    """Return `(name, help)` of fields that the profile asks for and that are not among `given`.

    Witnesses come as `witnesses.1`, `witnesses.2`; fields that only evkit fills are left out.
    """
    profile = station.profile
    known = kind_of(kind)
    heads = {"authority": "warrant, order or provision that allows it", "purpose": "what for",
             "place": "where it happened", "happened": "when it happened"}  # fmt: skip
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
            wanted.append((name, heads[name]))
        elif entry.type == "person":
            wanted.append((f"{name}.name", f"{entry.help}: name"))
        elif entry.type not in {"object", "objects", "values", "people"}:
            choices = f" ({', '.join(entry.choices)})" if entry.choices else ""
            wanted.append((name, entry.help + choices))
    if kind in profile.witnesses_kinds and "witnesses" not in base:
        wanted += [
            (f"witnesses.{number}.name", f"witness {number}: name")
            for number in range(1, profile.witnesses_min + 1)
        ]
    return wanted
