"""Reading a finished inventory: rows, coverage, the lines of an export, and its own roots."""

from __future__ import annotations

import contextlib
import heapq
import operator
import sqlite3
from typing import TYPE_CHECKING, Any, Self

from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes
from evkit.inventory.store import open_file
from evkit.manifest import rows
from evkit.merkle.tree import Frontier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

KIND = "json_extract(row,'$.row')"
_JOIN = "json_extract(row,'$.fs') = ? AND json_extract(row,'$.inode') = ?"


class Inventory:
    """An inventory file, opened immutable; used as a context manager.

    Args:
        path: the file.

    Raises:
        InputError: it is not an inventory.
    """

    def __init__(self, path: bytes) -> None:
        self.path = path
        self._db = open_file(path)
        with self._reading():
            self.meta = {str(key): str(value) for key, value in self._ask("SELECT * FROM meta")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, *kinds: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, row) in order, of the kinds asked for, or all; nothing is sorted."""
        every = [self._of_kind(kind) for kind in kinds] if kinds else [self._all()]
        with self._reading():
            for number, text in heapq.merge(*every, key=operator.itemgetter(0)):
                yield int(number), rows.parse(_bytes(text))

    def _of_kind(self, kind: str) -> sqlite3.Cursor:
        with self._reading():
            return self._ask(f"SELECT n, row FROM rows WHERE {KIND} = ? ORDER BY n", (kind,))  # noqa: S608

    def _all(self) -> sqlite3.Cursor:
        with self._reading():
            return self._ask("SELECT n, row FROM rows ORDER BY n")

    def in_states(self, kind: str, states: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, row) of one kind whose state is one of `states`, in order."""
        words = tuple(states)
        query = (
            f"SELECT n, row FROM rows WHERE {KIND} = ? "  # noqa: S608
            f"AND json_extract(row,'$.state') IN ({','.join('?' * len(words))}) ORDER BY n"
        )
        with self._reading():
            for number, text in self._ask(query, (kind, *words)):
                yield int(number), rows.parse(_bytes(text))

    def row(self, number: int) -> dict[str, Any]:
        """Return one row.

        Raises:
            InputError: there is none of that number.
        """
        with self._reading():
            found = self._ask("SELECT row FROM rows WHERE n = ?", (number,)).fetchone()
        if found is None:
            raise InputError(f"the inventory has no row `{number}`")
        return rows.parse(_bytes(found[0]))

    def joined(self, kind: str, fs: int, inode: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the `name` or `stream` rows of one metadata record."""
        query = f"SELECT n, row FROM rows WHERE {KIND} = '{kind}' AND {_JOIN} ORDER BY n"  # noqa: S608
        with self._reading():
            found = self._ask(query, (fs, inode)).fetchall()
        return [(int(number), rows.parse(_bytes(text))) for number, text in found]

    def streams_with(self, field: str, value: str | int) -> list[tuple[int, dict[str, Any]]]:
        """Return the stream rows whose field (`size`, `digests.sha256`, …) has a value."""
        query = (
            f"SELECT n, row FROM rows WHERE {KIND} = 'stream' "  # noqa: S608
            f"AND json_extract(row,'$.{field}') = ? ORDER BY n"
        )
        with self._reading():
            found = self._ask(query, (value,)).fetchall()
        return [(int(number), rows.parse(_bytes(text))) for number, text in found]

    def mime(self, stream: int) -> str | None:
        """Return the file type of a stream row, None when it was not determined."""
        query = "SELECT row FROM engine_rows WHERE json_extract(row,'$.stream') = ?"
        with self._reading():
            found = self._ask(query, (stream,)).fetchone()
        return None if found is None else str(rows.parse(_bytes(found[0]))["mime"])

    def coverage(self) -> dict[str, Any]:
        """Return the coverage row, the last of every finished inventory."""
        return self.row(int(self.meta["rows"]) - 1)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of an export: all rows, then what depends on the engine."""
        with self._reading():
            for table in ("rows", "engine_rows"):
                for number, salt, text in self._ask(f"SELECT n, salt, row FROM {table} ORDER BY n"):  # noqa: S608
                    yield rows.export_line(
                        int(number), bytes(salt), _bytes(text), engine=table == "engine_rows"
                    )

    def problems(self) -> list[str]:
        """Compute both roots again; return what disagrees with the file's own record."""
        found: list[str] = []
        for table, root, count in (
            ("rows", "row_root", "rows"),
            ("engine_rows", "engine_root", "engine_rows"),
        ):
            tree = Frontier()
            with self._reading():
                query = f"SELECT n, salt, row FROM {table} ORDER BY n"  # noqa: S608
                for number, salt, text in self._ask(query):
                    data = _bytes(text)
                    rows.parse(data)
                    if number != tree.size:
                        found.append(f"{table}: row {tree.size} is missing")
                        break
                    tree.append(rows.row_leaf(bytes(salt), data))
            if str(tree.size) != self.meta.get(count):
                found.append(f"{table}: {tree.size} rows, {self.meta.get(count)} on record")
            if tree.root().hex() != self.meta.get(root):
                found.append(f"{table}: root {tree.root().hex()}, {self.meta.get(root)} on record")
        return found

    def _ask(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._db.execute(query, tuple(values))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, TypeError, ValueError) as error:
            shown = escape_bytes(self.path)
            raise InputError(f"`{shown}` is damaged: {escape(str(error))}") from error


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a row is not text")
    return text.encode("utf-8")
