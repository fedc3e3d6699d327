"""The keys that an inventory file holds, compared with those that its rows should have."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from evkit.inventory.database.tables import KEY_TABLES, keys
from evkit.manifest import rowaccept

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence


class RowKeys:
    """The keys of the rows.

    Args:
        db: the file.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._cursors: list[Iterator[Sequence[object]]] = [
            db.execute(f"SELECT * FROM {table} ORDER BY n")  # noqa: S608
            for table in KEY_TABLES
        ]

    def same(self, first: int, block: Sequence[bytes]) -> bool:
        """Say whether the next keys are those of the next rows; both come in order.

        Args:
            first: number of the first row.
            block: the rows.

        Raises:
            InputError: something is no row.
        """
        wanted = keys(first, map(rowaccept.accept, block))
        return all(
            list(itertools.islice(cursor, len(some))) == some
            for cursor, some in zip(self._cursors, wanted, strict=True)
        )

    def ended(self) -> bool:
        """Say whether there are no more keys."""
        return all(next(cursor, None) is None for cursor in self._cursors)


class TypeKeys:
    """The keys of the rows that depend on the engine; methods as those of `RowKeys`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._cursor = db.execute("SELECT n, stream, mime FROM type_keys ORDER BY n")

    def same(self, first: int, block: Sequence[bytes]) -> bool:
        """Say whether the next keys are those of the next rows.

        Raises:
            InputError: something is no row that depends on the engine.
        """
        found = [(row.get("stream"), row.get("mime")) for row in map(rowaccept.read, block)]
        wanted = [(number, *item) for number, item in enumerate(found, first)]
        return list(itertools.islice(self._cursor, len(wanted))) == wanted

    def ended(self) -> bool:
        """Say whether there are no more keys."""
        return next(self._cursor, None) is None
