"""`index.db`: a projection of the ledger for look-ups, deleted and rebuilt at will.

Nothing that is signed depends on it. It carries the size and root it was made from and follows the
ledger by reading the entries after that; a file that disagrees or is damaged is made again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, NamedTuple, Self

from evkit.merkle.tree import root_from_reader
from evkit.station.reading import event_of
from evkit.station.sqlite_store import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.ledger.event import Event
    from evkit.station.store import Entry, Store

VERSION = 1
_TABLES = """
CREATE TABLE state (size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE cases (
  case_key TEXT PRIMARY KEY, case_id TEXT NOT NULL, title TEXT, opened INTEGER, closed INTEGER,
  events INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE exhibits (
  ref_key TEXT PRIMARY KEY, ref TEXT NOT NULL, case_key TEXT NOT NULL, what TEXT,
  idx INTEGER NOT NULL
);
CREATE TABLE custody (
  ref_key TEXT NOT NULL, idx INTEGER NOT NULL, event_id TEXT NOT NULL, kind TEXT NOT NULL,
  recorded TEXT NOT NULL, officer TEXT NOT NULL, PRIMARY KEY (ref_key, idx)
) WITHOUT ROWID;
"""


class CaseRow(NamedTuple):
    """A case: id, title, index of the opening and closing event, number of events."""

    case: str
    title: str | None
    opened: int | None
    closed: int | None
    events: int


class ExhibitRow(NamedTuple):
    """A registered exhibit: reference, what it is, number of the entry that registered it."""

    ref: str
    what: str | None
    entry: int


class EventRow(NamedTuple):
    """An event that names a case, an exhibit or an acquisition."""

    entry: int
    event_id: str
    kind: str
    recorded: str
    officer: str


class Index:
    """The projection of one ledger."""

    def __init__(self, store: Store, connection: sqlite3.Connection) -> None:
        self._store = store
        self._db = connection

    @classmethod
    def open(cls, path: bytes, store: Store) -> Self:
        """Open the projection and bring it up to the ledger; in memory where it cannot be kept."""
        try:
            return cls._opened(path, store)
        except sqlite3.Error:
            return cls.rebuild(path, store)

    @classmethod
    def _opened(cls, path: bytes, store: Store) -> Self:
        connection = sqlite3.connect(
            path.decode() if path == b":memory:" else path, timeout=30.0, isolation_level=None
        )
        try:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA trusted_schema = OFF")
            index = cls(store, connection)
            index.refresh()
        except BaseException:
            connection.close()
            raise
        return index

    @classmethod
    def rebuild(cls, path: bytes, store: Store) -> Self:
        """Throw the projection away and make it again."""
        for name in (path, path + b"-journal"):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                os.unlink(name)
        try:
            return cls._opened(path, store)
        except sqlite3.Error:
            return cls._opened(b":memory:", store)

    def refresh(self) -> None:
        """Read the entries that came since; begin anew when the ledger is another one."""
        head = self._store.head()
        done = (
            self._db.execute("SELECT size, root FROM state").fetchone() if self._ready() else None
        )
        if done == (head.size, head.root):
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            start = self._continue_at(head.size)
            for entry in self._store.entries(start, head.size):
                self._add(entry)
            self._db.execute("DELETE FROM state")
            self._db.execute("INSERT INTO state VALUES (?,?)", (head.size, head.root))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def cases(self) -> list[CaseRow]:
        """Return all cases in the order of their ids."""
        query = "SELECT case_id, title, opened, closed, events FROM cases ORDER BY case_key"
        return [CaseRow(*row) for row in self._db.execute(query)]

    def exhibits(self, case: str) -> list[ExhibitRow]:
        """Return the exhibits of a case in the order of registration."""
        query = "SELECT ref, what, idx FROM exhibits WHERE case_key = ? ORDER BY idx, ref_key"
        return [ExhibitRow(*row) for row in self._db.execute(query, (fold(case),))]

    def events(self, ref: str) -> list[EventRow]:
        """Return the events that name a case, an exhibit or an acquisition, in order."""
        query = (
            "SELECT idx, event_id, kind, recorded, officer FROM custody"
            " WHERE ref_key = ? ORDER BY idx"
        )
        return [EventRow(*row) for row in self._db.execute(query, (fold(ref),))]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _ready(self) -> bool:
        row = self._db.execute("PRAGMA user_version").fetchone()
        return bool(row[0] == VERSION)

    def _done(self) -> tuple[int, bytes]:
        """Return the head that the projection was made from."""
        row = self._db.execute("SELECT size, root FROM state").fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, b"")

    def _continue_at(self, size: int) -> int:
        """Return the first entry to read; 0 after emptying a projection of something else."""
        if self._ready():
            done, root = self._done()
            if done <= size and root_from_reader(done, self._store.node) == root:
                return done
        for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            self._db.execute(f'DROP TABLE "{name}"')
        for statement in _TABLES.split(";\n"):
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {VERSION}")
        return 0

    def _add(self, entry: Entry) -> None:
        event = event_of(entry)
        if event.case is not None:
            self._add_case(event, entry.index)
        if event.kind == "register":
            what = _text(event.fields.get("what"))
            for ref in event.exhibits:
                self._db.execute(
                    "INSERT OR IGNORE INTO exhibits VALUES (?,?,?,?,?)",
                    (fold(ref), ref, fold(ref.partition("/")[0]), what, entry.index),
                )
        for ref in _refs(event):
            self._db.execute(
                "INSERT OR IGNORE INTO custody VALUES (?,?,?,?,?,?)",
                (fold(ref), entry.index, entry.event_id, event.kind,
                 event.recorded.utc, event.actor.officer),
            )  # fmt: skip

    def _add_case(self, event: Event, index: int) -> None:
        key = fold(str(event.case))
        self._db.execute(
            "INSERT OR IGNORE INTO cases (case_key, case_id) VALUES (?,?)", (key, event.case)
        )
        self._db.execute("UPDATE cases SET events = events + 1 WHERE case_key = ?", (key,))
        if event.kind == "case-open":
            self._db.execute(
                "UPDATE cases SET title = ?, opened = ? WHERE case_key = ? AND opened IS NULL",
                (_text(event.fields.get("title")), index, key),
            )
        elif event.kind == "case-close":
            self._db.execute("UPDATE cases SET closed = ? WHERE case_key = ?", (index, key))


def _refs(event: Event) -> Iterator[str]:
    """Yield every reference under which an event is found: case, exhibits, acquisitions."""
    if event.case is not None:
        yield event.case
    yield from event.exhibits
    for acquisition in event.acquisitions:
        yield acquisition
        yield acquisition.rpartition("/")[0]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
