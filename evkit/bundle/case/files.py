"""Chosen files: facets of name, content and recovery, and where in the data they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.bundle.case.graph import moment, text_of
from evkit.core.clock import format_ns
from evkit.core.errors import InputError
from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.bundle.case.graph import Graph, Node
    from evkit.inventory.search.find import Entry

BASES = {
    "allocated": "content of a record in use",
    "deleted-runs-recorded": "deleted; the record still says where the content lay, "
    "the blocks may have been used again",
    "deleted-contiguous-guess": "deleted; the start is recorded, the rest is GUESSED to follow",
    "none": "nothing says where the content lies",
}
_TIMES = {
    "m": "modifiedTime", "a": "accessedTime", "c": "metadataChangeTime",
    "b": "observableCreatedTime",
}  # fmt: skip


def file(graph: Graph, acquisition: str, data: Node, entry: Entry) -> Node:
    """Add a file with its relation to the data it is from, and return a reference to it."""
    name, stream = entry.name or {}, entry.stream or {}
    key = f"{acquisition}|{entry.name_row}|{entry.stream_row}"
    path = _path(entry)
    facets = [_file_facet(graph, key, path, name, stream)]
    basis = stream.get("basis")
    if stream:
        facets.append(
            graph.facet(
                "uco-observable:ContentDataFacet",
                key,
                {
                    "uco-observable:sizeInBytes": stream.get("size"),
                    "uco-observable:mimeType": [entry.mime] if entry.mime else [],
                    "uco-observable:hash": graph.hashes(key, stream.get("digests", {}), basis),
                    "evkit:contentBasis": basis,
                    "evkit:contentState": stream["state"],
                    "evkit:contentReason": stream.get("reason"),
                },
            )
        )
    if entry.deleted:
        facets.append(_recovered(graph, key, name))
    notes = [f"content: {BASES[basis]}"] if basis in BASES else []
    if name.get("zone") == "local-unknown":
        notes.append("times are local times of the system that wrote them; the zone is not known")
    made = graph.add(
        "uco-observable:File",
        key,
        {
            "uco-core:description": notes,
            "uco-core:hasFacet": facets,
            "evkit:nameRow": entry.name_row,
            "evkit:streamRow": entry.stream_row,
        },
    )
    link = {
        "uco-core:source": [made],
        "uco-core:target": data,
        "uco-core:kindOfRelationship": "Contained_Within",
        "uco-core:isDirectional": True,
        "uco-core:hasFacet": [
            graph.facet("uco-observable:PathRelationFacet", key, {"uco-observable:path": [path]})
        ],
    }
    graph.add("uco-observable:ObservableRelationship", key, link)
    return made


def _path(entry: Entry) -> str:
    """Return the path as it is when it prints as it is, else escaped."""
    if entry.name is None:
        return entry.shown
    raw = from_fields(entry.name)
    if entry.stream is not None and "name" in entry.stream:
        raw += b":" + from_fields(entry.stream, "name")
    try:
        return text_of(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return escape_bytes(raw)


def _file_facet(
    graph: Graph, key: str, path: str, name: Mapping[str, Any], stream: Mapping[str, Any]
) -> Node:
    last = path.rpartition("/")[2]
    stem, dot, extension = last.rpartition(".")
    properties: dict[str, Any] = {
        "uco-observable:fileName": [last] if name else [],
        "uco-observable:filePath": [path],
        "uco-observable:extension": extension if dot and stem and ":" not in extension else None,
        "uco-observable:isDirectory": name.get("type") == "directory" and not stream,
        "uco-observable:sizeInBytes": stream.get("size"),
        "uco-observable:allocationStatus": _allocation(name),
    }
    for letter, field in _TIMES.items():
        if letter in name.get("times", {}):
            text = _time(name["times"][letter], name.get("zone", "utc"))
            properties[f"uco-observable:{field}"] = moment(text)
    return graph.facet("uco-observable:FileFacet", key, properties)


def _allocation(name: Mapping[str, Any]) -> str | None:
    if not name:
        return None
    if name["allocated"]:
        return "allocated"
    return "unallocated, record reused" if name.get("reallocated") == "yes" else "unallocated"


def _recovered(graph: Graph, key: str, name: Mapping[str, Any]) -> Node:
    """Say what of a deleted file is there; that content is the right one is never known."""
    reused = name.get("reallocated") == "yes"
    properties = {
        "uco-observable:contentRecoveredStatus": "overwritten" if reused else "unknown",
        "uco-observable:metadataRecoveredStatus": "overwritten"
        if reused
        else ("recovered" if "seq" in name else "unknown"),
        "uco-observable:nameRecoveredStatus": "recovered" if name else "unknown",
    }
    return graph.facet("uco-observable:RecoveredObjectFacet", key, properties)


def _time(nanoseconds: str, zone: str) -> str | None:
    try:
        shown = format_ns(int(nanoseconds))
    except InputError:
        return None
    return shown if zone == "utc" else shown.removesuffix("Z")
