"""What all exports share: rows and entries in order, counted, with progress; the facts on top."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.core.paths import from_fields
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.inventory.search.find import Entry, of_streams
from evkit.manifest.rows import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.core.progress import Progress
    from evkit.inventory.database.reader import Inventory

TASK = "export"
OTHERS = tuple(kind for kind in KINDS if kind not in {"name", "stream"})
MASKED = "names and whatever describes the content of sensitive material are left out"
TYPE_LETTERS = {
    "file": "r", "directory": "d", "symlink": "l", "fifo": "p", "character-device": "c",
    "block-device": "b", "socket": "s", "whiteout": "w",
}  # fmt: skip
_EVERY = 500  # entries between two reports of progress
_BLOCK = 100  # names that are joined with their streams at once
_META = (
    "acquisition", "rows", "row_root", "engine_rows", "engine_root", "engine", "types", "hashes",
    "created",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Named:
    """A name with all its streams, or one stream that no name leads to.

    Attributes:
        name, name_row: None for a stream without a name.
        entries: one for each stream; one without a stream when there is none.
    """

    name: Mapping[str, Any] | None
    name_row: int | None
    entries: tuple[Entry, ...]

    @property
    def alone(self) -> bool:
        """True when no stream is the plain content of the name: it needs a line of its own."""
        return self.name is not None and all(
            one.stream is None or "name" in one.stream for one in self.entries
        )


class Job:
    """One export under way.

    Args:
        inventory: what is exported.
        progress: told the number of the row that was reached.

    Attributes:
        count: rows and entries given out so far.
    """

    def __init__(self, inventory: Inventory, progress: Progress = SILENT) -> None:
        self.inventory = inventory
        self.count = 0
        self._progress = progress
        self._seen = bytearray()

    @property
    def total(self) -> int:
        """Number of rows of the inventory."""
        return int(self.inventory.meta["rows"])

    def source(self) -> dict[str, Any]:
        """Return row 0."""
        return self.inventory.row(0)

    def about(self) -> dict[str, str]:
        """Return what stands in the header of every export that has one; escaped."""
        source, meta = self.source(), self.inventory.meta
        found = {"evkit": __version__, "source": escape_bytes(from_fields(source, "name"))}
        found |= {f"source_{name}": value for name, value in source.get("digests", {}).items()}
        found |= {name: escape(meta[name]) for name in _META if name in meta}
        if self.inventory.mask is not None:
            found["masked"] = MASKED
        return found | {"result": str(self.inventory.coverage()["result"])}

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that prove themselves."""
        for line in self.inventory.lines():
            self._one()
            yield line

    def others(self, *kinds: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, row) of what is neither a name nor a stream."""
        for item in self.inventory.rows(*(kinds or OTHERS)):
            self.count += 1
            yield item

    def entries(self) -> Iterator[Entry]:
        """Yield every name with each of its streams, then the streams that no name leads to."""
        self._seen = bytearray(self.total // 8 + 1)
        given = 0
        for entry in self._named():
            given += self._note(entry)
            self._one()
            yield entry
        if given == self.inventory.coverage()["streams"]["listed"]:
            return
        for number, stream in self.inventory.rows("stream"):
            if not self._seen[number >> 3] & 1 << (number & 7):
                for entry in of_streams(self.inventory, [(number, stream)]):
                    self._one()
                    yield entry

    def groups(self) -> Iterator[Named]:
        """Yield the entries of `entries`, those of one name together."""
        for row, found in itertools.groupby(self.entries(), key=lambda entry: entry.name_row):
            if row is None:
                for entry in found:
                    yield Named(name=None, name_row=None, entries=(entry,))
            else:
                together = tuple(found)
                yield Named(name=together[0].name, name_row=row, entries=together)

    def _named(self) -> Iterator[Entry]:
        """Yield every name with each of its streams, a block at a time."""
        names = self.inventory.rows("name")
        while block := list(itertools.islice(names, _BLOCK)):
            records = [(name["fs"], name["inode"]) for _, name in block if "seq" in name]
            joined = self.inventory.joined_all("stream", records)
            mimes = self.inventory.mimes(n for found in joined.values() for n, _ in found)
            for number, name in block:
                own: list[tuple[int | None, dict[str, Any] | None]] = []
                if "seq" in name:
                    found = joined.get((name["fs"], name["inode"]), ())
                    own += [item for item in found if item[1]["seq"] == name["seq"]]
                for place, stream in own or [(None, None)]:
                    mime = None if place is None else mimes.get(place)
                    yield Entry(
                        name=name, name_row=number, stream=stream, stream_row=place, mime=mime
                    )

    def _note(self, entry: Entry) -> bool:
        """Remember the stream of an entry; True when it is seen for the first time."""
        number = entry.stream_row
        if number is None:
            return False
        bit = 1 << (number & 7)
        new = not self._seen[number >> 3] & bit
        self._seen[number >> 3] |= bit
        return new

    def _one(self) -> None:
        self.count += 1
        if self.count % _EVERY == 0:
            self._progress.update(TASK, self.count)
