"""What was done: an investigative action for each entry of the record, by whom, with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.bundle.case.graph import moment, text_of
from evkit.bundle.case.things import record_of

if TYPE_CHECKING:
    from evkit.bundle.case.graph import Graph, Node
    from evkit.bundle.case.material import Material, Selection
    from evkit.custody.history import Entry

_STARTS = frozenset({"acquire-start", "intake-start"})
_ENDS = frozenset({"acquire-end", "intake-end"})
_NAMES = {
    "register": "registered", "acquire-end": "acquired", "intake-end": "taken in",
    "acquire-start": "acquisition begun", "intake-start": "intake begun",
    "inventory": "inventoried", "verify": "verified", "seal": "sealed", "unseal": "unsealed",
    "store": "stored", "check-out": "handed out of the store", "check-in": "taken into the store",
    "copy-out": "copy handed over", "produce": "produced in court", "return": "returned",
    "dispose": "disposed of", "bundle": "bundle made",
}  # fmt: skip
_STATUS = {"complete": "Success", "with-gaps": "Complete/Finish", "failed": "Fail"}
_ROLES = {
    "officer": "case-investigation:Investigator",
    "analyst": "case-investigation:Examiner",
    "prosecutor": "case-investigation:Attorney",
}


def actions(graph: Graph, material: Material) -> list[Node]:
    """Add an action for each entry and return references to them, in the order of the ledger."""
    before: dict[str, Node] = {}
    found: list[Node] = []
    for entry in material.replay.entries_of(material.ref):
        if entry.kind in _STARTS and _ended(material, entry):
            continue
        made = _action(graph, material, entry, before)
        for name in (*entry.exhibits, *entry.acquisitions):
            before[name] = made
        found.append(made)
    return found


def inventoried(graph: Graph, material: Material, chosen: Selection, files: Node) -> None:
    """Add the record of chosen files to the results of the action that listed them."""
    for entry in material.replay.entries_of(chosen.acquisition):
        if entry.kind == "inventory" and entry.fields.get("row_root") == chosen.row_root:
            action = {"@id": graph.identifier("InvestigativeAction", entry.event_id)}
            graph.extend(action, "uco-action:result", [files])


def person(graph: Graph, entry: Entry) -> Node:
    """Add the officer who signed an entry, with the role of that entry."""
    made = graph.add(
        "uco-identity:Person",
        entry.officer,
        {"uco-core:name": text_of(entry.actor), "evkit:officer": text_of(entry.officer)},
    )
    if entry.role:
        kind = _ROLES.get(entry.role, "uco-role:Role")
        role = graph.add(kind, f"role|{entry.role}", {"uco-core:name": text_of(entry.role)})
        link = {
            "uco-core:source": [made],
            "uco-core:target": role,
            "uco-core:kindOfRelationship": "Has_Role",
            "uco-core:isDirectional": True,
        }
        graph.add("uco-core:Relationship", f"{entry.officer}|{entry.role}", link)
    return made


def _action(graph: Graph, material: Material, entry: Entry, before: dict[str, Node]) -> Node:
    start, end = _span(material, entry)
    informed = {
        node["@id"]: node
        for name in (*entry.exhibits, *entry.acquisitions)
        if (node := before.get(name)) is not None
    }
    result = entry.fields.get("result")
    properties: dict[str, Any] = {
        "uco-core:name": _NAMES.get(entry.kind, entry.kind),
        "uco-core:description": [text_of(entry.summary)],
        "uco-action:startTime": moment(start),
        "uco-action:endTime": moment(end),
        "uco-action:actionStatus": _STATUS.get(result) if isinstance(result, str) else None,
        "uco-action:performer": person(graph, entry),
        "uco-action:instrument": _tools(graph, material, entry),
        "uco-action:object": _objects(graph, material, entry),
        "uco-action:result": _results(graph, material, entry),
        "case-investigation:wasInformedBy": list(informed.values()),
        "evkit:entry": entry.index,
        "evkit:eventId": entry.event_id,
        "evkit:rowRoot": entry.fields.get("row_root"),
    }
    return graph.add("case-investigation:InvestigativeAction", entry.event_id, properties)


def _span(material: Material, entry: Entry) -> tuple[str, str]:
    at = entry.happened or entry.recorded
    if entry.kind in _ENDS and entry.acquisitions:
        known = material.replay.state.acquisition(entry.acquisitions[0])
        if known is not None and known.ended_entry == entry.index:
            return known.started or at, known.ended or at
    return at, at


def _ended(material: Material, entry: Entry) -> bool:
    known = [material.replay.state.acquisition(ref) for ref in entry.acquisitions]
    return any(item is not None and item.ended_entry is not None for item in known)


def _tools(graph: Graph, material: Material, entry: Entry) -> list[Node]:
    """Add evkit, and the other tool of an acquisition that evkit did not make."""
    found = []
    stated = entry.fields.get("tool")
    if isinstance(stated, dict) and isinstance(stated.get("name"), str):
        found.append((stated["name"], str(stated.get("version", ""))))
    if entry.index in material.tools:
        found.append(material.tools[entry.index])
    return [
        graph.add(
            "uco-tool:Tool",
            f"{name}|{version}",
            {"uco-core:name": text_of(name), "uco-tool:version": text_of(version) or None},
        )
        for name, version in found
    ]


def _objects(graph: Graph, material: Material, entry: Entry) -> list[Node]:
    made = set(entry.acquisitions) if entry.kind in _ENDS else set()
    names = [name for name in entry.acquisitions if name not in made] or list(entry.exhibits)
    return [record_of(graph, name) for name in names if _described(material, name)]


def _results(graph: Graph, material: Material, entry: Entry) -> list[Node]:
    if entry.kind == "register":
        names: tuple[str, ...] = entry.exhibits
    else:
        names = entry.acquisitions if entry.kind in _ENDS else ()
    return [record_of(graph, name) for name in names if _described(material, name)]


def _described(material: Material, name: str) -> bool:
    exhibit = "/".join(name.split("/")[:2])
    known = material.exhibits.get(exhibit)
    return known is not None and (name == exhibit or name in known.acquisitions)
