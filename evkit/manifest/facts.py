"""What a manifest repeats from the events, so that it can be compared with them word for word.

The projection is plain: values as signed, nothing computed, nothing worded, corrections not
applied. So it never changes between versions, and a manifest that says something else than the
events it encloses is found by making the projection again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evkit.ledger.event import Event

    Entry = tuple[int, Event, str]

ENDS = frozenset({"acquire-end", "intake-end"})
_END_FIELDS = (
    "result", "made_by", "media", "artifacts", "files", "bytes", "unread", "in_place",
    "type", "scope", "reason", "part", "selection",
)  # fmt: skip
_INVENTORY_FIELDS = (
    "rows",
    "row_root",
    "engine_rows",
    "engine_root",
    "result",
    "database",
    "unread_files",
)


def facts(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the facts of the enclosed entries, given in ledger order.

    Returns:
        `entries` (one row each), `exhibits` (one row for each registration), `acquisitions` (one
        row for each end of an attempt), `inventories` (one row each).
    """
    return {
        "entries": [_entry(*entry) for entry in entries],
        "exhibits": [_exhibit(*entry) for entry in entries if entry[1].kind == "register"],
        "acquisitions": [
            _part(index, event, ref, _END_FIELDS)
            for index, event, _ in entries
            if event.kind in ENDS
            for ref in event.acquisitions
        ],
        "inventories": [
            _part(index, event, ref, _INVENTORY_FIELDS)
            for index, event, _ in entries
            if event.kind == "inventory"
            for ref in event.acquisitions
        ],
    }


def plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with lists for tuples and dicts for mappings."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def differences(stated: object, made: object, where: str = "") -> Iterable[tuple[str, str, str]]:
    """Yield place, stated value and value made from the events, for each difference."""
    if isinstance(stated, dict) and isinstance(made, dict):
        for key in sorted({*stated, *made}):
            yield from differences(
                stated.get(key, _ABSENT), made.get(key, _ABSENT), f"{where}.{key}" if where else key
            )
    elif isinstance(stated, list) and isinstance(made, list):
        for number in range(max(len(stated), len(made))):
            pair = [side[number] if number < len(side) else _ABSENT for side in (stated, made)]
            yield from differences(pair[0], pair[1], f"{where}[{number}]")
    elif type(stated) is not type(made) or stated != made:
        yield where, _short(stated), _short(made)


def _entry(index: int, event: Event, event_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "entry": index,
        "id": event_id,
        "kind": event.kind,
        "case": event.case,
        "case_seq": event.case_seq,
        "recorded": {"utc": event.recorded.utc, "offset": event.recorded.offset},
        "officer": event.actor.officer,
        "name": event.actor.name,
        "rank": event.actor.rank,
        "role": event.actor.role,
        "certificate": event.actor.certificate,
        "exhibits": list(event.exhibits),
        "acquisitions": list(event.acquisitions),
        "authority": event.authority,
        "purpose": event.purpose,
        "place": event.place,
        "fields": plain(event.fields),
        "personal": sorted(event.commitments),
        "deviations": [
            {name: value for name, value in entry._asdict().items() if value is not None}
            for entry in event.deviations
        ],
    }
    if event.happened is not None:
        row["happened"] = {
            "time": event.happened.time,
            "precision": event.happened.precision,
            "source": event.happened.source,
        }
    return {key: value for key, value in row.items() if value not in (None, [], {}, "")}


def _exhibit(index: int, event: Event, event_id: str) -> dict[str, Any]:
    return {
        "entry": index,
        "id": event_id,
        "exhibits": list(event.exhibits),
        "fields": plain(event.fields),
    }


def _part(index: int, event: Event, ref: str, names: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"entry": index, "acquisition": ref, "kind": event.kind}
    for name in names:
        if name in event.fields:
            row[name] = plain(event.fields[name])
    return row


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()
_WIDTH = 200


def _short(value: object) -> str:
    return repr(value)[:_WIDTH]
