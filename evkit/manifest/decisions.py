"""Which acquisitions are partial by decision, according to the facts that a manifest repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.custody.decision import Decision, Side, decide
from evkit.manifest.facts import ENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_STARTS = frozenset({"acquire-start", "intake-start"})


def decisions(facts: Mapping[str, Any]) -> dict[str, list[Decision]]:
    """Return the decisions by acquisition; only acquisitions that have some.

    Args:
        facts: as `manifest.facts.facts` makes them; of several starts or ends the first counts.
    """
    starts: dict[str, Side] = {}
    ends: dict[str, Side] = {}
    for row in facts["entries"]:
        kept = starts if row["kind"] in _STARTS else ends if row["kind"] in ENDS else None
        for ref in row.get("acquisitions", ()) if kept is not None else ():
            if kept is not None:
                kept.setdefault(ref, _side(row))
    found = {ref: decide(ref, starts.get(ref), end) for ref, end in ends.items()}
    return {ref: decided for ref, decided in found.items() if decided}


def _side(row: Mapping[str, Any]) -> Side:
    name = str(row.get("name", ""))
    who = f"{row['rank']} {name}" if row.get("rank") else name
    fields, stated = row.get("fields"), row.get("deviations")
    listed = stated if isinstance(stated, list) else []
    return Side(
        fields if isinstance(fields, dict) else {},
        who,
        [entry for entry in listed if isinstance(entry, dict)],
    )
