"""The store in SQLite: one file, one durable transaction per append.

`synchronous=EXTRA` with a rollback journal: when `append` returns, entries, head row, subtree
hashes and the removal of the journal are on the disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Self

from evkit.core import durable
from evkit.core.errors import InputError, LockedError, RefusedError, StorageError
from evkit.core.text import escape, escape_bytes
from evkit.merkle.tree import EMPTY_ROOT, leaf_hash, node_hash, root_from_reader
from evkit.station import schema
from evkit.station.store import CaseTip, Entry, Head, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.merkle.tree import Reader

_BUSY = 30.0  # seconds to wait for readers of the file
_COLUMNS = "idx, event_id, envelope, kind, case_id, case_seq, signer"
_PAGE = 512


def fold(case: str) -> str:
    """Return the key under which a case id is unique: letter case does not count."""
    return case.lower()


def grow(
    size: int, leaves: Sequence[bytes], reader: Reader
) -> tuple[bytes, list[tuple[int, int, bytes]]]:
    """Return the root after appending leaf hashes to `size` leaves, and the new subtrees."""
    new: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int, /) -> bytes:
        known = new.get((level, index))
        return reader(level, index) if known is None else known

    for leaf in leaves:
        level, index, total = 0, size, leaf
        new[0, index] = leaf
        while index & 1:
            total = node_hash(read(level, index - 1), total)
            level, index = level + 1, index >> 1
            new[level, index] = total
        size += 1
    return root_from_reader(size, read), [(*key, value) for key, value in new.items()]


class SqliteStore:
    """A `Store` in one SQLite file."""

    def __init__(self, path: bytes, connection: sqlite3.Connection) -> None:
        self._path = path
        self._db = connection

    @classmethod
    def create(cls, path: bytes) -> Self:
        """Make an empty store; RefusedError when the file exists."""
        with durable.storage_errors(path):
            durable.step("create", path)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with _errors(path):
            connection = _connect(path, "rwc")
            with _closed_on_error(connection):
                connection.executescript(
                    f"BEGIN IMMEDIATE; PRAGMA application_id = {schema.APPLICATION_ID};"
                    f"PRAGMA user_version = {schema.VERSION};{schema.TABLES}{schema.TRIGGERS}"
                )
                durable.step("commit", path)
                connection.execute("COMMIT")
        durable.fsync_dir(os.path.dirname(path))
        return cls(path, connection)

    @classmethod
    def open(cls, path: bytes) -> Self:
        """Open a store; read-only where the folder cannot be written.

        Raises:
            InputError: it is missing, damaged, or of a later version.
        """
        if not os.path.isfile(path):
            raise InputError(
                f"`{escape_bytes(path)}` is missing",
                hint="restore it from a backup with `evkit station recover`",
            )
        writable = os.access(path, os.W_OK) and os.access(os.path.dirname(path), os.W_OK)
        with _errors(path):
            connection = _connect(path, "rw" if writable else "ro")
            with _closed_on_error(connection):
                found = [
                    connection.execute(f"PRAGMA {name}").fetchone()[0]
                    for name in ("application_id", "user_version")
                ]
        if found != [schema.APPLICATION_ID, schema.VERSION]:
            connection.close()
            raise InputError(
                f"`{escape_bytes(path)}` is not a ledger of version {schema.VERSION}",
                details={"application id, version": f"{found[0]:#x}, {found[1]}"},
            )
        return cls(path, connection)

    def head(self) -> Head:
        """See `Store.head`."""
        return self._head("SELECT size, root, note FROM heads ORDER BY size DESC LIMIT 1") or Head(
            0, EMPTY_ROOT, None
        )

    def count(self) -> int:
        """See `Store.count`."""
        with _errors(self._path):
            row = self._db.execute("SELECT COUNT(*) FROM entries").fetchone()
        found: int = row[0]
        return found

    def head_at(self, size: int) -> Head | None:
        """See `Store.head_at`."""
        return self._head("SELECT size, root, note FROM heads WHERE size = ?", size)

    def _head(self, query: str, *values: int) -> Head | None:
        with _errors(self._path):
            row = self._db.execute(query, values).fetchone()
        return None if row is None else Head(*row)

    def append(self, entries: Sequence[Entry], secrets: Sequence[Secret]) -> Head:
        """See `Store.append`."""
        with self._transaction():
            return self._insert(entries, secrets)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done within durably, or nothing of it."""
        with _errors(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                durable.step("commit", self._path)
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def _insert(self, entries: Sequence[Entry], secrets: Sequence[Secret]) -> Head:
        size = self.head().size
        if [entry.index for entry in entries] != list(range(size, size + len(entries))):
            raise RefusedError(f"the ledger has grown to {size} entries meanwhile")
        root, nodes = grow(size, [leaf_hash(entry.envelope) for entry in entries], self.node)
        self._db.executemany(
            f"INSERT INTO entries ({_COLUMNS}, case_key) VALUES (?,?,?,?,?,?,?,?)",  # noqa: S608
            [
                (e.index, e.event_id, e.envelope, e.kind, e.case, e.case_seq, e.signer,
                 None if e.case is None else fold(e.case))
                for e in entries
            ],
        )  # fmt: skip
        self._db.executemany("INSERT INTO nodes VALUES (?,?,?)", nodes)
        self._db.executemany("INSERT INTO openings VALUES (?,?,?,?)", secrets)
        head = Head(size + len(entries), root, None)
        self._db.execute("INSERT INTO heads VALUES (?,?,?)", head)
        return head

    def set_note(self, size: int, note: bytes) -> None:
        """See `Store.set_note`."""
        with self._transaction():
            self._db.execute(
                "UPDATE heads SET note = ? WHERE size = ? AND note IS NULL", (note, size)
            )

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """See `Store.entries`."""
        while start < stop:
            page = min(start + _PAGE, stop)
            found = self._rows("idx >= ? AND idx < ? ORDER BY idx", start, page)
            yield from found
            start = page

    def case_entries(self, case: str) -> Iterator[Entry]:
        """See `Store.case_entries`."""
        yield from self._rows("case_key = ? ORDER BY case_seq", fold(case))

    def of_kinds(self, kinds: Sequence[str], case: str | None = None) -> Iterator[Entry]:
        """See `Store.of_kinds`."""
        marks = ",".join("?" * len(kinds))
        condition = f"kind IN ({marks})" + ("" if case is None else " AND case_key = ?")
        values = [*kinds] if case is None else [*kinds, fold(case)]
        yield from self._rows(f"{condition} ORDER BY idx", *values)

    def find(self, event_id: str) -> Entry | None:
        """See `Store.find`."""
        return next(iter(self._rows("event_id = ?", event_id)), None)

    def starting(self, event_id: str) -> list[Entry]:
        """See `Store.starting`."""
        return self._rows("event_id >= ? AND event_id < ? LIMIT 2", event_id, event_id + "g")

    def last_by(self, signer: str) -> Entry | None:
        """See `Store.last_by`."""
        return next(iter(self._rows("signer = ? ORDER BY idx DESC LIMIT 1", signer)), None)

    def _rows(self, condition: str, *values: str | int) -> list[Entry]:
        query = f"SELECT {_COLUMNS} FROM entries WHERE {condition}"  # noqa: S608 - constants only
        with _errors(self._path):
            rows = self._db.execute(query, values).fetchall()
        return [
            Entry(index=i, event_id=e, envelope=v, kind=k, case=c, case_seq=n, signer=s)
            for i, e, v, k, c, n, s in rows
        ]

    def case_tip(self, case: str) -> CaseTip | None:
        """See `Store.case_tip`."""
        with _errors(self._path):
            row = self._db.execute(
                "SELECT case_seq, event_id, case_id FROM entries WHERE case_key = ?"
                " ORDER BY case_seq DESC LIMIT 1",
                (fold(case),),
            ).fetchone()
        return None if row is None else CaseTip(*row)

    def openings(self, event_id: str) -> list[Secret]:
        """See `Store.openings`."""
        with _errors(self._path):
            rows = self._db.execute(
                "SELECT event_id, name, value, salt FROM openings WHERE event_id = ? ORDER BY name",
                (event_id,),
            ).fetchall()
        return [Secret(*row) for row in rows]

    def node(self, level: int, index: int, /) -> bytes:
        """See `Store.node`."""
        with _errors(self._path):
            row = self._db.execute(
                "SELECT hash FROM nodes WHERE level = ? AND idx = ?", (level, index)
            ).fetchone()
        if row is None:
            raise InputError(f"the ledger holds no complete subtree `{level}`, `{index}`")
        found: bytes = row[0]
        return found

    def leaf_hashes(self, size: int | None = None) -> list[bytes]:
        """See `Store.leaf_hashes`."""
        with _errors(self._path):
            rows = self._db.execute(
                "SELECT hash FROM nodes WHERE level = 0 AND idx < ? ORDER BY idx",
                (2**62 if size is None else size,),
            ).fetchall()
        return [row[0] for row in rows]

    def close(self) -> None:
        """See `Store.close`."""
        self._db.close()


def _connect(path: bytes, mode: str) -> sqlite3.Connection:
    uri = f"file:{_percent(os.path.abspath(path))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY)
    with _closed_on_error(connection):
        for setting in ("trusted_schema = OFF", "foreign_keys = ON", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
        if mode != "ro":
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = EXTRA")
    return connection


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _percent(path: bytes) -> str:
    safe = b"/-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in path)


@contextlib.contextmanager
def _errors(path: bytes) -> Iterator[None]:
    """Turn SQLite's errors into evkit's, naming the file."""
    shown = escape_bytes(path)
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise RefusedError(f"the ledger `{shown}` refuses: {error}") from error
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        text = escape(str(error))
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise LockedError(f"`{shown}` is held by another program: {text}") from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_SCHEMA")) or not name:
            raise InputError(
                f"`{shown}` is damaged: {text}",
                hint="restore it from a backup with `evkit station recover`",
            ) from error
        full = name.startswith("SQLITE_FULL")
        raise StorageError(
            f"cannot write `{shown}`: {text}",
            hint="free space on that disk and try again" if full else None,
            details={"sqlite": name},
        ) from error
