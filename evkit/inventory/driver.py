"""What reads a file system in the child: the shape of a driver, and what it answers with.

A driver is asked for one directory or one metadata record at a time, in any order; the parent keeps
account of what was listed. Everything it finds goes into the `Answer` of the moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from evkit.core.paths import b64, to_fields
from evkit.inventory.wire import KEPT, encode, row_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.inventory.wire import Sender

MAX_DEPTH = 512
MAX_PATH = 1 << 15
NO_ORPHANS = "orphans-not-asked-for"
_MOST_NUMBERS = 7 * 8192  # of one line
Numbers = tuple[int, int, int, int, int, int, int]
"""Of a record: place, inode, size, attribute, its number, sequence number, lines that belong to it.

The attribute is that of its one stream when that is plain and in one extent, else 0.
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that is listed: metadata address, sequence number, path, in use or deleted.

    `most` is a limit on its entries, 0 for none; libtsk's made-up directory of orphans has one.
    The root has depth 0; its sequence number is not known before it is listed.
    """

    inode: int
    seq: int
    path: bytes
    allocated: bool
    depth: int
    most: int = 0

    def child(self, name: bytes) -> bytes:
        """Return the path of an entry."""
        return self.path + name if self.path == b"/" else self.path + b"/" + name


class Driver(Protocol):
    """A file system that is open."""

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message; `root` is in it when there is one to list."""

    def list(self, folder: Folder, out: Answer) -> None:
        """Give the rows of the entries, then the row of the directory; the root's own name first.

        The directories among the entries go to `out.folder`, records with streams to `out.record`,
        each as often as a name leads there. What cannot be read is a row, never an exception.
        """

    def streams(self, inode: int, out: Answer, only: tuple[int, int] | None = None) -> None:
        """Read the streams of a record and give their rows, or of one: (attribute, number)."""

    def spaces(self, what: str, inode: int, out: Answer) -> None:
        """Give the rows of `slack` of a record, or of all `unallocated` space of the volume."""


class Answer:
    """Takes what a driver finds and sends it.

    Args:
        sender: takes the lines.
        budget: bytes that may be read for digests; a driver counts them down.
        offering: plain streams are given as offers and not read.

    Attributes:
        done: bytes digested or offered so far in this task.
    """

    def __init__(self, sender: Sender, budget: int = 1 << 62, *, offering: bool = False) -> None:
        self._sender = sender
        self._folders: list[list[object]] = []
        self._records: list[int] = []
        self.budget = budget
        self.offering = offering
        self.done = 0
        self.line = sender.line

    def row(self, fields: Mapping[str, Any]) -> None:
        """Give a row as an object."""
        self.line(row_bytes(fields))

    def type(self, mime: str | None) -> None:
        """Give the file type of the stream row before, if there is one."""
        if mime is not None:
            self.line(encode(("type", mime)))

    def folder(self, inode: int, seq: int, name: bytes, *, allocated: bool, most: int = 0) -> None:
        """Give a directory that stands in the one being listed."""
        self._folders.append([inode, seq, b64(name), int(allocated), most])

    def record(self, inode: int, place: int, size: int = 0, lines: Sequence[bytes] = ()) -> None:
        """Give a record whose streams are wanted.

        Args:
            inode: its metadata address.
            place: where its content begins, for reading in order; any unit that sorts.
            size: bytes that reading it takes.
            lines: rows, types and offers that are all of its streams; none when the driver must be
                asked for them.
        """
        for line in lines:
            self.line(KEPT + line)
        self.simple((place, inode, size, 0, 0, 0, len(lines)))

    def simple(self, numbers: Numbers) -> None:
        """Give a record whose one stream is plain, in one extent, without a name, and in use."""
        self._records += numbers
        if len(self._records) >= _MOST_NUMBERS:
            self._sender.send("found", self._folders, self._records)
            self._folders, self._records = [], []

    def beat(self, more: int = 0) -> None:
        """Say that all is well; `more` bytes beyond `done` were digested."""
        self._sender.beat(self.done + more)

    def flush(self) -> None:
        """Write what was given so far, before something that can take long."""
        self._sender.flush()

    def listed(self) -> None:
        """End a directory."""
        self._sender.send("listed", self._folders, self._records)
        self._folders, self._records = [], []

    def dropped(self) -> None:
        """Forget what was found in a directory that could not be finished."""
        self._folders, self._records = [], []


def folder_row(
    fs: int, folder: Folder, entries: int, state: str, reason: str = "", detail: str = ""
) -> dict[str, Any]:
    """Return the row of a directory."""
    row: dict[str, Any] = {
        "row": "directory",
        "fs": fs,
        "inode": folder.inode,
        "seq": folder.seq,
        **to_fields(folder.path),
        "allocated": folder.allocated,
        "entries": entries,
        "state": state,
    }
    if reason:
        row["reason"] = reason
    if detail:
        row["detail"] = detail
    if reason == NO_ORPHANS or folder.most:
        row["flags"] = ["virtual"]
    return row
