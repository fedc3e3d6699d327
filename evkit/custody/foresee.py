"""What an event that is not signed yet will be remarked for, and what would put it right first.

The events of its case are replayed with the new one added. Only remarks that the new entry causes
and that another entry before it would prevent are returned; what the event itself is there to say
(an incident, a deviation) is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.custody.replay import replay
from evkit.custody.state import OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evkit.custody.findings import Finding
    from evkit.custody.profile import Profile
    from evkit.custody.state import Exhibit, State
    from evkit.ledger.event import Actor, Draft, Event, Recorded

PENDING = "0" * 64  # stands for the event id and for commitments until they are made
_HANDS = {"holder-change", "no-check-out"}  # these depend on who signs


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """One remark to come: its code, sentence and level, and a command that comes first, if any."""

    code: str
    text: str
    level: str = "remark"
    command: str | None = None


@dataclass(frozen=True, kw_only=True)
class Next:
    """The event as it would be written: its number, who signs (None: not known), the time."""

    index: int
    actor: Actor | None
    recorded: Recorded


def foresee(
    events: Iterable[tuple[int, Event, str]], draft: Draft, following: Next, profile: Profile
) -> list[Foreseen]:
    """Return the remarks that the entry of a draft will cause, gaps first.

    Args:
        events: those of the case, or of the whole ledger.
        draft: what is to be signed.
        following: number, actor and time of the new entry.
        profile: as for `replay`.
    """
    known = list(events)
    before = replay(known, profile).state
    event = _event(draft, following)
    after = replay([*known, (following.index, event, PENDING)], profile)
    found = []
    for finding in after.findings:
        unsure = following.actor is None and finding.code in _HANDS
        # the entry that ends a time without holder has not caused it
        unsure |= finding.code == "custody-gap" and finding.events[0] != following.index
        if following.index in finding.events and finding.code in _REMEDIES and not unsure:
            command = _REMEDIES[finding.code](finding, before, draft)
            found.append(
                Foreseen(code=finding.code, text=finding.text, level=finding.level, command=command)
            )
    return sorted(found, key=lambda item: item.level != "gap")


def summary_of(
    events: Iterable[tuple[int, Event, str]], draft: Draft, index: int, recorded: Recorded
) -> str:
    """Return the sentence that the log will show for the entry of a draft."""
    event = _event(draft, Next(index=index, actor=None, recorded=recorded))
    return replay([*events, (index, event, PENDING)]).entries[-1].summary


def _event(draft: Draft, following: Next) -> Event:
    from evkit.ledger.event import Actor, Event, Tool

    return Event(
        kind=draft.kind,
        recorded=following.recorded,
        actor=following.actor or Actor("unknown", "unknown", "officer", PENDING),
        tool=Tool("evkit", ""),
        subjects=tuple(draft.subjects),
        head=None,
        case=draft.case,
        case_seq=None,
        case_prev=None,
        exhibits=draft.exhibits,
        acquisitions=draft.acquisitions,
        fields=draft.fields,
        commitments=dict.fromkeys(draft.sensitive, PENDING),
        happened=draft.happened,
        authority=draft.authority,
        purpose=draft.purpose,
        place=draft.place,
        deviations=(),
    )


def _record(kind: str, rest: str = "") -> Callable[[Finding, State, Draft], str | None]:
    """Return a remedy: an entry of `kind` about the exhibit of the finding."""

    def make(finding: Finding, _: State, draft: Draft) -> str:
        about = finding.exhibit or draft.case or ""
        return f"evkit custody record {kind} {about}{rest}"

    return make


def _exhibit(finding: Finding, state: State) -> Exhibit | None:
    return state.exhibit(finding.exhibit) if finding.exhibit else None


def _unseal(finding: Finding, state: State, draft: Draft) -> str:
    exhibit = _exhibit(finding, state)
    numbers = ",".join(exhibit.seal.numbers) if exhibit and exhibit.seal else ""
    rest = f" --set seal={_quoted(numbers) if numbers else 'NUMBER'}"
    return _record("unseal", rest)(finding, state, draft) or ""


def _reread(finding: Finding, state: State, draft: Draft) -> str | None:
    """Another number than the recorded one: the sealing may have been written down wrongly."""
    exhibit = _exhibit(finding, state)
    if exhibit is None or exhibit.seal is None or not exhibit.seal.sealed:
        return _record("seal", " --set seal=NUMBER --happened WHEN")(finding, state, draft)
    return (
        f"evkit custody record correct {exhibit.ref} --set corrects={exhibit.seal.entry} "
        "--set values.seal=NUMBER"
    )


def _change_hands(finding: Finding, state: State, draft: Draft) -> str | None:
    exhibit = _exhibit(finding, state)
    now = exhibit.now if exhibit else None
    if now is None:
        return None
    if now.state == OUT:
        rest = f" --set received_from={_quoted(now.holder or 'NAME')} --set location=WHERE"
        return _record("check-in", rest)(finding, state, draft)
    by = f" --officer {now.officer}" if now.officer else ""
    return _record("check-out", f" --set to=NAME{by}")(finding, state, draft)


def _giver(finding: Finding, state: State, draft: Draft) -> str | None:
    giver = draft.fields.get("received_from")
    rest = f" --set to={_quoted(str(giver))} --happened WHEN"
    return _record("check-out", rest)(finding, state, draft)


def _acquire(finding: Finding, _: State, draft: Draft) -> str:
    return f"evkit acquire SOURCE --exhibit {finding.exhibit or draft.exhibits[0]}"


def _register(_: Finding, state: State, draft: Draft) -> str | None:
    named = draft.fields.get("derived_from")
    refs = [str(ref) for ref in named] if isinstance(named, (list, tuple)) else []
    whole = draft.fields.get("part_of")
    for ref in [*refs, *([whole] if isinstance(whole, str) else [])]:
        exhibit = "/".join(ref.split("/")[:2])
        known = state.exhibit(exhibit)
        if known is None or known.registered_entry is None:
            return f"evkit exhibit register {_quoted(exhibit)} --what …"
    return None


def _nothing(_: Finding, __: State, ___: Draft) -> None:
    return None


def _quoted(text: str) -> str:
    """Return a value as it is typed in a shell; control characters never get there."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    if plain.replace("-", "").replace("_", "").replace(",", "").replace("/", "").isalnum():
        return plain
    return "'" + plain.replace("'", "'\\''") + "'"


_REMEDIES: dict[str, Callable[[Finding, State, Draft], str | None]] = {
    "worked-while-sealed": _unseal,
    "seal-while-sealed": _unseal,
    "seal-mismatch": _reread,
    "unseal-without-seal": _record("seal", " --set seal=NUMBER --happened WHEN"),
    "no-check-out": _record("check-out", " --set to=NAME"),
    "holder-change": _change_hands,
    "holder-mismatch": _giver,
    "check-out-while-out": _record("check-in", " --set location=WHERE"),
    "check-in-without-check-out": _record("check-out", " --set to=NAME --happened WHEN"),
    "custody-gap": _nothing,
    "after-end": _record("note", " --set text=…"),
    "after-close": _record("note", " --set text=…"),
    "returned-unexamined": _acquire,
    "source-not-registered": _register,
    "derived-without-source": _nothing,
    "happened-earlier": _nothing,
    "transport-dates": _nothing,
    "registered-twice": _nothing,
}
