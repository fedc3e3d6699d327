"""What an unfinished inventory file holds: checked, then compared with the rows as they come again.

A part file ends at a checkpoint, whose counts and roots it holds. Whoever goes on lists again and
hands every row to the writer, which compares it with the stored one; streams of batches whose rows
are stored are not read again.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING

from evkit.core.errors import RefusedError
from evkit.core.text import escape, escape_bytes
from evkit.inventory.database import partcheck
from evkit.manifest import rowaccept

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from evkit.manifest.rowfacts import Facts

_SHOWN = 80
ANEW = "begin anew with `--restart`; what is kept is then lost"


class Stored:
    """The rows of a part file, given once more from the first to the last.

    Args:
        db: the part file.
        path: its name, for messages.

    Attributes:
        rows: rows that are kept.
        engine_rows: rows of the other tree that are kept.
        tree, engine_tree: over all of them.

    Raises:
        InputError: what is stored is not what the checkpoint says, or it is damaged.
    """

    def __init__(self, db: sqlite3.Connection, path: bytes) -> None:
        self._db = db
        self._path = path
        self.tree, self.engine_tree = partcheck.check(db)
        self.rows, self.engine_rows = self.tree.size, self.engine_tree.size
        self._next = partcheck.read(db, "rows", self.rows)
        self._next_engine = partcheck.read(db, "engine_rows", self.engine_rows)
        self._at = self._engine_at = 0
        self._files = self._of_files()
        self._ahead: Iterator[tuple[int, Facts]] | None = None
        self._seen: tuple[int, Facts] | None = None
        self._claimed: deque[tuple[int, int]] = deque()

    def same(self, data: bytes) -> None:
        """Take the next row, which must be `data`; of a file, its access time is the stored one.

        Raises:
            RefusedError: another row is stored.
        """
        kept = next(self._next)[2]
        if kept != data and not (self._files and _same_but_read(kept, data)):
            raise self._differs(f"row {self._at}")
        self._at += 1

    def same_type(self, data: bytes) -> None:
        """Take the next row of the other tree, which must be `data`.

        Raises:
            RefusedError: another row is stored.
        """
        if next(self._next_engine)[2] != data:
            raise self._differs(f"engine row {self._engine_at}")
        self._engine_at += 1

    def batch(self, fs: int, records: Collection[int]) -> int:
        """Return how many rows of a batch of streams are stored; 0 when it must be read.

        To be called for the batches of a file system in their order, file systems in theirs.

        Args:
            fs: the file system.
            records: the batch.
        """
        if self._ahead is None:
            self._ahead = self._stream_rows()
            self._seen = next(self._ahead, None)
        wanted, count, first = frozenset(records), 0, -1
        while self._seen and self._seen[1].fs == fs and self._seen[1].inode in wanted:
            first = self._seen[0] if first < 0 else first
            count += 1
            self._seen = next(self._ahead, None)
        if count:
            self._claimed.append((first, count))
        return count

    def replay(self, count: int) -> Iterator[tuple[int, Facts, int]]:
        """Yield the next rows (number, facts, types of it that are stored) instead of reading them.

        Raises:
            RefusedError: these are not the rows that `batch` found.
        """
        if not self._claimed or self._claimed.popleft() != (self._at, count):
            raise self._differs(f"row {self._at}")
        for number, _, data in itertools.islice(self._next, count):
            self._at = number + 1
            yield number, rowaccept.accept(data), self._types_of(number)

    def replay_one(self, fs: int, inode: int) -> tuple[int, Facts, int] | None:
        """Return the next row when it is a stream of that record, as `replay` does; else None."""
        found = next(self._next, None)
        if found is None:
            return None
        number, _, data = found
        facts = rowaccept.accept(data)
        if (facts.kind, facts.fs, facts.inode) != ("stream", fs, inode):
            raise self._differs(f"row {number}")
        self._at = number + 1
        return number, facts, self._types_of(number)

    def _types_of(self, stream: int) -> int:
        query = "SELECT count(*) FROM type_keys WHERE n = ? AND stream = ?"
        found: int = self._db.execute(query, (self._engine_at, stream)).fetchone()[0]
        if found:
            next(self._next_engine)
            self._engine_at += 1
        return found

    def _stream_rows(self) -> Iterator[tuple[int, Facts]]:
        for number, _, data in partcheck.read(self._db, "rows", self.rows):
            if b'"row":"stream"' not in data and b'"stage":"streams"' not in data:
                continue
            facts = rowaccept.accept(data)
            if facts.kind == "stream" or (facts.kind == "error" and facts.stage == "streams"):
                yield number, facts

    def _of_files(self) -> bool:
        first = next(partcheck.read(self._db, "rows"), None)
        return first is not None and rowaccept.read(first[2]).get("kind") == "tree"

    def _differs(self, what: str) -> RefusedError:
        shown = escape_bytes(self._path)
        return RefusedError(
            f"what is listed now differs from `{shown}` at {what}; nothing was added to it",
            hint=f"the source has changed since, or its reading does; {ANEW}",
        )


def _same_but_read(kept: bytes, data: bytes) -> bool:
    """Say whether two name rows differ in the access time alone.

    Reading a link, and any file of another user, moves its access time: the earlier run did that.
    """
    before, now = rowaccept.read(kept), rowaccept.read(data)
    for row in (before, now):
        row["times"] = {**row.get("times", {}), "a": None}
    return before == now and before["row"] == "name"


def same_identity(found: Mapping[str, object], wanted: Mapping[str, object], path: bytes) -> None:
    """Compare what a part file was made of, and how, with what is asked for now.

    Raises:
        RefusedError: they differ; the message says where.
    """
    keys: Sequence[str] = sorted(found.keys() | wanted.keys())
    differing = [key for key in keys if found.get(key) != wanted.get(key)]
    if differing:
        raise RefusedError(
            f"`{escape_bytes(path)}` was begun with another {' and another '.join(differing)}",
            hint=f"give the same source and options, or {ANEW}",
            details={
                f"{which} {key}": escape(str(side.get(key, "none")))[:_SHOWN]
                for key in differing
                for which, side in (("kept", found), ("asked for", wanted))
            },
        )
