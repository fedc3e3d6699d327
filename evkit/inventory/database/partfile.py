"""An inventory file while it is built: SQLite under `<name>.part`, held by one process.

The journal takes back what a killed process left half-done, so that the file always ends at its
last commit. Nothing is fsynced before the end: a power loss may damage the file, which shows when
its rows are checked before it is gone on with.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import sqlite3
from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.core.errors import InputError, LockedError, StorageError
from evkit.core.locks import lock
from evkit.core.text import escape, escape_bytes
from evkit.inventory.database import partcheck, tables
from evkit.manifest import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_JOURNAL = b"-journal"
_TOGETHER = 100  # rows of one statement, which takes 999 values in old versions of SQLite
_PRAGMAS = (
    "journal_mode = TRUNCATE",
    "synchronous = OFF",
    "locking_mode = EXCLUSIVE",
    "cache_size = -32768",
)


class PartFile:
    """The file and its connection; one transaction is always open.

    Args:
        path: the final name.

    Attributes:
        db: the connection.
        hint: what to do when the destination is full.

    Raises:
        LockedError: another process holds it.
        StorageError: it cannot be made.
    """

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.part = path + durable.PART.encode()
        self.hint = "free space on the destination and run the inventory again"
        with durable.storage_errors(path):
            if os.path.lexists(path):
                raise FileExistsError(path)
            durable.step("create", self.part)
            self._lock = _lock(self.part)
        try:
            self.db = self._connect()
        except StorageError:
            os.close(self._lock)
            raise

    def kept(self) -> int:
        """Return how many rows an earlier process left in it for one that goes on."""
        try:
            self._begin()
            found: int = partcheck.checkpoint(self.db)["rows"]
        except (sqlite3.Error, InputError):
            return 0
        return found

    def clear(self) -> None:
        """Make it empty, with its tables."""
        self.db.close()
        with durable.storage_errors(self.path):
            os.ftruncate(self._lock, 0)  # an empty file has no use for an old journal
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.part + _JOURNAL)
        self.db = self._connect()
        with self._storage():
            self._begin()
        self._run(tables.TABLES)
        self.set({"part": tables.PART_SCHEMA})

    def reopen(self) -> None:
        """Take back that it was finished, so that rows can be added."""
        with self._storage():
            found = self.db.execute(
                "SELECT type, name FROM sqlite_master WHERE type = 'view' "
                "OR (type = 'index' AND sql IS NOT NULL)"
            ).fetchall()
            for kind, name in found:
                self.db.execute(f'DROP {kind} "{name}"')

    def set(self, values: Mapping[str, str]) -> None:
        """Set entries of the table `meta`."""
        with self._storage():
            self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(values.items()))

    def insert(self, table: str, first: int, data: list[bytes]) -> list[bytes]:
        """Insert rows with new salts and return their leaves."""
        size = rows.SALT_BYTES
        block = secrets.token_bytes(size * len(data))  # one call of the kernel for many
        salts = [block[at : at + size] for at in range(0, len(block), size)]
        texts = [row.decode("utf-8") for row in data]
        self.insert_keys(table, zip(range(first, first + len(data)), salts, texts, strict=True), 3)
        return rows.row_leaves(salts, data)

    def insert_keys(self, table: str, values: Iterable[tuple[object, ...]], columns: int) -> None:
        """Insert into a table with so many columns, many rows with each statement."""
        row = f"({','.join('?' * columns)})"
        flat = list(itertools.chain.from_iterable(values))
        size = columns * _TOGETHER
        whole = len(flat) // size * size
        many = f"INSERT INTO {table} VALUES {','.join([row] * _TOGETHER)}"  # noqa: S608
        with self._storage():
            for at in range(0, whole, size):
                self.db.execute(many, flat[at : at + size])
            rest = zip(*[iter(flat[whole:])] * columns, strict=True)
            self.db.executemany(f"INSERT INTO {table} VALUES {row}", rest)  # noqa: S608

    def commit(self) -> None:
        """Keep what was inserted; it survives the end of the process."""
        with self._storage():
            durable.step("commit", self.part)
            self.db.execute("COMMIT")
            self.db.execute("BEGIN")

    def finish(self, meta: Mapping[str, str]) -> None:
        """Set `meta`, build the indexes, make the file durable and give it its name."""
        with self._storage():
            self.db.execute("DELETE FROM meta")
        self.set(meta)
        self._run(tables.INDEXES + tables.VIEWS)
        with self._storage():
            durable.step("commit", self.part)
            self.db.execute("COMMIT")
            self.db.execute("PRAGMA journal_mode = DELETE")
            self.db.close()
        with durable.storage_errors(self.path):
            durable.set_mode(self._lock, 0o444)
            durable.step("fsync", self.part)
            os.fsync(self._lock)
            durable.rename_new(self.part, self.path)

    def close(self, *, remove: bool = False) -> None:
        """Let it go, as it was at its last commit, or not at all."""
        self.db.close()
        if remove:
            for name in (self.part, self.part + _JOURNAL):
                with contextlib.suppress(OSError):
                    os.unlink(name)
        os.close(self._lock)

    def _run(self, script: str) -> None:
        with self._storage():
            for statement in script.split(";\n"):
                self.db.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        with self._storage():
            return sqlite3.connect(os.fsdecode(self.part), isolation_level=None)

    def _begin(self) -> None:
        for pragma in _PRAGMAS:
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute("BEGIN")

    @contextlib.contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"cannot write `{escape_bytes(self.path)}`: {escape(str(error))}", hint=self.hint
            ) from error


def is_held(part: bytes) -> bool:
    """Say whether a process is building that part file."""
    try:
        descriptor = os.open(part, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return lock(descriptor, shared=True) is False
    finally:
        os.close(descriptor)


def _lock(part: bytes) -> int:
    """Open a part file, make it when it is not there, and hold it for this process."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    if lock(descriptor) is False:
        os.close(descriptor)
        raise LockedError(
            f"another process is building `{escape_bytes(part)}`", hint="wait until it is done"
        )
    return descriptor
