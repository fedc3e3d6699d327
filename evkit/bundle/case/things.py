"""Exhibits and acquisitions: the thing, its data, and a provenance record for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.bundle.case.graph import text_of

if TYPE_CHECKING:
    from evkit.bundle.case.graph import Graph, Node
    from evkit.custody.state import Acquisition, Exhibit

_DEVICE = ("make", "model", "serial", "imei")


def exhibit(graph: Graph, item: Exhibit) -> Node:
    """Add an exhibit and return a reference to its provenance record."""
    fields = item.fields
    common: dict[str, Any] = {
        "uco-core:name": item.ref,
        "uco-core:description": [text_of(item.what)],
    }
    if any(fields.get(name) for name in _DEVICE):
        make = _text(fields.get("make"))
        maker = (
            graph.add("uco-identity:Organization", make, {"uco-core:name": make}) if make else None
        )
        facet = {
            "uco-observable:manufacturer": maker,
            "uco-observable:model": _text(fields.get("model")) or None,
            "uco-observable:serialNumber": _text(fields.get("serial")) or None,
        }
        common["uco-core:hasFacet"] = [graph.facet("uco-observable:DeviceFacet", item.ref, facet)]
        thing = graph.add("uco-observable:Device", item.ref, common)
    else:
        thing = graph.add("uco-core:UcoObject", item.ref, common)
    marks = [text_of(mark) for mark, _ in item.marks]
    return _record(graph, item.ref, item.ref, [thing], marks)


def acquisition(graph: Graph, item: Acquisition) -> Node:
    """Add the data of an acquisition and return a reference to its provenance record."""
    media = item.media
    size = media.get("size")
    digests = {name: value for name, value in media.items() if name != "size"}
    facets = []
    content = {
        "uco-observable:sizeInBytes": size if isinstance(size, int) else None,
        "uco-observable:hash": graph.hashes(item.ref, digests or item.digests),
    }
    if any(value not in (None, []) for value in content.values()):
        facets.append(graph.facet("uco-observable:ContentDataFacet", item.ref, content))
    image = isinstance(size, int)
    if image:
        form = _text(item.fields.get("format")) or None
        facets.append(
            graph.facet("uco-observable:ImageFacet", item.ref, {"uco-observable:imageType": form})
        )
    note = f"{item.what}, {item.result or 'begun, no end recorded'}"
    if not image and item.digests:
        note += "; the digest is that of the list of its files"
    data = graph.add(
        "uco-observable:Image" if image else "uco-observable:ObservableObject",
        f"data|{item.ref}",
        {
            "uco-core:name": item.ref,
            "uco-core:description": [text_of(note)],
            "uco-core:hasFacet": facets,
        },
    )
    return _record(graph, item.ref, item.ref.rpartition("/")[0], [data])


def data_of(graph: Graph, ref: str) -> Node:
    """Return a reference to the data of the acquisition `ref`, whose exhibit was added."""
    image = graph.identifier("Image", f"data|{ref}")
    other = graph.identifier("ObservableObject", f"data|{ref}")
    return {"@id": image if graph.has(image) else other}


def record_of(graph: Graph, ref: str) -> Node:
    """Return a reference to the provenance record called `ref`."""
    return {"@id": graph.identifier("ProvenanceRecord", ref)}


def chosen_files(graph: Graph, ref: str, row_root: str, files: list[Node]) -> Node:
    """Add the provenance record of the files chosen from an acquisition."""
    made = _record(graph, f"{ref}/files", ref.rpartition("/")[0], files)
    graph.put(made, "evkit:rowRoot", row_root)
    return made


def _record(
    graph: Graph, ref: str, root: str, objects: list[Node], marks: list[str] | None = None
) -> Node:
    description = [f"also marked {mark}" for mark in marks or ()]
    return graph.add(
        "case-investigation:ProvenanceRecord",
        ref,
        {
            "case-investigation:exhibitNumber": ref,
            "case-investigation:rootExhibitNumber": [root],
            "uco-core:description": description,
            "uco-core:object": objects,
        },
    )


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return text_of(value) if isinstance(value, str) else ""
