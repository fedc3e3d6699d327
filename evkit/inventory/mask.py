"""Sensitive material: rows without what names or describes content.

Digests, sizes, states, bases and the numbers of rows stay; names, paths, times, owners, targets and
types go. Only fields that are listed here are kept, so that a new kind of row tells nothing until
somebody has thought about it; what a row must have is kept or replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.inventory.rowsource import RowSource

SENSITIVE: Final = "(sensitive)"  # stands where a name or a type was
KEPT: Final = frozenset({
    "acquisition", "agreed", "allocated", "attachments", "attr", "attr_id", "basis", "block_size",
    "blocks", "bytes", "bytes_digested", "derived", "differing", "digests", "directories",
    "entries", "errors", "extents", "extents_left_out", "filesystems", "first_inode", "flags", "fs",
    "inode", "kind", "last_inode", "left_out", "links", "missing", "name_seq", "names", "offset",
    "orphans", "parent", "parent_seq", "partition", "reallocated", "reason", "resolution", "result",
    "root", "row", "sector_size", "seq", "size", "slot", "spaces", "stage", "state", "stated",
    "streams", "table", "table_number", "type", "unchecked", "what", "within", "zeros", "zone",
})  # fmt: skip
_NAMES = ("path", "name", "description")


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Which rows are masked.

    Attributes:
        everything: all of them: the exhibit holds sensitive material.
        streams: numbers of stream rows that a set of sensitive material holds, and of the other
            streams of their records.
        nodes: (fs, inode, seq) of these; `places` without the sequence.
        systems: numbers of file systems that lie in them, such as archives.
    """

    everything: bool = False
    streams: frozenset[int] = frozenset()
    nodes: frozenset[tuple[int, int, int]] = frozenset()
    places: frozenset[tuple[int, int]] = frozenset()
    systems: frozenset[int] = frozenset()

    @classmethod
    def of_streams(cls, inventory: RowSource, streams: Iterable[int]) -> Mask:
        """Return the mask of some stream rows, of their names, and of what lies in them.

        Raises:
            InputError: a row is not there.
        """
        nodes = {_node(inventory.row(number)) for number in set(streams)}
        places = {node[:2] for node in nodes}
        hit = {
            number
            for found in inventory.joined_all("stream", places).values()
            for number, row in found
            if _node(row) in nodes
        }
        systems: set[int] = set()
        inside = {
            row["fs"]: row["within"] for _, row in inventory.rows("filesystem") if "within" in row
        }
        if inside:
            systems = _closure(inventory, inside, hit)
        return cls(
            streams=frozenset(hit),
            nodes=frozenset(nodes),
            places=frozenset(places),
            systems=frozenset(systems),
        )

    def hides(self, number: int, row: dict[str, Any]) -> bool:
        """Say whether a row is masked."""
        if self.everything or number in self.streams or row.get("fs") in self.systems:
            return True
        place = (row.get("fs"), row.get("inode"))
        if "seq" not in row:  # also old names, which a rename leaves behind in its folder
            return place in self.places
        return (*place, row.get("seq")) in self.nodes

    def row(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row, without what names or describes content when it is masked."""
        return hidden(row) if self.hides(number, row) else row

    def mime(self, stream: int, text: str, inventory: RowSource) -> str:
        """Return the type of a stream row, or what stands for it when the row is masked."""
        if self.everything or stream in self.streams:
            return SENSITIVE
        return SENSITIVE if self.systems and self.hides(stream, inventory.row(stream)) else text


def hidden(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what names or describes content."""
    found = {name: value for name, value in row.items() if name in KEPT}
    for name in _NAMES:
        if name in row:
            found[name] = SENSITIVE
    if row["row"] == "source" and "acquisition" in row:
        found["name"] = row["acquisition"]
    return found


def _node(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["fs"], row["inode"], row["seq"]


def _closure(inventory: RowSource, inside: dict[int, int], streams: set[int]) -> set[int]:
    """Return the file systems that lie in streams, or in others that do."""
    systems: set[int] = set()
    while True:
        found = set()
        for system, stream in inside.items():
            if system not in systems and (
                stream in streams or inventory.row(stream)["fs"] in systems
            ):
                found.add(system)
        if not found:
            return systems
        systems |= found
