"""Partition rows: what a child found, clipped to the image, and the gaps between (parent side)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.core.ranges import complement, merge, total
from evkit.inventory.runner import EngineStoppedError
from evkit.manifest import rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIELDS = frozenset(
    {"kind", "table", "offset", "size", "description", "description_b64", "slot", "table_number"}
)
MAX_PARTS = 10_000
MAX_MEMBERS = 100  # file systems of one container


class Division(NamedTuple):
    """How an image divides.

    Attributes:
        rows: partition rows in order of their place, numbered from 1.
        covered: bytes in partitions, overlaps counted once.
        gaps: bytes outside all partitions; `covered + gaps` is the size of the image.
    """

    rows: list[dict[str, Any]]
    covered: int
    gaps: int


def part_row(fields: Mapping[str, Any], image: int) -> dict[str, Any]:
    """Make a partition row, without its number, of what a child sent.

    Raises:
        EngineStoppedError: the fields are not those of a partition.
    """
    row: dict[str, Any] = {"row": "partition", "state": "ok"}
    row |= {key: value for key, value in fields.items() if key in _FIELDS}
    offset, size = row.get("offset"), row.get("size")
    if type(offset) is not int or type(size) is not int or offset < 0 or size < 0:
        raise EngineStoppedError("engine-garbage", "a partition without a place")
    if offset + size > image:
        missing = offset + size - max(image, offset)
        row |= {"state": "damaged", "reason": "beyond-end-of-image"}
        row["detail"] = f"{missing} of {size} bytes are missing"
        if offset > image:
            row["detail"] += f"; the table says that it begins at byte {offset}"
        row["offset"] = min(offset, image)
        row["size"] = max(image - offset, 0)
    try:
        rows.check({**row, "partition": 1})
    except InputError as error:
        raise EngineStoppedError("engine-garbage", error.message) from error
    return row


def members(fields: Mapping[str, Any]) -> int:
    """Return how many file systems a part holds, as a child says.

    Raises:
        EngineStoppedError: that is no such number.
    """
    count = fields.get("members", 1)
    if type(count) is not int or not 1 <= count <= MAX_MEMBERS:
        raise EngineStoppedError("engine-garbage", "a part with an impossible number of volumes")
    return count


def divide(parts: Sequence[dict[str, Any]], image: int) -> Division:
    """Add the gaps and number everything in order of its place."""
    covered = merge((p["offset"], p["size"]) for p in parts if p["kind"] != "metadata")
    gaps = complement(covered, image)
    table = str(parts[0]["table"]) if parts else "none"
    every = list(parts) + [
        {"row": "partition", "kind": "gap", "table": table, "offset": offset, "size": size,
         "state": "ok"}
        for offset, size in gaps
    ]  # fmt: skip
    every.sort(key=lambda part: (part["offset"], part["kind"] == "gap", -part["size"]))
    numbered = [{**part, "partition": number} for number, part in enumerate(every, 1)]
    return Division(numbered, total(covered), total(gaps))
