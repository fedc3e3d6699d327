"""Tasks for the children of one volume, and what has come of them so far (parent side)."""

from __future__ import annotations

import itertools
import operator
from array import array
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import b64, to_fields, unb64
from evkit.inventory.driver import Folder
from evkit.inventory.held import Held
from evkit.inventory.wire import Message, encode, row_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evkit.manifest.rowfacts import Facts

_TOP = 2**53
_NUMBERS = 7  # of a record
_SIX = operator.itemgetter(slice(0, 6))
LATE = "engine-late"  # a call took too long; of a directory that is a reason of its own


class Record(NamedTuple):
    """A metadata record whose streams are wanted; sorts by its place.

    Attributes:
        place: where its content begins.
        inode: its metadata address.
        size: bytes that reading it takes.
        attr, attr_id, seq: of its one stream, when that is plain and in one extent, else 0.
        lines: what a child said of its streams; when nothing is said the driver must be asked.
    """

    place: int
    inode: int
    size: int
    attr: int = 0
    attr_id: int = 0
    seq: int = 0
    lines: tuple[bytes, ...] = ()


_record = partial(tuple.__new__, Record)  # a third of the time of the generated constructor


class Listed(NamedTuple):
    """What a directory led to: directories in it, and records."""

    folders: list[Folder]
    records: list[Record]


class Batch:
    """Directories to list, or records to digest.

    Args:
        fs: number of the file system.
        items: all of one kind.
        accept: says what a row is.
        budget: bytes that may be read.
        offering: plain streams are offered, not read.

    Attributes:
        at: items that are through.
        careful: each item is asked for on its own, because something went wrong.
        alone: only the next item is asked for, because the engine crashed there.
        start, until: items that the last request was for.
        finished: everything has come.
        held: the messages.
        listed: of directories, what each led to.
        kept: lines that belong to the records of the directory that is being listed.
    """

    def __init__(
        self,
        fs: int,
        items: Sequence[Folder] | Sequence[Record],
        accept: Callable[[bytes], Facts],
        *,
        budget: int = 0,
        offering: bool = False,
    ) -> None:
        self._fs = fs
        self._accept = accept
        self.items = items
        self.listing = isinstance(items[0], Folder)
        self.size = 0 if self.listing else sum(item.size for item in _records(items))
        self._budget = budget
        self._offering = offering
        self.at = self.start = 0
        self.until = len(items)
        self.careful = self.alone = self.finished = False
        self.held = Held(accept)
        self.listed: list[Listed] = []
        self.kept: list[bytes] = []
        self._led = Listed([], [])

    @property
    def offering(self) -> bool:
        """Offers may come."""
        return self._offering

    @property
    def told_apart(self) -> bool:
        """The child says where each item ends."""
        return self.listing or self.careful

    @property
    def over(self) -> bool:
        """No item is left of those that were asked for."""
        return self.at >= self.until

    def request(self) -> bytes:
        """Return the task as the child reads it."""
        self.start = self.at
        self.until = self.at + 1 if self.alone else len(self.items)
        items = self.items[self.start : self.until]
        if self.listing:
            folders = [
                [item.inode, item.seq, b64(item.path), int(item.allocated), item.depth, item.most]
                for item in items
                if isinstance(item, Folder)
            ]
            task = {"task": "list", "folders": folders, "careful": self.careful}
            return encode(task) + b"\n"
        records = _records(items)
        numbers = itertools.chain.from_iterable(map(_SIX, records))
        lined = [(index, record.lines) for index, record in enumerate(records) if record.lines]
        task = {
            "task": "streams", "records": list(numbers),
            "lines": [(index, len(lines)) for index, lines in lined],
            "budget": self._budget, "careful": self.careful, "offer": self._offering,
        }  # fmt: skip
        lines = itertools.chain.from_iterable(lines for _, lines in lined)
        return b"\n".join((encode(task), *lines, b""))

    def found(self, values: list[Any]) -> None:
        """Take what a child says that it found in a directory so far.

        Raises:
            InputError: values that cannot be.
        """
        folder = None if self.over else self.items[self.at]
        if not isinstance(folder, Folder) or len(values) != 2:  # noqa: PLR2004 - two lists
            raise InputError("a directory that was not asked for")
        self._led.folders.extend(_folders(folder, values[0]))
        self._led.records.extend(_numbered(values[1], self.kept))
        self.kept = []

    def directory(self, values: list[Any]) -> None:
        """Take what a child says at the end of a directory.

        Raises:
            InputError: values that cannot be.
        """
        self.found(values)
        self.listed.append(self._led)
        self.through()

    def through(self) -> None:
        """Note that an item is through."""
        self.at += 1
        self._forget()
        self.held.mark()

    def again(self) -> None:
        """Drop what came of the item that did not end, or all where items are not told apart."""
        self._forget()
        if self.told_apart:
            self.held.back()
        else:
            self.held.clear()
        self.careful, self.alone = True, False

    def stored(self, count: int) -> None:
        """Note that nothing has to be asked: so many rows are there already."""
        self.held.add(Message("stored", {}, "", count))
        self.finished = True

    def lose(self, reason: str, detail: str) -> None:
        """Put a row in the place of an item that costs the engine its life."""
        item = self.items[self.at]
        self.held.back()
        row: dict[str, Any]
        if isinstance(item, Folder):
            row = {
                "row": "directory", "fs": self._fs, "inode": item.inode, "seq": item.seq,
                **to_fields(item.path), "allocated": item.allocated, "entries": 0,
                "state": "damaged",
            }  # fmt: skip
            if reason == LATE:
                row, reason = row | {"state": "unreadable"}, "directory-not-listed"
            self.listed.append(Listed([], []))
        else:
            row = {"row": "error", "fs": self._fs, "inode": item.inode, "stage": "streams"}
        reason = "engine-limit" if reason == LATE else reason
        raw = row_bytes(row | {"reason": reason, "detail": detail})
        run = self.held.run
        run.rows.append(raw)
        run.judged.append(self._accept(raw))
        self.through()

    def _forget(self) -> None:
        self.kept, self._led = [], Listed([], [])


def _numbered(values: object, kept: Sequence[bytes]) -> Iterable[Record]:
    """Return records from their numbers (`driver.Numbers`) and the lines that belong to them."""
    if not isinstance(values, list) or len(values) % _NUMBERS:
        raise InputError("records without their places")
    try:
        numbers = array("Q", values)
    except (TypeError, OverflowError) as error:
        raise InputError("a record that cannot be") from error
    if numbers and max(numbers) >= _TOP:
        raise InputError("a record that cannot be")
    *columns, counts = (numbers[place::_NUMBERS] for place in range(_NUMBERS))
    if sum(counts) != len(kept):
        raise InputError("lines that belong to no record")
    lines = iter(kept)
    cut = (tuple(itertools.islice(lines, count)) for count in counts) if kept else repeat(())
    return map(_record, zip(*columns, cut, strict=False))


def _folders(parent: Folder, values: object) -> list[Folder]:
    if not isinstance(values, list):
        raise InputError("directories that cannot be")
    found: list[Folder] = []
    for value in values:
        if not isinstance(value, list) or len(value) != 5 or not isinstance(value[2], str):  # noqa: PLR2004
            raise InputError("a directory that cannot be")
        inode, seq, name, used, most = value
        numbers = (inode, seq, used, most)
        if not all(type(number) is int and 0 <= number < _TOP for number in numbers):
            raise InputError("a directory that cannot be")
        path = parent.child(unb64(name))
        found.append(Folder(inode, seq, path, used == 1, parent.depth + 1, most))
    return found


def _records(items: Sequence[Folder] | Sequence[Record]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]
