"""Totals that add up: what an inventory covers, counted from its rows as they are written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from evkit.manifest.rows import GAPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.manifest.rowfacts import Alike, Facts

SUMS = (
    ("bytes", "image", ("partitions", "gaps")),
    ("filesystems", "found", ("listed", "failed")),
    ("directories", "found", ("listed", "skipped", "failed")),
    ("names", "listed", ("allocated", "deleted")),
    ("streams", "listed", ("digested", "skipped", "failed")),
    ("spaces", "listed", ("digested", "skipped", "failed")),
)
"""(group of a coverage row, its total, the parts that must add up to it)."""
_COUNTED = ("filesystems", "directories", "names", "streams", "spaces")


class Coverage:
    """Counts rows; `problems` checks that the `SUMS` add up."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str, bool, bool]] = Counter()
        self._digested = 0
        self._image = {"image": 0, "partitions": 0, "gaps": 0}
        self._orphans = {"listed": 0, "left_out": 0, "bytes_left_out": 0}

    def take(self, row: Facts) -> None:
        """Count one row."""
        self.take_all((row,))

    def take_all(self, found: Sequence[Facts]) -> None:
        """Count rows."""
        self._rows.update([(row[0], row[4], row[7], row[8]) for row in found])
        self._digested += sum(row[10] for row in found if row[0] == "stream" and row[4] == "ok")

    def take_alike(self, found: Alike) -> None:
        """Count rows that are alike."""
        self._rows[found.kind, "ok", found.kind == "name", False] += len(found)
        self._digested += found.digested

    def image_bytes(self, size: int, covered: int, gaps: int) -> None:
        """Set how the bytes of the image divide; a tree of files has none."""
        self._image = {"image": size, "partitions": covered, "gaps": gaps}

    def orphans(self, counts: Mapping[str, int]) -> None:
        """Add what a volume says of deleted records to which no name leads."""
        for key in self._orphans:
            self._orphans[key] += counts[key]

    @property
    def complete(self) -> bool:
        """True when nothing that was asked for is unreadable."""
        failing = {"partition", "filesystem", "directory", "name", "stream", "space"}
        return not any(
            kind == "error" or (kind in failing and state in GAPS and not virtual)
            for kind, state, _, virtual in self._rows
        )

    def row(self) -> dict[str, Any]:
        """Return the coverage row."""
        systems, folders = (
            self._outcomes("filesystem", "listed"),
            self._outcomes("directory", "listed"),
        )
        streams = self._outcomes("stream", "digested")
        spaces = self._outcomes("space", "digested")
        systems["listed"] += systems.pop("skipped")
        return {
            "row": "coverage",
            "result": "complete" if self.complete else "with-gaps",
            "bytes": {**self._image, "digested": self._digested},
            "filesystems": {"found": sum(systems.values()), **systems},
            "directories": {"found": sum(folders.values()), **folders},
            "names": self._names(),
            "streams": {"listed": sum(streams.values()), **streams},
            "spaces": {"listed": sum(spaces.values()), **spaces},
            "orphans": dict(self._orphans),
            "errors": sum(count for key, count in self._rows.items() if key[0] == "error"),
        }

    def _outcomes(self, wanted: str, good: str) -> dict[str, int]:
        found = {good: 0, "skipped": 0, "failed": 0}
        for (kind, state, _, virtual), count in self._rows.items():
            if kind == wanted and not virtual:
                found[_outcome(state, good)] += count
        return found

    def _names(self) -> dict[str, int]:
        found = dict.fromkeys(("listed", "allocated", "deleted", "virtual", "failed"), 0)
        for (kind, state, allocated, virtual), count in self._rows.items():
            if kind != "name":
                continue
            if virtual:
                found["virtual"] += count
                continue
            found["listed"] += count
            found["allocated" if allocated else "deleted"] += count
            found["failed"] += count if state in GAPS else 0
        return found


def problems(row: Mapping[str, Any]) -> list[str]:
    """Return which sums of a coverage row do not add up; empty when all do."""
    return [
        f"{group}: {total} is not {' + '.join(parts)}"
        for group, total, parts in SUMS
        if row[group][total] != sum(row[group][part] for part in parts)
    ]


def contradictions(stated: Mapping[str, Any], counted: Mapping[str, Any], size: int) -> list[str]:
    """Return in what a coverage row is not that of the rows it stands behind; empty when it is.

    Args:
        stated: the coverage row of an inventory.
        counted: what its other rows add up to; it does not know the bytes of the image.
        size: bytes of the source.
    """
    pairs = {"result": (stated["result"], counted["result"])}
    pairs |= {name: (stated[name], counted[name]) for name in (*_COUNTED, "errors")}
    digested = (stated["bytes"].get("digested"), counted["bytes"]["digested"])
    image = stated["bytes"].get("image")
    pairs |= {"bytes digested": digested, "bytes of the image": (image, image and size)}
    return [
        f"{name}: {said} is stated, {found} counted"
        for name, (said, found) in pairs.items()
        if said != found
    ]


def _outcome(state: str, good: str) -> str:
    if state == "ok":
        return good
    return "skipped" if state == "skipped" else "failed"
