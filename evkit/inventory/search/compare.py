"""Comparing two inventories: same, changed, moved, appeared, gone, and what cannot be compared.

Names in use are compared, file system by file system. Rows of both are read once into a private
SQLite database on disk and joined there, so that memory does not grow with their number. Only
content whose digest rests on a record in use is ever called same or moved.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from evkit.core.errors import StorageError
from evkit.core.paths import from_fields
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape
from evkit.inventory.mask import SENSITIVE, hidden
from evkit.inventory.search.comparesql import (
    COUNT,
    COUNT_NOTES,
    ENTRIES,
    LIST,
    MATCH,
    MOVE_PASSES,
    MOVED,
    NOTES,
    TABLES,
)
from evkit.inventory.search.find import Entry
from evkit.inventory.search.fsmatch import Match, match

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.inventory.database.reader import Inventory

KINDS: Final = ("same", "changed", "moved", "appeared", "gone", "cannot-be-compared")
_STRONG = ("sha512", "sha256", "sha1", "md5")
_WEAK = frozenset({"md5", "sha1"})
_MAIN = frozenset({1, 128, 4352})  # attributes that are a file's content: default, $DATA, HFS data
_BATCH = 5000
_TASK = "compare"
_TYPES = {"file": "f", "directory": "d", "symlink": "l"}
_Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An entry that is not the same on both sides.

    Attributes:
        kind: one of `KINDS`.
        first, second: the entry in each inventory, None where there is none.
        note: `deleted-there` (gone, and a deleted name of that path is in the second),
            `copy-remains` (gone, its content is still in the second under another name),
            `copy-of-known` (appeared, its content was in the first), or empty.
    """

    kind: str
    first: Entry | None
    second: Entry | None
    note: str = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "note": self.note,
            "first": None if self.first is None else self.first.document(),
            "second": None if self.second is None else self.second.document(),
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What two inventories have in common.

    Attributes:
        algorithm: the digest that content was compared by, empty when they share none.
        matches: which file systems were compared with each other.
        counts: kind -> entries.
        by_match: number of the match -> kind -> entries.
        notes: note -> entries.
        differences: the first ones of each kind.
    """

    algorithm: str
    matches: tuple[Match, ...]
    counts: Mapping[str, int]
    by_match: Mapping[int, Mapping[str, int]]
    notes: Mapping[str, int]
    differences: tuple[Difference, ...] = field(default_factory=tuple)

    @property
    def weak(self) -> bool:
        """Content was compared by a digest that can be forged."""
        return self.algorithm in _WEAK

    @property
    def different(self) -> bool:
        """Anything changed, moved, appeared or gone."""
        return any(self.counts[kind] for kind in ("changed", "moved", "appeared", "gone"))


def compare(
    first: Inventory,
    second: Inventory,
    *,
    shown: tuple[Inventory, Inventory] | None = None,
    limit: int = 0,
    progress: Progress = SILENT,
) -> Comparison:
    """Compare two inventories.

    Args:
        first: the earlier, or one side.
        second: the later, or the other side.
        shown: the same two through the masks that hide sensitive names; None when nothing is.
        limit: differences to return of each kind; 0 for all.
        progress: told rows read of both.

    Raises:
        InputError: one of them is damaged.
        StorageError: there is no room for temporary files.
    """
    algorithm = common_digest(first, second)
    matches = match(_systems(first), _systems(second))
    progress.begin(_TASK, int(first.meta["rows"]) + int(second.meta["rows"]), "rows")
    with _scratch() as base:
        base.executescript(TABLES)
        done = 0
        for side, inventory in enumerate((first, second)):
            place = {m.systems[side]: m.number for m in matches if m.systems[side] is not None}
            done = _load(base, side, inventory, place, algorithm, (progress, done))
        base.executescript(ENTRIES)
        base.executescript(MATCH)
        for same in MOVE_PASSES:
            base.executescript(MOVED.format(same=same))
        base.executescript(NOTES)
        counts, by_match = _counts(base)
        notes = dict(base.execute(COUNT_NOTES))
        found = tuple(_differences(base, *(shown or (first, second)), limit))
    progress.end(_TASK, done)
    return Comparison(
        algorithm=algorithm,
        matches=matches,
        counts=counts,
        by_match=by_match,
        notes=notes,
        differences=found,
    )


def common_digest(first: Inventory, second: Inventory) -> str:
    """Return the strongest digest that both inventories made, or an empty text."""
    both = set(first.meta.get("hashes", "").split(",")) & set(
        second.meta.get("hashes", "").split(",")
    )
    return next((name for name in _STRONG if name in both), "")


def _systems(inventory: Inventory) -> list[_Row]:
    """Return the file systems of a medium; members of archives are compared with their archive."""
    return [row for _, row in inventory.rows("filesystem") if "within" not in row]


@contextlib.contextmanager
def _scratch() -> Iterator[sqlite3.Connection]:
    """Open a private database that SQLite keeps on disk and removes."""
    base = sqlite3.connect("", isolation_level=None)
    try:
        base.execute("PRAGMA cache_size = -32768")
        base.execute("PRAGMA journal_mode = OFF")
        yield base
    except sqlite3.Error as error:
        raise StorageError(
            f"cannot compare: {escape(str(error))}", hint="free space for temporary files"
        ) from error
    finally:
        base.close()


def _load(
    base: sqlite3.Connection,
    side: int,
    inventory: Inventory,
    place: Mapping[int | None, int],
    algorithm: str,
    told: tuple[Progress, int],
) -> int:
    """Read the names and streams of a side; return the rows read so far."""
    progress, done = told
    names: list[tuple[object, ...]] = []
    streams: list[tuple[object, ...]] = []
    base.execute("BEGIN")
    for number, row in inventory.rows("name", "stream"):
        if row["fs"] not in place:
            continue
        if row["row"] == "stream":
            streams.append(_stream(side, number, row, algorithm))
        elif "virtual" not in row.get("flags", ()):
            names.append(_name(side, number, row, place[row["fs"]]))
        if len(names) + len(streams) >= _BATCH:
            _insert(base, names, streams)
            progress.update(_TASK, done + number)
    _insert(base, names, streams)
    base.execute("COMMIT")
    return done + int(inventory.meta["rows"])


def _insert(
    base: sqlite3.Connection, names: list[tuple[object, ...]], streams: list[tuple[object, ...]]
) -> None:
    base.executemany("INSERT INTO name VALUES (?,?,?,?,?,?,?,?,?,?,?)", names)
    base.executemany("INSERT INTO stream VALUES (?,?,?,?,?,?,?,?)", streams)
    names.clear()
    streams.clear()


def _name(side: int, number: int, row: _Row, pair: int) -> tuple[object, ...]:
    path = from_fields(row).lstrip(b"/")
    target = from_fields(row, "target") if "target" in row else None
    return (
        side, number, pair, row["fs"], row["inode"], row.get("seq"), path, path.rpartition(b"/")[2],
        _TYPES.get(row["type"], row["type"]), target, not row["allocated"],
    )  # fmt: skip


def _stream(side: int, number: int, row: _Row, algorithm: str) -> tuple[object, ...]:
    """Return a stream; its content only when its digest is surely that of the file."""
    digest = row.get("digests", {}).get(algorithm)
    sure = digest is not None and row["basis"] != "none" and not row["basis"].startswith("deleted")
    return (
        side, number, row["fs"], row["inode"], row["seq"], _part(row), row.get("size"),
        bytes.fromhex(digest) if sure else None,
    )  # fmt: skip


def _part(row: _Row) -> bytes:
    """Return which part of a file a stream is; its content proper has an empty name."""
    if "name" in row:
        return b"%d:" % row["attr"] + from_fields(row, "name")
    return b"" if row["attr"] in _MAIN else b"%d:" % row["attr"]


def _counts(base: sqlite3.Connection) -> tuple[dict[str, int], dict[int, dict[str, int]]]:
    counts = dict.fromkeys(KINDS, 0)
    by_match: dict[int, dict[str, int]] = {}
    for pair, kind, count in base.execute(COUNT):
        counts[kind] += count
        by_match.setdefault(pair, dict.fromkeys(KINDS, 0))[kind] += count
    return counts, by_match


def _differences(
    base: sqlite3.Connection, first: Inventory, second: Inventory, limit: int
) -> Iterator[Difference]:
    for kind in KINDS[1:]:
        for side, name, stream, other_name, other_stream, note in base.execute(
            LIST, (kind, limit or -1)
        ):
            here, there = (first, second) if side == 0 else (second, first)
            entry = _entry(here, name, stream)
            other = None if other_name is None else _entry(there, other_name, other_stream)
            if note == "deleted-there" and second.mask is not None:
                entry = _hidden(entry)
            if other is not None and (_is_hidden(entry) or _is_hidden(other)):
                entry, other = _hidden(entry), _hidden(other)  # the one would tell of the other
            pair = (entry, other) if side == 0 else (other, entry)
            yield Difference(kind=kind, first=pair[0], second=pair[1], note=note)


def _entry(inventory: Inventory, name: int, stream: int | None) -> Entry:
    return Entry(
        name=inventory.row(name),
        stream=None if stream is None else inventory.row(stream),
        name_row=name,
        stream_row=stream,
        mime=None if stream is None else inventory.mime(stream),
    )


def _is_hidden(entry: Entry) -> bool:
    return (entry.name or {}).get("path") == SENSITIVE


def _hidden(entry: Entry) -> Entry:
    return replace(
        entry,
        name=None if entry.name is None else hidden(entry.name),
        stream=None if entry.stream is None else hidden(entry.stream),
        mime=None if entry.mime is None else SENSITIVE,
    )
