"""Reading a finished inventory: rows, coverage, the lines of an export, and its own roots."""

from __future__ import annotations

import contextlib
import functools
import heapq
import operator
import os
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evkit.core.closing import Closing
from evkit.core.errors import InputError, RefusedError
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.inventory.database import sound
from evkit.inventory.database.tables import INDEXES, SCHEMA, TABLES, VIEWS, digest_key, name_key
from evkit.inventory.holders import Holders
from evkit.manifest import rowaccept, rows
from evkit.manifest.rows import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from evkit.core.progress import Progress
    from evkit.inventory.mask import Mask

_TABLE = {"name": "name_keys", "stream": "stream_keys"}
_ASKED = 500  # records of one query
_BLOCK = 4 << 20
_COUNT = re.compile("0|[1-9][0-9]{0,14}", re.ASCII)
_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
_CACHE = "PRAGMA cache_size = -32768"


class Inventory(Closing):
    """An inventory file, opened immutable; used as a context manager.

    Args:
        path: the file.
        mask: which rows are shown without names; None for none.

    Raises:
        InputError: it is not an inventory.
    """

    def __init__(self, path: bytes, *, mask: Mask | None = None) -> None:
        self.path, self.mask = path, mask
        self._db = open_file(path)
        try:
            self.meta = self._said()
        except InputError:
            self.close()
            raise

    def _said(self) -> dict[str, str]:
        with self._reading():
            meta = {str(key): str(value) for key, value in self._ask("SELECT * FROM meta")}
        for name in ("rows", "engine_rows"):
            if _COUNT.fullmatch(meta.get(name, "")) is None:
                raise InputError(f"`{escape_bytes(self.path)}` does not say how many rows it has")
        return meta

    @functools.cached_property
    def holders(self) -> Holders:
        """Where archives and mail lie."""
        return Holders(self)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, *kinds: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, row) in order, of the kinds asked for, or all; nothing is sorted."""
        every = [self._of_kind(kind) for kind in kinds] if kinds else [self._all()]
        with self._reading():
            for number, text in heapq.merge(*every, key=operator.itemgetter(0)):
                yield int(number), self._shown(number, text)

    def _of_kind(self, kind: str) -> sqlite3.Cursor:
        table = _TABLE.get(kind)
        with self._reading():
            if table is not None:
                return self._ask(f"SELECT n, row FROM {table} JOIN rows USING (n) ORDER BY n")  # noqa: S608
            return self._ask(
                "SELECT n, row FROM other_keys JOIN rows USING (n) WHERE kind = ? ORDER BY n",
                (kind,),
            )

    def _all(self) -> sqlite3.Cursor:
        with self._reading():
            return self._ask("SELECT n, row FROM rows ORDER BY n")

    def in_states(self, kind: str, states: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, row) of one kind whose state is one of `states`, in order."""
        words = frozenset(states)
        if "ok" in words:  # has no key
            yield from (found for found in self.rows(kind) if found[1].get("state") in words)
            return
        query = (
            "SELECT n, row FROM state_keys JOIN rows USING (n) "  # noqa: S608
            f"WHERE kind = ? AND state IN ({_marks(words)}) ORDER BY n"
        )
        with self._reading():
            for number, text in self._ask(query, (kind, *words)):
                yield int(number), self._shown(number, text)

    def row(self, number: int) -> dict[str, Any]:
        """Return one row.

        Raises:
            InputError: there is none of that number.
        """
        with self._reading():
            found = self._ask("SELECT row FROM rows WHERE n = ?", (number,)).fetchone()
        if found is None:
            raise InputError(f"the inventory has no row `{number}`")
        return self._shown(number, found[0])

    def joined(self, kind: str, fs: int, inode: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the `name` or `stream` rows of one metadata record."""
        return self.joined_all(kind, [(fs, inode)]).get((fs, inode), [])

    def joined_all(
        self, kind: str, records: Iterable[tuple[int, int]]
    ) -> dict[tuple[int, int], list[tuple[int, dict[str, Any]]]]:
        """Return the `name` or `stream` rows of some thousand metadata records (fs, inode)."""
        wanted = sorted(set(records))
        found: dict[tuple[int, int], list[tuple[int, dict[str, Any]]]] = {}
        for at in range(0, len(wanted), _ASKED):
            block = wanted[at : at + _ASKED]
            query = (
                f"WITH wanted(fs, inode) AS (VALUES {','.join(['(?,?)'] * len(block))}) "  # noqa: S608
                f"SELECT fs, inode, n, row FROM wanted CROSS JOIN {_TABLE[kind]} USING (fs, inode) "
                "JOIN rows USING (n) ORDER BY n"
            )
            with self._reading():
                for fs, inode, number, text in self._ask(
                    query, [v for pair in block for v in pair]
                ):
                    item = int(number), self._shown(number, text)
                    found.setdefault((fs, inode), []).append(item)
        return found

    def streams_with(self, field: str, value: str | int) -> list[tuple[int, dict[str, Any]]]:
        """Return the stream rows whose `size` or digest (`digests.sha256`, …) has a value."""
        column = field.removeprefix("digests.")
        if column == "size":
            key: object = value
        elif column in DIGESTS and isinstance(value, str):
            key = digest_key(value)
        else:
            raise InputError(f"streams cannot be looked up by `{escape(field)}`")
        query = (
            "SELECT n, row FROM stream_keys JOIN rows USING (n) "  # noqa: S608
            f"WHERE stream_keys.{column} = ? ORDER BY n"
        )
        with self._reading():
            found = [(int(n), self._shown(n, text)) for n, text in self._ask(query, (key,))]
        if column == "size":
            return [item for item in found if item[1].get("size") == value]
        return [item for item in found if item[1].get("digests", {}).get(column) == value]

    def names_like(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the name rows whose `name` is that text when case is ignored."""
        query = "SELECT n, row FROM name_keys JOIN rows USING (n) WHERE name = ? ORDER BY n"
        folded = name.casefold()
        key = name_key(folded.encode("utf-8", "surrogatepass"))
        with self._reading():
            found = [(int(n), self._shown(n, text)) for n, text in self._ask(query, (key,))]
        return [item for item in found if item[1]["name"].casefold() == folded]

    def stream_digests(
        self, names: Sequence[str]
    ) -> Iterator[tuple[int, tuple[bytes | None, ...]]]:
        """Yield the number of every stream row and its digests, None for those it has not."""
        wanted = ", ".join(f"json_extract(row,'$.digests.{name}')" for name in names)
        query = f"SELECT n, {wanted} FROM stream_keys JOIN rows USING (n) ORDER BY n"  # noqa: S608
        with self._reading():
            for number, *digests in self._ask(query):
                yield int(number), tuple(text and bytes.fromhex(text) for text in digests)

    def mime(self, stream: int) -> str | None:
        """Return the file type of a stream row, None when it was not determined."""
        return self.mimes([stream]).get(stream)

    def mimes(self, streams: Iterable[int]) -> dict[int, str]:
        """Return the file types of some thousand stream rows, of those that have one."""
        wanted, found = sorted(set(streams)), {}
        for at in range(0, len(wanted), _ASKED):
            block = wanted[at : at + _ASKED]
            query = (
                "SELECT row FROM type_keys JOIN engine_rows USING (n) "  # noqa: S608
                f"WHERE stream IN ({_marks(block)}) ORDER BY n DESC"
            )
            with self._reading():
                for (text,) in self._ask(query, block):
                    row = rowaccept.read(_bytes(text))
                    found[int(row["stream"])] = str(row["mime"])
        if self.mask is not None:
            return {n: self.mask.mime(n, text, self) for n, text in found.items()}
        return found

    def types(self) -> Iterator[tuple[int, str]]:
        """Yield (number of the stream row, file type) in the order of the streams."""
        query = "SELECT row FROM type_keys JOIN engine_rows USING (n) ORDER BY stream, n"
        with self._reading():
            for (text,) in self._ask(query):
                row = rowaccept.read(_bytes(text))
                stream, mime = int(row["stream"]), str(row["mime"])
                yield stream, mime if self.mask is None else self.mask.mime(stream, mime, self)

    def coverage(self) -> dict[str, Any]:
        """Return the coverage row, the last of every finished inventory."""
        return self.row(int(self.meta["rows"]) - 1)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of an export: all rows, then what depends on the engine.

        Raises:
            RefusedError: rows are masked; such lines would not prove themselves.
        """
        if self.mask is not None:
            raise RefusedError(
                f"`{escape_bytes(self.path)}` is of sensitive material: its rows are not given out",
                hint="a form that does not prove itself, such as CSV, holds digests without names",
            )
        with self._reading():
            for table in ("rows", "engine_rows"):
                for number, salt, text in self._ask(f"SELECT n, salt, row FROM {table} ORDER BY n"):  # noqa: S608
                    yield rows.export_line(
                        int(number), bytes(salt), _bytes(text), engine=table == "engine_rows"
                    )

    def problems(self, progress: Progress = SILENT) -> list[str]:
        """Compute both roots again, compare keys with rows; return what does not agree.

        Raises:
            InputError: it is damaged, or cannot be read to its end now.
        """
        _need_readable(self.path)
        with self._reading():
            return sound.problems(self._db, self.meta, progress)

    def _shown(self, number: int, text: object) -> dict[str, Any]:
        row = rowaccept.read(_bytes(text))
        return row if self.mask is None else self.mask.row(int(number), row)

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


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))


def _need_readable(path: bytes) -> None:
    """Read a file to its end: SQLite takes a page of which only the start can be read for zeros.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as handle:
            while handle.read(_BLOCK):
                pass
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}",
            hint="the file, or the medium it lies on, is failing: use another copy",
        ) from error


def open_file(path: bytes) -> sqlite3.Connection:
    """Open an inventory immutable: no lock, no journal, nothing is ever written beside it.

    Raises:
        InputError: the file is absent, not SQLite or not an inventory of this version.
    """
    shown = escape_bytes(path)
    if not os.path.isfile(path):
        raise InputError(
            f"`{shown}` is not a file", hint="make an inventory with `evkit inventory run`"
        )
    address = Path(os.path.abspath(os.fsdecode(path))).as_uri() + "?immutable=1&mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True)
    except sqlite3.Error as error:  # a path over 512 bytes, for one
        raise InputError(f"cannot read `{shown}`: {escape(str(error))}") from error
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if not _is_usual(connection):
            connection.close()
            raise InputError(f"`{shown}` is not an inventory of version `{SCHEMA}`: other tables")
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        connection.execute(_CACHE)
    except (sqlite3.Error, ValueError) as error:  # text that is not UTF-8 is a ValueError
        connection.close()
        raise InputError(f"`{shown}` is not an inventory: {escape(str(error))}") from error
    if found is None or found[0] != SCHEMA:
        connection.close()
        raise InputError(f"`{shown}` is an inventory of another version than `{SCHEMA}`")
    return connection


def _is_usual(connection: sqlite3.Connection) -> bool:
    """Say whether a file has the tables of an inventory and nothing that runs when it is read."""
    usual = _usual()
    there = set(connection.execute(_OBJECTS).fetchmany(len(usual) + 1))
    return there <= usual and {item for item in usual if item[0] == "table"} <= there


@functools.cache
def _usual() -> frozenset[tuple[str, str, str]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as made:
        made.executescript(TABLES + INDEXES + VIEWS)
        return frozenset(made.execute(_OBJECTS))
