"""The table of files as columns: the first entries of an inventory, small enough for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.inventory.hashsets.model import KNOWN, NOTABLE
from evkit.inventory.search.find import entries
from evkit.manifest.rows import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.hashsets.marks import Marks
    from evkit.inventory.search.find import Entry

MOST = 20_000
MOST_CHARACTERS = 4_000_000  # of names and digests together
ORDER = ("sha256", "sha512", "sha1", "md5")
_NS = 10**9
_TEXT = 1024  # characters of a name; the inventory has the rest
_NUMBERS = 90  # characters that the numbers of an entry take


class Words:
    """Gives each distinct text a number."""

    def __init__(self) -> None:
        self.list: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.list)
            self.list.append(text)
        return found


class Table:
    """Columns of entries.

    Args:
        most: entries at most.
        digest: the digest that is shown.

    Attributes:
        names: the names among the entries; one with further streams has several entries.
        full: whether an entry did not fit.
    """

    def __init__(self, digest: str, most: int = MOST) -> None:
        self.digest = digest
        self.full = False
        self.names = 0
        self._last: int | None = None
        self._most = most
        self._characters = 0
        self._folders, self._types, self._states = Words(), Words(), Words()
        self._columns: dict[str, list[Any]] = {
            name: []
            for name in ("folder", "name", "size", "type", "state", "basis", "digest",
                         "m", "a", "c", "b", "zone", "deleted", "mark", "row", "stream")
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self._columns["name"])

    def add(self, entry: Entry, mark: str = "") -> None:
        """Append an entry, or set `full` when it does not fit any more."""
        folder, name = split(entry.shown)
        name, folder = _cut(name), _cut(folder)
        digest = (entry.stream or {}).get("digests", {}).get(self.digest, "")
        size = len(name) + len(digest) + _NUMBERS
        if len(self) >= self._most or self._characters + size > MOST_CHARACTERS:
            self.full = True
            return
        self.names += entry.name_row != self._last
        self._last = entry.name_row
        known = len(self._folders.list)
        number = self._folders.number(folder)
        if len(self._folders.list) > known:
            size += len(folder)
        self._characters += size
        stream, row = entry.stream or {}, entry.name or {}
        times: Mapping[str, str] = row.get("times", {})
        values: dict[str, Any] = {
            "folder": number,
            "name": name,
            "size": stream.get("size"),
            "type": self._types.number(entry.mime or ""),
            "state": self._states.number(_state(row, stream)),
            "basis": self._states.number(str(stream.get("basis", ""))),
            "digest": digest,
            "zone": 0 if row.get("zone", "utc") == "utc" else 1,
            "deleted": _deleted(entry),
            "mark": {"": 0, KNOWN: 1, NOTABLE: 2}[mark],
            "row": entry.name_row,
            "stream": entry.stream_row,
            **{key: _seconds(times.get(key)) for key in "macb"},
        }
        for key, column in self._columns.items():
            column.append(values[key])

    def document(self) -> dict[str, Any]:
        """Return the columns and the lists that they point into."""
        return {
            **self._columns,
            "folders": self._folders.list,
            "types": self._types.list,
            "states": self._states.list,
            "algorithm": self.digest,
        }


def table(inventory: Inventory, marks: Marks | None, most: int = MOST) -> Table:
    """Return the first entries that are not directories, in the order of the inventory."""
    found = Table(best_digest(inventory.meta.get("hashes", "").split(",")), most)
    for entry in entries(inventory):
        row = entry.name or {}
        if row.get("type") == "directory" or "virtual" in row.get("flags", ()):
            continue
        found.add(entry, "" if marks is None else marks.category(entry.stream_row))
        if found.full:
            break
    return found


def best_digest(names: Sequence[str]) -> str:
    """Return the digest that a page shows where there is room for one."""
    return next((name for name in ORDER if name in names and name in DIGESTS), "sha256")


def split(shown: str) -> tuple[str, str]:
    """Return (folder, last part) of an escaped path."""
    folder, slash, name = shown.rpartition("/")
    return (folder + slash, name) if name else ("", shown)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _state(row: Mapping[str, Any], stream: Mapping[str, Any]) -> str:
    state = str(stream.get("state", row.get("state", "ok")))
    return "ok" if state == "ok" else f"{state} {stream.get('reason', row.get('reason', ''))}"


def _deleted(entry: Entry) -> int:
    """0 in use; 1 deleted; 2 deleted and the record is another file's by now."""
    if not entry.deleted:
        return 0
    return 2 if (entry.name or {}).get("reallocated") == "yes" else 1


def _seconds(text: str | None) -> int | None:
    return None if text is None else int(text) // _NS
