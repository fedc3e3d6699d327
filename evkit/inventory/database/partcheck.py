"""Is what an unfinished inventory file holds still what was written? Rows, keys, roots.

The file is fsynced only at its end, so a power loss may damage it in ways that SQLite does not see.
Every leaf is computed again, and both roots are compared with those of the checkpoint.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.inventory.database.storedkeys import RowKeys, TypeKeys
from evkit.inventory.database.tables import PART_SCHEMA, SCHEMA
from evkit.manifest import rows
from evkit.merkle.tree import Frontier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_BLOCK = 2000
_COUNTS: dict[str, type] = {"rows": int, "row_root": str, "engine_rows": int, "engine_root": str}


def checkpoint(db: sqlite3.Connection) -> dict[str, Any]:
    """Return counts and roots of the last checkpoint of a part file.

    Raises:
        InputError: there is none.
        sqlite3.Error: it is not a database, or damaged.
    """
    said = {str(key): str(value) for key, value in db.execute("SELECT key, value FROM meta")}
    if "identity" not in said:
        raise InputError("it holds nothing that is kept")
    if said.get("schema") == SCHEMA:  # it was finished, only its name is missing
        try:
            return {key: kind(said[key]) for key, kind in _COUNTS.items()}
        except (KeyError, ValueError) as error:
            raise InputError("its counts are damaged") from error
    value = ejson.as_object(ejson.loads(said.get("checkpoint", "").encode()), "checkpoint")
    if said.get("part") != PART_SCHEMA or {k: type(v) for k, v in value.items()} != _COUNTS:
        raise InputError("its checkpoint is damaged")
    return value


def check(db: sqlite3.Connection) -> tuple[Frontier, Frontier]:
    """Return the trees over all rows and engine rows of a part file.

    Raises:
        InputError: what is stored is not what the checkpoint says, or it is damaged.
        sqlite3.Error: it is damaged.
    """
    said = checkpoint(db)
    if [row[0] for row in db.execute("PRAGMA quick_check(1)")] != ["ok"]:
        raise InputError("it is damaged")
    tree, engine = _tree(db, "rows", RowKeys(db)), _tree(db, "engine_rows", TypeKeys(db))
    found = {
        "rows": tree.size,
        "row_root": tree.root().hex(),
        "engine_rows": engine.size,
        "engine_root": engine.root().hex(),
    }
    if found != said:
        raise InputError("its rows are not those of its checkpoint")
    return tree, engine


def read(
    db: sqlite3.Connection, table: str, below: int = 1 << 62
) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (number, salt, row) of one of the two tables of rows, in order, below a number.

    Raises:
        InputError: a value is of another kind.
    """
    query = f"SELECT n, salt, row FROM {table} WHERE n < ? ORDER BY n"  # noqa: S608
    for number, salt, text in db.execute(query, (below,)):
        if type(salt) is not bytes or type(text) is not str or type(number) is not int:
            raise InputError("it is damaged")
        yield number, salt, text.encode("utf-8")


def _blocks(db: sqlite3.Connection, table: str) -> Iterator[tuple[int, list[bytes], list[bytes]]]:
    """Yield the rows of a table in blocks: (first number, leaves, rows)."""
    reading, at = read(db, table), 0
    while block := list(itertools.islice(reading, _BLOCK)):
        if [number for number, _, _ in block] != list(range(at, at + len(block))):
            raise InputError("rows are missing")
        data = [row for _, _, row in block]
        yield at, rows.row_leaves([salt for _, salt, _ in block], data), data
        at += len(block)


def _tree(db: sqlite3.Connection, table: str, keys: RowKeys | TypeKeys) -> Frontier:
    tree = Frontier()
    for first, leaves, block in _blocks(db, table):
        if not keys.same(first, block):
            raise InputError("its keys are not those of its rows")
        tree.extend(leaves)
    if not keys.ended():
        raise InputError("it holds keys of rows that are not there")
    return tree
