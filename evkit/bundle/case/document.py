"""The CASE/UCO document of a case or an exhibit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evkit import __version__
from evkit.bundle.case.actions import actions, inventoried
from evkit.bundle.case.files import file
from evkit.bundle.case.graph import Graph, text_of
from evkit.bundle.case.things import acquisition, chosen_files, data_of, exhibit
from evkit.inventory.exports.unsaid import NOT_SAID

if TYPE_CHECKING:
    from evkit.bundle.case.graph import Node
    from evkit.bundle.case.material import Material


def encode(material: Material) -> bytes:
    """Return the JSON-LD of a case; the same material gives the same bytes."""
    document = describe(material)
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
    return text.encode("utf-8") + b"\n"


def describe(material: Material) -> Node:
    """Return the document: the investigation, and everything that it holds."""
    case = material.case
    graph = Graph(f"{material.origin}/{case.id}")
    held: list[Node] = []
    for item in material.exhibits.values():
        held.append(exhibit(graph, item))
        held += [acquisition(graph, one) for one in item.acquisitions.values()]
    done = actions(graph, material)
    for chosen in material.selections:
        data = data_of(graph, chosen.acquisition)
        files = [file(graph, chosen.acquisition, data, entry) for entry in chosen.entries]
        if files:
            record = chosen_files(graph, chosen.acquisition, chosen.row_root, files)
            inventoried(graph, material, chosen, record)
            held.append(record)
    graph.add(
        "case-investigation:Investigation",
        case.id,
        {
            "uco-core:name": case.id,
            "uco-core:description": [text_of(case.title), *NOT_SAID["case"]],
            "case-investigation:investigationStatus": "open" if case.open else "closed",
            "uco-core:object": [*held, *done],
            "evkit:origin": text_of(material.origin),
            "evkit:describes": material.ref,
            "evkit:writtenBy": f"evkit {__version__}",
        },
    )
    return graph.document()
