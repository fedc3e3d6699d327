"""Does a finished inventory agree with itself? Rows, roots, keys, indexes.

The roots cover the rows only. What is looked up is looked up by keys and indexes, and a key that is
gone is a file that nobody finds: they are compared with the rows as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.progress import SILENT
from evkit.core.text import escape
from evkit.inventory.database.storedkeys import RowKeys, TypeKeys
from evkit.manifest import rows
from evkit.merkle.tree import Frontier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from evkit.core.progress import Progress

TASK = "check"
_BLOCK = 2000
_KEYS = "keys of other rows than those that are there"


def problems(
    db: sqlite3.Connection, meta: Mapping[str, str], progress: Progress = SILENT
) -> list[str]:
    """Return what does not agree, in words; empty for a sound inventory.

    Args:
        db: the file.
        meta: its table `meta`.
        progress: told rows.

    Raises:
        InputError: something is no row.
        sqlite3.Error, TypeError, ValueError: the file is damaged.
    """
    progress.begin(TASK, int(meta["rows"]) + int(meta["engine_rows"]), "rows")
    damage = [str(text) for (text,) in db.execute("PRAGMA integrity_check(1)")]
    found = [] if damage == ["ok"] else [f"the database is damaged: {escape(damage[0])}"]
    tables: tuple[tuple[str, str, RowKeys | TypeKeys], ...] = (
        ("rows", "row_root", RowKeys(db)),
        ("engine_rows", "engine_root", TypeKeys(db)),
    )
    done = 0
    for table, root, keys in tables:
        tree = Frontier()
        for text in _contradictions(db, table, keys, tree):
            if text:
                found.append(f"{table}: {text}")
            progress.update(TASK, done + tree.size)
        done += tree.size
        if str(tree.size) != meta.get(table):
            found.append(f"{table}: {tree.size} rows, {meta.get(table)} on record")
        if tree.root().hex() != meta.get(root):
            found.append(f"{table}: root {tree.root().hex()}, {meta.get(root)} on record")
    progress.end(TASK, done)
    return found


def _contradictions(
    db: sqlite3.Connection, table: str, keys: RowKeys | TypeKeys, tree: Frontier
) -> Iterator[str]:
    """Add the rows of a table to a tree; yield for each block, empty or what is wrong, once."""
    agree = True
    cursor = db.execute(f"SELECT n, salt, row FROM {table} ORDER BY n")  # noqa: S608
    while block := cursor.fetchmany(_BLOCK):
        first, data = tree.size, [_bytes(text) for _, _, text in block]
        missing = [at for at, (number, _, _) in enumerate(block, first) if at != number]
        if missing:
            yield f"row {missing[0]} is missing"
            break
        agree = agree and keys.same(first, data)
        tree.extend(rows.row_leaves([bytes(salt) for _, salt, _ in block], data))
        yield ""
    else:
        agree = agree and keys.ended()
    if not agree:
        yield _KEYS


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a row is not text")
    return text.encode("utf-8")
