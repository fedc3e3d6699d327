"""Totals that add up: what an inventory covers, counted from its rows as they are written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_GAPS = frozenset({"damaged", "unreadable", "unsupported", "encrypted"})


class Coverage:
    """Counts rows; `problems` checks these sums.

    - bytes: image = partitions + gaps
    - streams: listed = digested + skipped + failed
    - directories: found = listed + skipped + failed

    """

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._filesystems: Counter[str] = Counter()
        self._directories: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._errors = 0
        self._partition_gaps = 0

    def take(self, row: Mapping[str, Any]) -> None:
        """Count one row."""
        counter = getattr(self, "_take_" + str(row["row"]), None)
        if counter is not None:
            counter(row)

    def image_bytes(self, size: int, covered: int, gaps: int) -> None:
        """Set how the bytes of the image divide; a tree of files has none."""
        self._bytes["image"], self._bytes["partitions"], self._bytes["gaps"] = size, covered, gaps

    @property
    def complete(self) -> bool:
        """True when nothing that was asked for is unreadable."""
        failed = self._filesystems["failed"] + self._directories["failed"]
        failed += self._streams["failed"] + self._names["failed"]
        return not (failed or self._errors or self._partition_gaps)

    def row(self) -> dict[str, Any]:
        """Return the coverage row."""
        return {
            "row": "coverage",
            "result": "complete" if self.complete else "with-gaps",
            "bytes": _with(self._bytes, "image", "partitions", "gaps", "digested"),
            "filesystems": _with(self._filesystems, "found", "listed", "failed"),
            "directories": _with(self._directories, "found", "listed", "skipped", "failed"),
            "names": _with(self._names, "listed", "allocated", "deleted", "virtual", "failed"),
            "streams": _with(self._streams, "listed", "digested", "skipped", "failed"),
            "errors": self._errors,
        }

    def _take_partition(self, row: Mapping[str, Any]) -> None:
        self._partition_gaps += row["state"] in _GAPS

    def _take_filesystem(self, row: Mapping[str, Any]) -> None:
        self._filesystems["found"] += 1
        self._filesystems["failed" if row["state"] in _GAPS else "listed"] += 1

    def _take_directory(self, row: Mapping[str, Any]) -> None:
        if "virtual" in row.get("flags", ()):
            return
        self._directories["found"] += 1
        self._directories[_outcome(row["state"], "listed")] += 1

    def _take_name(self, row: Mapping[str, Any]) -> None:
        if "virtual" in row.get("flags", ()):
            self._names["virtual"] += 1
            return
        self._names["listed"] += 1
        self._names["allocated" if row["allocated"] else "deleted"] += 1
        self._names["failed"] += row["state"] in _GAPS

    def _take_stream(self, row: Mapping[str, Any]) -> None:
        self._streams["listed"] += 1
        self._streams[_outcome(row["state"], "digested")] += 1
        if row["state"] == "ok":
            self._bytes["digested"] += row["bytes_digested"]

    def _take_error(self, _: Mapping[str, Any]) -> None:
        self._errors += 1


def problems(row: Mapping[str, Any]) -> list[str]:
    """Return which sums of a coverage row do not add up; empty when all do."""
    sums = (
        ("bytes", "image", ("partitions", "gaps")),
        ("filesystems", "found", ("listed", "failed")),
        ("directories", "found", ("listed", "skipped", "failed")),
        ("names", "listed", ("allocated", "deleted")),
        ("streams", "listed", ("digested", "skipped", "failed")),
    )
    return [
        f"{group}: {total} is not {' + '.join(parts)}"
        for group, total, parts in sums
        if row[group][total] != sum(row[group][part] for part in parts)
    ]


def _outcome(state: str, good: str) -> str:
    if state == "ok":
        return good
    return "skipped" if state == "skipped" else "failed"


def _with(counts: Counter[str], *names: str) -> dict[str, int]:
    return {name: counts[name] for name in names}
