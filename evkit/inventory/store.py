"""The inventory file: SQLite, built under `<name>.part`, read-only from the moment it has its name.

While it is built it is scrap: without journal, without fsync, removed when anything fails. The
finished file is fsynced, in DELETE journal mode, mode 0444, and is opened immutable. Its tables are
described in `docs/spec/inventory-database.md`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any, Self

from evkit.core import durable
from evkit.core.errors import InputError, LockedError, StorageError
from evkit.core.text import escape, escape_bytes
from evkit.manifest import rows
from evkit.merkle.tree import Frontier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

SCHEMA = "evkit/inventory/1"
_BATCH = 5000
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (n INTEGER PRIMARY KEY, salt BLOB NOT NULL, row TEXT NOT NULL);
CREATE TABLE engine_rows (n INTEGER PRIMARY KEY, salt BLOB NOT NULL, row TEXT NOT NULL);
"""
_KIND = "json_extract(row,'$.row')"
_INDEXES = f"""
CREATE INDEX rows_kind ON rows ({_KIND});
CREATE INDEX name_by_name ON rows (json_extract(row,'$.name')) WHERE {_KIND} = 'name';
CREATE INDEX name_by_inode ON rows (json_extract(row,'$.fs'), json_extract(row,'$.inode'))
  WHERE {_KIND} = 'name';
CREATE INDEX stream_by_inode ON rows (json_extract(row,'$.fs'), json_extract(row,'$.inode'))
  WHERE {_KIND} = 'stream';
CREATE INDEX stream_by_size ON rows (json_extract(row,'$.size')) WHERE {_KIND} = 'stream';
CREATE INDEX stream_by_sha256 ON rows (json_extract(row,'$.digests.sha256'))
  WHERE {_KIND} = 'stream';
CREATE INDEX stream_by_md5 ON rows (json_extract(row,'$.digests.md5')) WHERE {_KIND} = 'stream';
CREATE INDEX type_by_stream ON engine_rows (json_extract(row,'$.stream'));
CREATE INDEX type_by_mime ON engine_rows (json_extract(row,'$.mime'));
"""
_VIEWS = """
CREATE VIEW names AS SELECT n, json_extract(row,'$.fs') AS fs, json_extract(row,'$.inode') AS inode,
  json_extract(row,'$.seq') AS seq, json_extract(row,'$.path') AS path,
  json_extract(row,'$.name') AS name, json_extract(row,'$.type') AS type,
  json_extract(row,'$.allocated') AS allocated, json_extract(row,'$.reallocated') AS reallocated,
  CAST(json_extract(row,'$.times.m') AS INTEGER) AS mtime_ns, json_extract(row,'$.zone') AS zone
  FROM rows WHERE json_extract(row,'$.row') = 'name';
CREATE VIEW streams AS SELECT n, json_extract(row,'$.fs') AS fs,
  json_extract(row,'$.inode') AS inode, json_extract(row,'$.seq') AS seq,
  json_extract(row,'$.attr') AS attr, json_extract(row,'$.attr_id') AS attr_id,
  json_extract(row,'$.name') AS name, json_extract(row,'$.size') AS size,
  json_extract(row,'$.basis') AS basis, json_extract(row,'$.state') AS state,
  json_extract(row,'$.digests.md5') AS md5, json_extract(row,'$.digests.sha256') AS sha256
  FROM rows WHERE json_extract(row,'$.row') = 'stream';
"""


class Writer:
    """Builds an inventory file; used as a context manager, removes the scrap on failure.

    Args:
        path: the final name; must not exist.
    """

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.part = path + durable.PART.encode()
        self._tree, self._engine_tree = Frontier(), Frontier()
        self._pending: list[tuple[int, bytes, str]] = []
        self._engine_pending: list[tuple[int, bytes, str]] = []
        self._salts: list[bytes] = []
        self._done = False
        with durable.storage_errors(path):
            if os.path.lexists(path):
                raise FileExistsError(path)
            durable.step("create", self.part)
            self._lock = _locked(self.part)
        self._db = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()
        if not self._done:
            with contextlib.suppress(OSError):
                os.unlink(self.part)
        os.close(self._lock)

    def add(self, row: Mapping[str, Any]) -> int:
        """Append a row and return its number.

        Raises:
            InputError: `rows.check` does not accept it.
            StorageError: the destination is full.
        """
        data = rows.encode(row)
        number, salt = self._tree.size, self._salt()
        self._tree.append(rows.row_leaf(salt, data))
        self._pending.append((number, salt, data.decode("utf-8")))
        if len(self._pending) >= _BATCH:
            self._flush()
        return number

    def add_type(self, stream: int, mime: str) -> None:
        """Append a file type to the table of what depends on the engine."""
        data = rows.encode({"row": "type", "stream": stream, "mime": mime})
        number, salt = self._engine_tree.size, self._salt()
        self._engine_tree.append(rows.row_leaf(salt, data))
        self._engine_pending.append((number, salt, data.decode("utf-8")))

    def finish(self, meta: Mapping[str, str]) -> dict[str, str]:
        """Write `meta` and the roots, build the indexes, and give the file its name.

        Returns:
            All entries of the table `meta`.
        """
        self._flush()
        full = {
            **meta,
            "schema": SCHEMA,
            "rows": str(self._tree.size),
            "row_root": self._tree.root().hex(),
            "engine_rows": str(self._engine_tree.size),
            "engine_root": self._engine_tree.root().hex(),
        }
        with self._storage():
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(full.items()))
            self._db.executescript(_INDEXES + _VIEWS)
            durable.step("commit", self.part)
            self._db.commit()
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.close()
        with durable.storage_errors(self.path):
            os.fchmod(self._lock, 0o444)
            durable.step("fsync", self.part)
            os.fsync(self._lock)
            durable.rename_new(self.part, self.path)
        self._done = True
        return full

    def _salt(self) -> bytes:
        if not self._salts:
            block = secrets.token_bytes(rows.SALT_BYTES * 1024)  # one call of the kernel for many
            self._salts = [block[at : at + rows.SALT_BYTES] for at in range(0, len(block), 16)]
        return self._salts.pop()

    def _connect(self) -> sqlite3.Connection:
        with self._storage():
            connection = sqlite3.connect(os.fsdecode(self.part), isolation_level="DEFERRED")
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("PRAGMA cache_size = -32768")
            connection.executescript(_TABLES)
            return connection

    def _flush(self) -> None:
        with self._storage():
            durable.step("commit", self.part)
            self._db.executemany("INSERT INTO rows VALUES (?, ?, ?)", self._pending)
            self._db.executemany("INSERT INTO engine_rows VALUES (?, ?, ?)", self._engine_pending)
            self._db.commit()
        self._pending, self._engine_pending = [], []

    @contextlib.contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"cannot write `{escape_bytes(self.path)}`: {escape(str(error))}",
                hint="free space on the destination and run the inventory again",
            ) from error


def _locked(part: bytes) -> int:
    """Open the scrap file, empty, and hold it; a leftover of a run that died is reused."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # no such locks on this system
    except OSError as error:
        os.close(descriptor)
        raise LockedError(
            f"another process is building `{escape_bytes(part)}`", hint="wait until it is done"
        ) from error
    os.ftruncate(descriptor, 0)
    return descriptor


def open_file(path: bytes) -> sqlite3.Connection:
    """Open an inventory immutable: no lock, no journal, nothing is ever written beside it.

    Raises:
        InputError: the file is absent, not SQLite or not an inventory of this version.
    """
    from pathlib import Path

    shown = escape_bytes(path)
    if not os.path.isfile(path):
        raise InputError(
            f"`{shown}` is not a file", hint="make an inventory with `evkit inventory run`"
        )
    address = Path(os.path.abspath(os.fsdecode(path))).as_uri() + "?immutable=1&mode=ro"
    connection = sqlite3.connect(address, uri=True)
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise InputError(f"`{shown}` is not an inventory: {escape(str(error))}") from error
    if found is None or found[0] != SCHEMA:
        connection.close()
        raise InputError(f"`{shown}` is an inventory of another version than `{SCHEMA}`")
    return connection
