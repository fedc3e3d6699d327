"""`evkit custody record` and everything else that writes one event of custody."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.actions import advice
from evkit.actions.custody_log import wrap
from evkit.core import clock
from evkit.core.errors import CaseError, EvkitError, UsageError
from evkit.core.refs import need_case, parse_ref
from evkit.core.text import escape
from evkit.custody.compose import Typed, compose
from evkit.custody.history import shown
from evkit.custody.kinds import kind_of, recordable
from evkit.custody.targets import resolve
from evkit.custody.validate import NOT_STATED, Context, complete
from evkit.custody.when import has_offset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.custody.foresee import Foreseen
    from evkit.custody.replay import Replay
    from evkit.identity.signer import Signer
    from evkit.ledger.event import Draft
    from evkit.station import Station

# written by evkit at the end of work: too late to put anything right before it
_NO_ADVICE = {"acquire-end", "intake-end", "inventory", "verify", "bundle"}
_MISSING = {"missing-fields", "missing-witnesses"}
Refs = tuple[str, tuple[str, ...], tuple[str, ...]]
_FOREWARNED = "this entry will be remarked"


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
    """What was recorded, or would be; `index` and `event_id` are None after a dry run.

    Attributes:
        remarks: what was said before signing about what the entry will be remarked for.
        summary: one sentence about a correction and its target.
        words: the words that a field of the profile may have, after a deviation about it.
    """

    draft: Draft
    index: int | None = None
    event_id: str | None = None
    notices: tuple[str, ...] = ()
    next_step: str | None = None
    remarks: tuple[Foreseen, ...] = ()
    summary: str | None = None
    words: tuple[str, ...] = ()
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
            "remarks": [dict(vars(remark)) for remark in self.remarks],
        }
        if self.summary:
            document["summary"] = self.summary
        for name in ("authority", "purpose", "place"):
            if getattr(draft, name) is not None:
                document[name] = getattr(draft, name)
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        draft = self.draft
        done = "would record" if self.index is None else "recorded"
        lines = [f"evkit: {done} {draft.kind} of {_about(draft)}"]
        if self.index is not None:
            lines[0] += f", entry {self.index}"
        if self.summary:
            lines += wrap(escape(self.summary), first="  ", rest="    ")
        elif self.index is None:
            for name, value in sorted(draft.fields.items()):
                lines += wrap(f"{name}: {escape(shown(value))}", first="  ", rest="    ")
            lines += [f"  {name}: (kept as a commitment)" for name in sorted(draft.sensitive)]
        for entry in draft.deviations:
            text = f"deviation: {escape(entry.text)}; reason: {escape(entry.reason or NOT_STATED)}"
            lines += wrap(text, first="  ", rest="    ")
        if self.words:
            lines.append("  words of the profile:")
            lines += [line for word in self.words for line in wrap(word, first="    ")]
        for notice in self.notices:
            lines += wrap(f"note: {escape(notice)}", first="  ", rest="    ")
        lines += self._later()
        if self.next_step and self.index is not None:
            lines.append(self.next_step)
        return lines

    def _later(self) -> list[str]:
        """Return how to add what is missing, once it is recorded."""
        draft = self.draft
        codes = {entry.code for entry in draft.deviations}
        if self.index is None or not codes & _MISSING or draft.kind == "correct":
            return []
        ref = next(iter((*draft.exhibits, draft.case or "")), "")
        command = f"evkit custody record correct {ref} --set corrects={self.index}"
        lines = []
        if "missing-fields" in codes:
            lines = ["add what is missing later:", f"  {command} --set values.FIELD=… --set text=…"]
        if "missing-witnesses" in codes:
            lines += ["name witnesses and other persons later, as commitments:"]
            lines += [f"  {command} --sensitive private=… --set text=…"]
        return lines


def _about(draft: Draft) -> str:
    """Name what an event is about, an exhibit not again beside its acquisition."""
    covered = {name.rpartition("/")[0] for name in draft.acquisitions}
    rest = [name for name in draft.exhibits if name not in covered]
    return ", ".join((*draft.acquisitions, *rest)) or draft.case or "the station"


def run(station: Station, signer: Signer | None, request: Request) -> Recorded:
    """Record one event with one signature; the signer may be None for a dry run.

    Raises:
        UsageError: a malformed value, an unknown field, references of two cases.
        CaseError: the case is not open here, or an exhibit is not registered.
    """
    replayed, refs = check(station, request)
    draft = prepare(station, replayed, request, refs)
    return sign(station, signer, draft, dry_run=request.dry_run, reason=request.reason)


def check(station: Station, request: Request) -> tuple[Replay, Refs]:
    """Look for the case, exhibits and acquisitions that a request names.

    Raises:
        UsageError: references of two cases.
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
    return replayed, (case, exhibits, acquisitions)


def prepare(
    station: Station,
    replayed: Replay,
    request: Request,
    refs: tuple[str | None, tuple[str, ...], tuple[str, ...]],
) -> Draft:
    """Return the draft of a request with the deviations that do not depend on role and time.

    Whoever listens (`actions.advice`) hears what the entry will be remarked for.

    Raises:
        UsageError: a malformed value or an unknown field.
        InterruptedByUserError: a person was asked and does not want to go on.
    """
    case, exhibits, acquisitions = refs
    typed = Typed(
        kind=request.kind,
        case=case,
        exhibits=exhibits,
        acquisitions=acquisitions,
        values=_values(request),
        sensitive=request.sensitive,
        happened=request.happened,
        offset=station.profile.offset,
    )
    draft = compose(resolve(typed, replayed))
    draft = complete(draft, station.profile, Context(reason=request.reason))
    if request.kind not in _NO_ADVICE:
        _say_zone(station, request)
        advice.tell(_FOREWARNED, forewarn(station, draft))
    return draft


def forewarn(station: Station, draft: Draft) -> list[Foreseen]:
    """Return what the entry of a draft will be remarked for; empty when nobody listens."""
    who = advice.listener()
    if who is None:
        return []
    from evkit.custody.foresee import Next, foresee
    from evkit.ledger.event import Actor, Recorded
    from evkit.station.officers import choose

    try:
        certificate = station.trust.officer(choose(station, who.officer))
    except EvkitError:  # said when it comes to signing
        certificate = None
    following = Next(
        index=station.head().size,
        actor=Actor.of(certificate) if certificate else None,
        recorded=Recorded.of(clock.now()),
    )
    return foresee(station.events(draft.case), draft, following, station.profile)


def _values(request: Request) -> Mapping[str, object]:
    """Return the values; for a correction the reason serves as text."""
    given = {**request.values, **request.sensitive}
    if request.kind != "correct" or "text" in given or not request.reason:
        return request.values
    return {**request.values, "text": request.reason}


def _say_zone(station: Station, request: Request) -> None:
    """Say which zone was taken for a stated time without offset."""
    stated = request.happened if request.happened is not None else request.values.get("happened")
    if stated is not None and not (isinstance(stated, str) and has_offset(stated)):
        profile = station.profile
        advice.note(f"`{stated}` names no zone; taken as {profile.offset} ({profile.tz})")


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
    words = _words(station, draft)
    if dry_run or signer is None:
        context = Context(now=clock.now().utc, reason=reason)
        return Recorded(
            draft=complete(draft, station.profile, context),
            remarks=advice.told(),
            summary=_correction(station, draft),
            words=words,
        )
    summary = _correction(station, draft)
    done = station.record(draft, signer, reason=reason)
    return Recorded(
        draft=dataclasses.replace(draft, deviations=done.event.deviations),
        index=done.index,
        event_id=done.event_id,
        notices=done.notices,
        next_step=next_step,
        remarks=advice.told(),
        summary=summary,
        words=words,
    )


def _correction(station: Station, draft: Draft) -> str | None:
    """Return the sentence of a correction that is not signed yet."""
    if draft.kind != "correct":
        return None
    from evkit.custody.foresee import summary_of
    from evkit.ledger.event import Recorded as Time

    now = Time.of(clock.now())
    return summary_of(station.events(draft.case), draft, station.head().size, now)


def _words(station: Station, draft: Draft) -> tuple[str, ...]:
    """Return the kinds of authority of the profile when the draft has none of them."""
    if "unknown-authority" not in {entry.code for entry in draft.deviations}:
        return ()
    return tuple(f"{term.id}: {term.text}" for term in station.profile.authority_types)


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
    """Raise CaseError unless the case was opened here, UsageError for an exhibit."""
    need_case(case)
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
                    "case-close": "evkit case close", "equipment": "evkit equipment add",
                    "medium": "evkit media add"}  # fmt: skip
        named = commands.get(kind)
        raise UsageError(
            f"`{kind}` is not recorded with `custody record`",
            hint=f"use `{named}`" if named else f"kinds: {', '.join(recordable())}",
        )
