"""Entries of an inventory: each name with its streams, filtered by what a person asks for."""

from __future__ import annotations

import fnmatch
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from evkit.core.clock import format_ns
from evkit.core.errors import UsageError
from evkit.core.limits import parse_size
from evkit.core.paths import from_fields
from evkit.core.text import escape, escape_bytes
from evkit.inventory.search.findtime import LETTERS, TimeRange
from evkit.manifest.rows import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.hashsets.marks import Marks

_RANGE = re.compile(r"(?:([0-9a-zA-Z ]+))?\.\.(?:([0-9a-zA-Z ]+))?")
_MAX = 2**53
_FEW, _MANY = 64, 2048  # rows of one block
_WILD = re.compile(r"[*?\[]")
_Row: TypeAlias = tuple[int, dict[str, Any]]
_Place: TypeAlias = tuple[int | None, dict[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A name with one of its streams; a name without a stream, or a stream without a name.

    Attributes:
        name: the name row, None for a stream that no name leads to.
        stream: the stream row, None for a directory, a link, a name without content.
        name_row, stream_row: row numbers.
        mime: file type, None when not determined.
        holder: escaped path of the archive that it lies in, with `!`; empty for none.
    """

    name: dict[str, Any] | None
    stream: dict[str, Any] | None
    name_row: int | None
    stream_row: int | None
    mime: str | None
    holder: str = ""

    @property
    def shown(self) -> str:
        """The escaped path, with `archive!` in front and `:stream` for a named stream."""
        if self.name is not None:
            text = self.holder + escape_bytes(from_fields(self.name))
        else:
            text = f"(no name, record {(self.stream or {}).get('inode')})"
        if self.stream is not None and "name" in self.stream:
            text += ":" + escape_bytes(from_fields(self.stream, "name"))
        return text

    @property
    def deleted(self) -> bool:
        """True when the name is deleted (or there is none)."""
        return self.name is None or not self.name["allocated"]

    def document(self) -> dict[str, Any]:
        """Return the JSON form: both rows as they are, their numbers, the type."""
        return {
            "path": self.shown,
            "name_row": self.name_row,
            "stream_row": self.stream_row,
            "type": self.mime,
            "name": self.name,
            "stream": self.stream,
        }


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What to look for; everything given must hold. Globs ignore case.

    Attributes:
        name: glob over the file name.
        path: glob over the whole path; without `*`, `?`, `[` a part of it.
        digest: lower-case hex of a whole digest.
        type: glob over the MIME type.
        size: (least, most) bytes.
        deleted: True for deleted only, False for names in use only, None for both.
        time: when one of the times of the name lies there.
        times: which times count, letters of `macb`.
        mark: `notable` or `known`: a hash set of this kind holds the content.
    """

    name: str | None = None
    path: str | None = None
    digest: str | None = None
    type: str | None = None
    size: tuple[int, int] | None = None
    deleted: bool | None = None
    time: TimeRange | None = None
    times: str = LETTERS
    mark: str | None = None


def parse_digest(text: str) -> str:
    """Return a digest as lower-case hex.

    Raises:
        UsageError: it has not the length of a digest that evkit makes, or is not hex.
    """
    value = text.strip().lower()
    if len(value) not in DIGESTS.values() or re.fullmatch("[0-9a-f]+", value) is None:
        raise UsageError(
            f"`{escape(text)}` is not a digest", hint="give MD5, SHA-1, SHA-256 or SHA-512 in full"
        )
    return value


def parse_sizes(text: str) -> tuple[int, int]:
    """Read `4096`, `1MB..`, `..100`, `1kB..2MiB`.

    Raises:
        UsageError: the text is not a size or a range.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        value = parse_size(text)
        return value, value
    least = parse_size(match[1]) if match[1] else 0
    most = parse_size(match[2]) if match[2] else _MAX
    if least > most:
        raise UsageError(f"`{escape(text)}` is an empty range")
    return least, most


def entries(
    inventory: Inventory, criteria: Criteria | None = None, marks: Marks | None = None
) -> Iterator[Entry]:
    """Yield the entries that fit, in the order of the inventory.

    Args:
        inventory: where to look.
        criteria: what to look for; None for all.
        marks: of the inventory; needed when a mark is looked for.
    """
    wanted = criteria or Criteria()
    if wanted.mark is not None:
        found = _marked(inventory, wanted.mark, marks)
    elif wanted.digest is not None:
        found = _by_digest(inventory, wanted.digest)
    elif wanted.size is not None and wanted.size[0] == wanted.size[1]:
        found = of_streams(inventory, inventory.streams_with("size", wanted.size[0]))
    else:
        found = _all(inventory, wanted)
    for entry in found:
        if _fits(entry, wanted):
            yield entry


def _all(inventory: Inventory, wanted: Criteria) -> Iterator[Entry]:
    if wanted.name is not None and not _WILD.search(wanted.name):
        named: Iterable[_Row] = inventory.names_like(wanted.name)
    else:
        named = inventory.rows("name")
    fitting = (item for item in named if _name_fits(item[1], wanted))
    for block in _blocks(fitting):
        records = [(name["fs"], name["inode"]) for _, name in block if "seq" in name]
        streams = inventory.joined_all("stream", records)
        pairs: list[tuple[_Place, _Place]] = []
        for number, name in block:
            found: list[_Place] = [
                item
                for item in streams.get((name["fs"], name["inode"]), ())
                if item[1]["seq"] == name.get("seq")
            ]
            pairs += [((number, name), stream) for stream in found or [(None, None)]]
        yield from _entries(inventory, pairs)


def _blocks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Yield rows in lists, the first ones short: whoever wants a few need not wait."""
    left, size = iter(rows), _FEW
    while block := list(itertools.islice(left, size)):
        yield block
        size = min(2 * size, _MANY)


def _marked(inventory: Inventory, kind: str, marks: Marks | None) -> Iterator[Entry]:
    for number in () if marks is None else marks.streams(kind):
        yield from of_streams(inventory, [(number, inventory.row(number))])


def _by_digest(inventory: Inventory, digest: str) -> Iterator[Entry]:
    kind = next(name for name, length in DIGESTS.items() if length == len(digest))
    return of_streams(inventory, inventory.streams_with(f"digests.{kind}", digest))


def of_streams(inventory: Inventory, streams: Iterable[_Row]) -> Iterator[Entry]:
    """Yield the entries of stream rows (number, row): one for each name, or one without a name."""
    for block in _blocks(streams):
        records = [(stream["fs"], stream["inode"]) for _, stream in block]
        names = inventory.joined_all("name", records)
        pairs: list[tuple[_Place, _Place]] = []
        for place, stream in block:
            found: list[_Place] = [
                item
                for item in names.get((stream["fs"], stream["inode"]), ())
                if item[1].get("seq") == stream["seq"]
            ]
            pairs += [(name, (place, stream)) for name in found or [(None, None)]]
        yield from _entries(inventory, pairs)


def _entries(inventory: Inventory, pairs: list[tuple[_Place, _Place]]) -> Iterator[Entry]:
    mimes = inventory.mimes(place for _, (place, _) in pairs if place is not None)
    for (number, name), (place, stream) in pairs:
        mime = None if place is None else mimes.get(place)
        holder = inventory.holders.of((name or stream or {}).get("fs", 0))
        yield Entry(
            name=name, stream=stream, name_row=number, stream_row=place, mime=mime, holder=holder
        )


def _fits(entry: Entry, wanted: Criteria) -> bool:
    if entry.name is not None and not _name_fits(entry.name, wanted):
        return False
    if entry.name is None and (
        wanted.name or wanted.path or wanted.time or wanted.deleted is False
    ):
        return False
    if wanted.digest is not None and not _has_digest(entry, wanted.digest):
        return False
    if wanted.size is not None:
        size = (entry.stream or {}).get("size")
        if size is None or not wanted.size[0] <= size <= wanted.size[1]:
            return False
    return wanted.type is None or (
        entry.mime is not None and fnmatch.fnmatchcase(entry.mime, wanted.type.lower())
    )


def _has_digest(entry: Entry, digest: str) -> bool:
    return digest in (entry.stream or {}).get("digests", {}).values()


def _name_fits(name: dict[str, Any], wanted: Criteria) -> bool:
    if wanted.deleted is not None and name["allocated"] == wanted.deleted:
        return False
    if wanted.name is not None and not _glob(str(name["name"]), wanted.name):
        return False
    if wanted.time is not None and not wanted.time.fits(name, wanted.times):
        return False
    if wanted.path is None:
        return True
    pattern = wanted.path if _WILD.search(wanted.path) else f"*{wanted.path}*"
    return _glob(str(name["path"]), pattern)


def _glob(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text.casefold(), pattern.casefold())


def show_time(text: str, zone: str) -> str:
    """Return nanoseconds as RFC 3339; local times of an unknown zone carry no `Z`."""
    try:
        shown = format_ns(int(text))
    except (OverflowError, ValueError):
        return f"{text} ns"
    return shown if zone == "utc" else shown.removesuffix("Z")
