"""Does a finished inventory agree with itself? Rows, roots, keys, indexes.

The roots cover the rows only. What is looked up is looked up by keys and indexes, and a key that is
gone is a file that nobody finds: they are compared with the rows as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.text import escape
from evkit.inventory.database.storedkeys import RowKeys, TypeKeys
from evkit.manifest import rows
from evkit.merkle.tree import Frontier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

_BLOCK = 2000
_KEYS = "keys of other rows than those that are there"


def problems(db: sqlite3.Connection, meta: Mapping[str, str]) -> list[str]:
    """Return what does not agree, in words; empty for a sound inventory.

    Args:
        db: the file.
        meta: its table `meta`.

    Raises:
        InputError: something is no row.
        sqlite3.Error, TypeError, ValueError: the file is damaged.
    """
    damage = [str(text) for (text,) in db.execute("PRAGMA integrity_check(1)")]
    found = [] if damage == ["ok"] else [f"the database is damaged: {escape(damage[0])}"]
    found += _table(db, "rows", RowKeys(db), meta.get("rows"), meta.get("row_root"))
    found += _table(
        db, "engine_rows", TypeKeys(db), meta.get("engine_rows"), meta.get("engine_root")
    )
    return found


def _table(
    db: sqlite3.Connection, table: str, keys: RowKeys | TypeKeys, count: str | None,
    root: str | None,
) -> list[str]:  # fmt: skip
    tree, found = Frontier(), []
    cursor = db.execute(f"SELECT n, salt, row FROM {table} ORDER BY n")  # noqa: S608
    agree = True
    while block := cursor.fetchmany(_BLOCK):
        first, data = tree.size, [_bytes(text) for _, _, text in block]
        missing = [at for at, (number, _, _) in enumerate(block, first) if at != number]
        if missing:
            found.append(f"{table}: row {missing[0]} is missing")
            break
        agree = agree and keys.same(first, data)
        tree.extend(rows.row_leaves([bytes(salt) for _, salt, _ in block], data))
    else:
        agree = agree and keys.ended()
    if not agree:
        found.append(f"{table}: {_KEYS}")
    if str(tree.size) != count:
        found.append(f"{table}: {tree.size} rows, {count} on record")
    if tree.root().hex() != root:
        found.append(f"{table}: root {tree.root().hex()}, {root} on record")
    return found


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a row is not text")
    return text.encode("utf-8")
