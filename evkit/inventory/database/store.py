"""The inventory file: SQLite, built under `<name>.part`, read-only from the moment it has its name.

A writer that knows the identity of its source keeps what it has at each checkpoint: the process can
be killed at any instant and `Writer.resume` goes on. Any other part file is scrap. The finished
file is fsynced, in DELETE journal mode, mode 0444, and is opened immutable. Its tables are
described in `docs/spec/inventory-database.md`.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Self

from evkit.core import clock, durable, ejson
from evkit.core.errors import CheckFailedError, InputError, RefusedError
from evkit.core.text import escape, escape_bytes
from evkit.inventory.database import stored, tables
from evkit.inventory.database.partfile import PartFile
from evkit.inventory.database.tables import SCHEMA
from evkit.manifest import rowaccept, rows
from evkit.manifest.rowfacts import Judged
from evkit.merkle.tree import Frontier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType

    from evkit.manifest.rowfacts import Facts

_BATCH = 5000
_COMMIT_SECONDS = 2.0
_ENGINE = "engine:"


class Writer:
    """Builds an inventory file; used as a context manager.

    What was kept at a checkpoint survives a failure, except that of a check; all else is removed.

    Args:
        path: the final name; must not exist.
        identity: what is listed and how, as JSON; None when the work can never go on later.
        restart: replace an unfinished file; without it that is refused.

    Raises:
        RefusedError: the file exists, or an unfinished one of which something is kept.
        LockedError: another process builds it.
    """

    def __init__(
        self, path: bytes, identity: Mapping[str, ejson.Json] | None = None, *,
        restart: bool = False, resume: bool = False,
    ) -> None:  # fmt: skip
        self.path = path
        self.part = path + durable.PART.encode()
        self._identity = None if identity is None else dict(identity)
        self._tree, self._engine_tree = Frontier(), Frontier()
        self._count, self._engine_count = 0, 0
        self._rows: list[bytes] = []
        self._judged = Judged()
        self._types: list[tuple[int, str, bytes]] = []
        self._mimes: dict[str, bytes] = {}
        self._known: dict[str, str] = {}
        self._stored: stored.Stored | None = None
        self._limit = self._engine_limit = self._committed = 0
        self._kept = self._done = False
        self._last = clock.monotonic()
        self._file = PartFile(path)
        try:
            self._open(restart=restart, resume=resume)
        except BaseException:
            self._file.close()
            raise

    @classmethod
    def resume(cls, path: bytes, identity: Mapping[str, ejson.Json]) -> Self:
        """Go on with an unfinished file; without one, or when nothing of it is kept, begin.

        Raises:
            RefusedError: it was made of another source or in another way, or it is damaged.
        """
        return cls(path, identity, resume=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        useless = not self._kept or isinstance(error, CheckFailedError)
        self._file.close(remove=useless and not self._done)

    @property
    def resumed(self) -> int:
        """The number of rows that were kept from an earlier run."""
        return self._limit

    def add(self, row: Mapping[str, Any]) -> int:
        """Append a row and return its number.

        Raises:
            InputError: `rows.check` does not accept it.
            RefusedError: another row of that number was kept.
            StorageError: the destination is full.
        """
        return self.add_bytes(rows.encode(row), rowaccept.facts_of(row))

    def add_bytes(self, data: bytes, facts: Facts) -> int:
        """Append a row that `rowaccept.accept` accepted and return its number.

        Raises:
            RefusedError: another row of that number was kept.
            StorageError: the destination is full.
        """
        number = self._count
        if number < self._limit and self._stored is not None:
            self._stored.same(data)
            self._count += 1
            return number
        self._count = number + 1
        self._rows.append(data)
        self._judged.append(facts)
        if len(self._rows) >= _BATCH:
            self._flush()
        return number

    def add_many(self, data: Sequence[bytes], judged: Judged) -> int:
        """Append rows that `rowaccept.accept` accepted; returns the number of the first.

        Raises:
            RefusedError: another row of one of these numbers was kept.
            StorageError: the destination is full.
        """
        first = self._count
        if first < self._limit:
            for row, said in zip(data, judged, strict=True):
                self.add_bytes(row, said)
            return first
        self._count = first + len(data)
        self._rows += data
        self._judged.extend(judged)
        if len(self._rows) >= _BATCH:
            self._flush()
        return first

    def add_type(self, stream: int, mime: str) -> None:
        """Append a file type to the table of what depends on the engine.

        Raises:
            InputError: it is not a type.
            RefusedError: another was kept.
        """
        head = self._mimes.get(mime)
        if head is None:
            row = rows.encode({"row": "type", "stream": 0, "mime": mime})
            head = self._mimes[mime] = row.removesuffix(b"0}")
        data = b"%b%d}" % (head, stream)
        if self._engine_count < self._engine_limit and self._stored is not None:
            self._stored.same_type(data)
        else:
            self._types.append((stream, mime, data))
        self._engine_count += 1

    def remember(self, key: str, value: str) -> None:
        """Keep what the rows depend on, such as the version of an engine.

        Raises:
            RefusedError: what was kept depends on another.
        """
        known = self._known.get(key)
        if known is None:
            self._known[key] = value
            self._file.set({_ENGINE + key: value})
        elif known != value and self._limit:
            stored.same_identity({key: known}, {key: value}, self.part)

    def batch(self, fs: int, records: Collection[int]) -> int:
        """Return how many rows of a batch of streams are kept; 0 when it must be read.

        To be called once for each batch, in the order in which their rows are written.
        """
        return self._stored.batch(fs, records) if self._stored is not None else 0

    def replay(self, count: int) -> Iterator[tuple[int, Facts]]:
        """Yield (number, facts) of the rows of a batch that is kept.

        Raises:
            RefusedError: the rows of that batch are not the next ones.
        """
        if self._stored is None:
            raise InputError("nothing is kept")
        for number, facts, types in self._stored.replay(count):
            self._count, self._engine_count = number + 1, self._engine_count + types
            yield number, facts

    def replay_stream(self, fs: int, inode: int) -> tuple[int, Facts] | None:
        """Return (number, facts) of the next row when one is kept: a stream of that record.

        Raises:
            RefusedError: the next row that is kept is another.
        """
        if self._stored is None or self._count >= self._limit:
            return None
        found = self._stored.replay_one(fs, inode)
        if found is None:
            return None
        self._count, self._engine_count = found[0] + 1, self._engine_count + found[2]
        return found[0], found[1]

    def checkpoint(self) -> None:
        """Keep what there is, unless little was added since the last time.

        Raises:
            StorageError: the destination is full.
        """
        if self._identity is None or self._count <= self._limit:
            return
        late = clock.monotonic() - self._last > _COMMIT_SECONDS
        if not late and self._count - self._committed < _BATCH:
            return
        self._flush()
        self._file.set({"checkpoint": ejson.dumps(self._roots()).decode("ascii")})
        self._file.commit()
        self._file.hint = "free space on the destination and go on with `--resume`"
        self._kept, self._committed = True, self._count
        self._last = clock.monotonic()

    def finish(self, meta: Mapping[str, str]) -> dict[str, str]:
        """Write `meta` and the roots, build the indexes, and give the file its name.

        Returns:
            All entries of the table `meta`.

        Raises:
            RefusedError: fewer rows came than were kept.
        """
        if self._count < self._limit or self._engine_count < self._engine_limit:
            raise RefusedError(
                f"fewer rows are listed now than `{escape_bytes(self.part)}` holds",
                hint=f"the source has changed since; {stored.ANEW}",
            )
        self._flush()
        full = {
            **meta,
            **self._identity_meta(),
            "schema": SCHEMA,
            **{key: str(value) for key, value in self._roots().items()},
        }
        self._file.finish(full)
        self._done = True
        return full

    def _roots(self) -> dict[str, int | str]:
        return {
            "rows": self._tree.size,
            "row_root": self._tree.root().hex(),
            "engine_rows": self._engine_tree.size,
            "engine_root": self._engine_tree.root().hex(),
        }

    def _identity_meta(self) -> dict[str, str]:
        if self._identity is None:
            return {}
        return {"identity": ejson.dumps(self._identity).decode("utf-8")}

    def _open(self, *, restart: bool, resume: bool) -> None:
        kept = self._file.kept()
        if kept and not (restart or resume):
            raise RefusedError(
                f"`{escape_bytes(self.part)}` is an unfinished inventory that keeps {kept:,} rows",
                hint=f"go on with `--resume`, or {stored.ANEW}",
            )
        if kept and resume:
            self._go_on()
            return
        self._file.clear()
        self._file.set(self._identity_meta())

    def _go_on(self) -> None:
        try:
            said = dict(self._file.db.execute("SELECT key, value FROM meta"))
            identity = ejson.as_object(ejson.loads(said["identity"].encode("utf-8")), "identity")
            stored.same_identity(identity, self._identity or {}, self.part)
            found = stored.Stored(self._file.db, self.part)
        except (sqlite3.Error, InputError) as error:
            because = error.message if isinstance(error, InputError) else str(error)
            raise RefusedError(
                f"`{escape_bytes(self.part)}` cannot be gone on with: {escape(because)}",
                hint=stored.ANEW,
            ) from error
        if "schema" in said:
            self._file.reopen()
        self._known = {
            key.removeprefix(_ENGINE): value
            for key, value in said.items()
            if key.startswith(_ENGINE)
        }
        self._stored = found
        self._tree, self._engine_tree = found.tree, found.engine_tree
        self._limit = self._committed = found.rows
        self._engine_limit, self._kept = found.engine_rows, True

    def _flush(self) -> None:
        """Hand the collected rows to the database; they are kept from the next commit on."""
        file, first, engine_first = self._file, self._tree.size, self._engine_tree.size
        types = [data for _, _, data in self._types]
        self._tree.extend(file.insert("rows", first, self._rows))
        self._engine_tree.extend(file.insert("engine_rows", engine_first, types))
        found = tables.keys_of(first, self._judged)
        for (table, columns), values in zip(tables.KEY_TABLES.items(), found, strict=True):
            file.insert_keys(table, values, columns)
        numbered = enumerate(self._types, engine_first)
        file.insert_keys("type_keys", [(n, stream, mime) for n, (stream, mime, _) in numbered], 3)
        self._rows, self._judged, self._types = [], Judged(), []
        if self._identity is None:
            file.commit()
