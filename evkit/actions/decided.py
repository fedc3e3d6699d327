"""What a decision to take only a part asks for: its scope and its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.actions.acquire_job import FULL, PARTIAL
from evkit.custody.decision import Decision, Side, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evkit.core.refs import Ref
    from evkit.identity.signer import Signer
    from evkit.station import Station

NOTHING = "nothing: all of the source was to be taken"
NOT_STATED = "scope-not-stated"


def reason_fields(type_: str, reason: str | None) -> dict[str, str]:
    """Return the field of the started event that says why not everything is taken."""
    return {} if type_ == FULL or not reason else {"reason": reason}


def missing(type_: str, given: Mapping[str, object], reason: str | None) -> list[str]:
    """Return which of `scope` and `reason` a partial acquisition lacks."""
    if type_ not in PARTIAL:
        return []
    both = {"scope": given.get("scope"), "reason": reason}
    return [name for name, value in both.items() if not str(value or "").strip()]


def deviations(
    type_: str, given: Mapping[str, object], reason: str | None
) -> list[tuple[str, str, str]]:
    """Return (code, text, reason) of what was not stated; it is recorded, never refused."""
    names = missing(type_, given, reason)
    if not names:
        return []
    text = f"an acquisition of type `{type_}` asks for {' and '.join(names)}; not stated"
    return [(NOT_STATED, text, reason or "not stated")]


def of_end(
    station: Station,
    signer: Signer,
    ref: Ref,
    values: Mapping[str, Any],
    deviations: Iterable[tuple[str, str, str]],
) -> list[Decision]:
    """Return the decisions about an acquisition whose end is going to be recorded.

    Args:
        station: whose ledger holds the start.
        signer: who signs the end.
        ref: the acquisition.
        values: fields of the end.
        deviations: (code, text, reason) of the end.
    """
    known = station.state(ref.case).state.acquisition(str(ref))
    start = Side(known.fields, known.by) if known is not None and known.by else None
    person = signer.certificate
    who = f"{person.rank} {person.common_name}" if person.rank else person.common_name
    stated = [{"code": code, "text": text, "reason": why} for code, text, why in deviations]
    return decide(str(ref), start, Side(values, who, stated))


def for_log(decisions: Sequence[Decision], result: str) -> str | None:
    """Return the item `decision` of the acquisition log; None where no data were taken."""
    if decisions:
        return "; ".join(one.words for one in decisions)
    return NOTHING if result in {"complete", "with-gaps"} else None
