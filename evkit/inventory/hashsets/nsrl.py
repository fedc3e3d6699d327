"""NSRL RDSv3 as a source of a hash set: SQLite with a table `FILE` (minimal) or `METADATA` (full).

The file is opened immutable. Only real tables are asked, never a view, and no text or blob over a
small limit is handed over, so that a file from outside cannot make SQLite work for it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes
from evkit.inventory.hashsets.tally import MALFORMED, NO_DIGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.core.progress import Progress
    from evkit.inventory.hashsets.tally import Tally

MAGIC = b"SQLite format 3\0"
_TABLES = ("FILE", "METADATA")
_COLUMNS = ("sha256", "sha1", "md5")
_LENGTHS = {64, 40, 32}
_ROWS = 10_000
_LONGEST = 1 << 16  # bytes of a value


def take(path: bytes, tally: Tally, progress: Progress, task: str) -> str | None:
    """Hand every row to the tally.

    Returns:
        What the table `VERSION` says, None without one.

    Raises:
        InputError: it is not such a database, or damaged.
    """
    shown = escape_bytes(path)
    if not os.path.isfile(path):
        raise InputError(f"`{shown}` is not a file")
    _need_whole(path, shown)
    address = Path(os.path.abspath(os.fsdecode(path))).as_uri() + "?immutable=1&mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True)
    except sqlite3.Error as error:
        raise InputError(f"cannot read `{shown}`: {escape(str(error))}") from error
    try:
        connection.text_factory = bytes
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.execute("PRAGMA trusted_schema = OFF")
        table, columns = _table(connection, shown)
        release = _release(connection)
        progress.begin(task, None, "rows")
        _rows(connection, f"SELECT {', '.join(columns)} FROM {table}", tally, progress, task)  # noqa: S608 - of our own words
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise InputError(f"`{shown}` is damaged: {escape(str(error))}") from error
    finally:
        connection.close()
    return release


def _need_whole(path: bytes, shown: str) -> None:
    """Refuse a database of which rows still wait in a journal beside it.

    Raises:
        InputError: there is such a journal.
    """
    for suffix in (b"-wal", b"-journal"):
        with contextlib.suppress(OSError):
            if os.path.getsize(path + suffix):
                raise InputError(
                    f"`{shown}` is not whole: `{escape_bytes(path + suffix)}` lies beside it",
                    hint="close the program that writes it, or copy the database with its backup",
                )


def _table(connection: sqlite3.Connection, shown: str) -> tuple[str, list[str]]:
    """Return the table of files, and those of its columns that hold digests."""
    for table in _TABLES:
        if not _is_table(connection, table):
            continue
        names = _columns_of(connection, table)
        columns = [name for name in _COLUMNS if name in names]
        if columns:
            return table, columns
    raise InputError(
        f"`{shown}` is a database, but not one of NSRL RDSv3",
        hint="it must have a table FILE or METADATA with sha256, sha1 or md5",
    )


def _is_table(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND upper(name) = ?"
    found = connection.execute(query, (name,)).fetchone()
    if found is None or not isinstance(found[0], bytes):
        return False
    return not bytes(found[0]).lstrip().upper().startswith(b"CREATE VIRTUAL")


def _columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of stored columns; generated ones are not asked."""
    rows = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
    return {bytes(row[1]).decode("utf-8", "replace").lower() for row in rows if row[6] == 0}


def _release(connection: sqlite3.Connection) -> str | None:
    if not _is_table(connection, "VERSION"):
        return None
    names = _columns_of(connection, "VERSION")
    columns = [name for name in ("version", "build_set", "release_date") if name in names]
    if not columns:
        return None
    query = f"SELECT {', '.join(columns)} FROM VERSION LIMIT 1"  # noqa: S608 - of our own words
    row = connection.execute(query).fetchone() or ()
    words = [value.decode("utf-8", "replace").strip() for value in row if isinstance(value, bytes)]
    return " ".join(word for word in words if word)[:256] or None


def _rows(
    connection: sqlite3.Connection, query: str, tally: Tally, progress: Progress, task: str
) -> None:
    cursor = connection.execute(query)
    done = 0
    while rows := cursor.fetchmany(_ROWS):
        for row in rows:
            _row(row, tally)
        done += len(rows)
        progress.update(task, done)
    progress.end(task, done)


def _row(row: Sequence[object], tally: Tally) -> None:
    digests, odd = [], False
    for value in row:
        if isinstance(value, bytes) and len(value) in _LENGTHS:
            try:
                digests.append(bytes.fromhex(value.decode("ascii")))
            except ValueError:
                odd = True
        elif value:
            odd = True
    if any(len(digest) * 2 not in _LENGTHS for digest in digests):  # white space between digits
        digests, odd = [], True
    if digests:
        tally.add(digests)
    else:
        tally.leave_out(MALFORMED if odd else NO_DIGEST)
