"""One pass over the rows of an inventory: what the page says, in bounded memory."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.bundle.inventory.histogram import Activity
from evkit.core.progress import SILENT, Progress
from evkit.inventory.coverage import Coverage
from evkit.inventory.hashsets.model import NOTABLE
from evkit.manifest.rowaccept import facts_of
from evkit.manifest.rows import GAPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.hashsets.marks import Marks

LARGEST = 15
PROBLEMS = 300
VOLUMES = 400
HITS = 500
_TYPES = 4096  # distinct types that are told apart
_REST = "(others)"
_STEP = 20_000
_TASK = "report"
_Row = dict[str, Any]


@dataclass(kw_only=True)
class Facts:
    """What was gathered.

    Attributes:
        source: the source row.
        coverage: the coverage row.
        partitions, filesystems: (number, row), the first ones.
        volumes_left_out: partitions and file systems beyond these.
        problems: (number, row) of what could not be read, the first of each kind.
        problem_count: of all, by kind of row.
        types: type -> [streams, bytes]; without a type under the empty string.
        by_basis: basis -> [streams, bytes, digested streams].
        deleted: deleted names by `reallocated`.
        activity: times of all names that are not virtual.
        largest: (number, row) of streams, the largest first.
        hits: (number, row) of streams that a notable hash set holds.
        marked: streams by kind of mark; None when there are no marks.
        counted: the coverage row that the other rows give, to compare with the one that is there.
        files: names that are not directories, and streams without a name are not among them.
    """

    source: _Row = field(default_factory=dict)
    coverage: _Row = field(default_factory=dict)
    partitions: list[tuple[int, _Row]] = field(default_factory=list)
    filesystems: list[tuple[int, _Row]] = field(default_factory=list)
    volumes_left_out: int = 0
    problems: list[tuple[int, _Row]] = field(default_factory=list)
    problem_count: Counter[str] = field(default_factory=Counter)
    types: dict[str, list[int]] = field(default_factory=dict)
    by_basis: dict[str, list[int]] = field(default_factory=dict)
    deleted: Counter[str] = field(default_factory=Counter)
    activity: Activity = field(default_factory=Activity)
    largest: list[tuple[int, _Row]] = field(default_factory=list)
    hits: list[tuple[int, _Row]] = field(default_factory=list)
    marked: Counter[str] | None = None
    counted: _Row = field(default_factory=dict)
    files: int = 0

    @property
    def complete(self) -> bool:
        """Whether the inventory says that all could be read, and its rows say so too."""
        return {self.coverage["result"], self.counted["result"]} == {"complete"}


def gather(inventory: Inventory, marks: Marks | None, progress: Progress = SILENT) -> Facts:
    """Read all rows once.

    Args:
        inventory: a finished inventory.
        marks: of hash sets; None when none were applied.
        progress: told rows.
    """
    facts = Facts(marked=None if marks is None else Counter())
    taker = _Taker(facts, marks, inventory.types())
    total = int(inventory.meta["rows"])
    progress.begin(_TASK, total, "rows")
    for number, row in inventory.rows():
        taker.take(number, row)
        if not number % _STEP:
            progress.update(_TASK, number)
    taker.finish()
    progress.end(_TASK, total)
    return facts


class _Taker:
    """Counts rows; types come in the order of the streams that they belong to."""

    def __init__(self, facts: Facts, marks: Marks | None, types: Iterator[tuple[int, str]]) -> None:
        self._facts, self._marks, self._types = facts, marks, types
        self._next = next(types, None)
        self._heap: list[tuple[int, int, _Row]] = []
        self._kept: Counter[str] = Counter()
        self._counted = Coverage()

    def take(self, number: int, row: _Row) -> None:
        """Count one row."""
        kind = row["row"]
        self._counted.take(facts_of(row))
        counter = getattr(self, f"_take_{kind}", None)
        if counter is not None:
            counter(number, row)
        if kind == "error" or row.get("state") in GAPS:
            self._problem(number, row)

    def finish(self) -> None:
        """Put the largest streams in their order, and count together."""
        self._facts.counted = self._counted.row()
        self._facts.largest = [
            (-number, row)
            for _, number, row in sorted(self._heap, key=lambda item: item[:2], reverse=True)
        ]

    def _problem(self, number: int, row: _Row) -> None:
        kind = str(row["row"])
        self._facts.problem_count[kind] += 1
        if self._kept[kind] < PROBLEMS:
            self._kept[kind] += 1
            self._facts.problems.append((number, _slim(row)))

    def _take_source(self, _: int, row: _Row) -> None:
        self._facts.source = row

    def _take_coverage(self, _: int, row: _Row) -> None:
        self._facts.coverage = row

    def _take_partition(self, number: int, row: _Row) -> None:
        self._volume(self._facts.partitions, number, row)

    def _take_filesystem(self, number: int, row: _Row) -> None:
        self._volume(self._facts.filesystems, number, row)

    def _volume(self, rows: list[tuple[int, _Row]], number: int, row: _Row) -> None:
        if len(rows) < VOLUMES:
            rows.append((number, row))
        else:
            self._facts.volumes_left_out += 1

    def _take_name(self, _: int, row: _Row) -> None:
        if "virtual" in row.get("flags", ()):
            return
        self._facts.activity.take(row)
        if row["type"] != "directory":
            self._facts.files += 1
        if not row["allocated"]:
            self._facts.deleted[row["reallocated"]] += 1

    def _take_stream(self, number: int, row: _Row) -> None:
        self._mark(number, row)
        if row.get("reason") == "bad-cluster-list":  # as large as the volume, and no file
            return
        size = row.get("size", 0)
        mime = self._type_of(number)
        types = self._facts.types
        if mime not in types and len(types) >= _TYPES:
            mime = _REST
        entry = types.setdefault(mime, [0, 0])
        entry[0] += 1
        entry[1] += size
        basis = self._facts.by_basis.setdefault(row["basis"], [0, 0, 0])
        basis[0] += 1
        basis[1] += size
        basis[2] += row["state"] == "ok"
        item = (size, -number, _slim(row))
        if len(self._heap) < LARGEST:
            heapq.heappush(self._heap, item)
        elif item[:2] > self._heap[0][:2]:
            heapq.heapreplace(self._heap, item)

    def _mark(self, number: int, row: _Row) -> None:
        kind = "" if self._marks is None else self._marks.category(number)
        if not kind or self._facts.marked is None:
            return
        self._facts.marked[kind] += 1
        if kind == NOTABLE and len(self._facts.hits) < HITS:
            self._facts.hits.append((number, _slim(row)))

    def _type_of(self, stream: int) -> str:
        while self._next is not None and self._next[0] < stream:
            self._next = next(self._types, None)
        return self._next[1] if self._next is not None and self._next[0] == stream else ""


def _slim(row: _Row) -> _Row:
    """Leave out what can be long and is not shown."""
    return {name: value for name, value in row.items() if name != "extents"}


def sorted_types(types: Mapping[str, list[int]], most: int) -> list[tuple[str, int, int]]:
    """Return (type, streams, bytes), the most bytes first; what is over `most` in one line."""
    rows = sorted(
        ((mime, count, size) for mime, (count, size) in types.items()),
        key=lambda item: (item[0] == _REST, -item[2], -item[1], item[0]),
    )
    if len(rows) <= most:
        return rows
    rest = rows[most - 1 :]
    return [*rows[: most - 1], (_REST, sum(r[1] for r in rest), sum(r[2] for r in rest))]
