"""Nodes of a CASE/UCO graph: identifiers that are the same every time, literals, hashes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from evkit.core.text import escape, is_clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Node = dict[str, Any]
_UCO = "https://ontology.unifiedcyberontology.org/uco/"
CONTEXT: Final = {
    "kb": "urn:evkit:kb:",
    "evkit": "urn:evkit:case:1#",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": f"{_UCO}action/",
    "uco-core": f"{_UCO}core/",
    "uco-identity": f"{_UCO}identity/",
    "uco-observable": f"{_UCO}observable/",
    "uco-role": f"{_UCO}role/",
    "uco-tool": f"{_UCO}tool/",
    "uco-types": f"{_UCO}types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_METHODS = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "sha512": "SHA512"}


class Graph:
    """The nodes of one document, each once, in the order in which they were added.

    Args:
        scope: what the identifiers belong to: origin of the ledger and case.
    """

    def __init__(self, scope: str) -> None:
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:evkit:{scope}")
        self._nodes: dict[str, Node] = {}

    def identifier(self, name: str, key: str) -> str:
        """Return the identifier of the node called `name` (such as `File`) with a key."""
        return f"kb:{name}-{uuid.uuid5(self._space, f'{name}|{key}')}"

    def add(self, kind: str, key: str, properties: Mapping[str, Any]) -> Node:
        """Add a node of type `prefix:Name` and return a reference to it.

        Properties that are None or empty are left out; a node that is there already stays.
        """
        name = self.identifier(kind.rpartition(":")[2], key)
        if name not in self._nodes:
            given = {field: value for field, value in properties.items() if value not in (None, [])}
            self._nodes[name] = {"@id": name, "@type": kind, **given}
        return {"@id": name}

    def has(self, identifier: str) -> bool:
        """Say whether a node was added."""
        return identifier in self._nodes

    def put(self, reference: Node, field: str, value: object) -> None:
        """Set a property of a node."""
        self._nodes[reference["@id"]][field] = value

    def extend(self, reference: Node, field: str, values: Iterable[Node]) -> None:
        """Append references to a property of a node."""
        node = self._nodes[reference["@id"]]
        node[field] = [*node.get(field, []), *values]

    def facet(self, kind: str, key: str, properties: Mapping[str, Any]) -> Node:
        """Return a facet, which stands inside its object."""
        given = {field: value for field, value in properties.items() if value not in (None, [])}
        name = kind.rpartition(":")[2]
        return {"@id": self.identifier(name, key), "@type": kind, **given}

    def hashes(self, key: str, digests: Mapping[str, Any], basis: str | None = None) -> list[Node]:
        """Return hashes; of content from an inventory each carries its basis."""
        return [
            self.facet(
                "uco-types:Hash",
                f"{key}|{name}",
                {
                    "uco-types:hashMethod": _METHODS[name],
                    "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": digest},
                    "evkit:contentBasis": basis,
                },
            )
            for name, digest in sorted(digests.items())
            if name in _METHODS and isinstance(digest, str)
        ]

    def document(self) -> Node:
        """Return the whole JSON-LD document."""
        return {"@context": CONTEXT, "@graph": list(self._nodes.values())}


def moment(text: str | None) -> Node | None:
    """Return an RFC 3339 time as a literal; None for None."""
    return None if text is None else {"@type": "xsd:dateTime", "@value": text}


def text_of(value: str) -> str:
    """Return text from the record as it is when it prints as it is, else escaped."""
    return value if is_clean(value.replace("\\", "")) else escape(value)
