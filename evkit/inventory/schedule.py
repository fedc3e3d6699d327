"""The order in which a volume is listed and digested, the same however many children do it.

Directories go level by level, those in use before deleted ones, so that a record that is reached
both ways is listed under the name it has now. The records that were found are digested in windows,
sorted by their place on the medium. What comes of a task is passed on when all before it has been
(parent side).
"""

from __future__ import annotations

import gc
import itertools
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from evkit.inventory.batch import Batch, Record
from evkit.inventory.driver import Folder
from evkit.inventory.orphans import Orphans, is_orphan
from evkit.inventory.pool import Pool
from evkit.inventory.runner import Limits, messages
from evkit.inventory.seen import Seen
from evkit.inventory.wire import ASKED, SPACE, Message, encode
from evkit.manifest.rowaccept import accept, accept_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

WINDOW = 100_000  # records whose streams wait to be digested in the order of their places
FOLDERS = 16  # directories of a task
ROUND = 64 * FOLDERS  # directories between two looks at how many records wait
RECORDS = 1000  # of a task
BYTES = 32 << 20
_LINES = 2 * WINDOW  # records that keep what was said of their streams; others are read anew
_UNLIMITED = 1 << 62
_COLLECT = 50_000  # objects between two looks for cycles


class Stored(Protocol):
    """Rows of an inventory that was stopped and goes on."""

    def batch(self, fs: int, records: Collection[int]) -> int:
        """Return how many rows of the streams of these records are stored, 0 to have them read."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the engine is run.

    Attributes:
        limits: what a child may use.
        command: another program instead of the engine (tests).
        jobs: children of a volume at most; 0 for as many as there are processors.
        stored: what is done already, None when nothing is.
    """

    limits: Limits
    command: Sequence[str] | None = None
    jobs: int = 0
    stored: Stored | None = None


def ask(request: Mapping[str, Any], settings: Settings) -> Iterator[Message]:
    """Answer a request: one ordered stream of messages, the same for any number of children.

    `table` and `tree` are answered by one child. `volume` lists and digests a file system; with
    `offer` the plain streams are offers. `again` reads the streams that `streams` names by record,
    attribute and number.

    Raises:
        EngineStoppedError: the answer ends here, and why.
    """
    if request["task"] not in {"volume", "again"}:
        yield from messages(request, settings.limits, settings.command)
        return
    more = {key: value for key, value in request.items() if key not in {"streams", "offer"}}
    opened = {**more, "task": "volume"}
    jobs = settings.jobs or _processors()
    with (
        _few_collections,
        Pool(opened, settings.limits, settings.command, jobs, accept_all) as pool,
    ):
        plan = _Plan(pool, request, settings.stored)
        if request["task"] == "again":
            yield from plan.again(request["streams"])
        else:
            yield from plan.run()


class _FewCollections:
    """Look for cycles less often: rows and records come by the hundred thousand and hold none.

    The threshold is one of the whole process: the first volume that is read sets it, the last one
    puts back what was there, whatever the order in which they end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = (0, 0, 0)

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = gc.get_threshold()
                gc.set_threshold(max(self._before[0], _COLLECT), *self._before[1:])
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                gc.set_threshold(*self._before)


_few_collections = _FewCollections()


class _Plan:
    """One pass over a volume."""

    def __init__(self, pool: Pool, request: Mapping[str, Any], stored: Stored | None) -> None:
        self._pool = pool
        self._fs = int(request["fs"])
        self._stored = stored
        self._offering = bool(request.get("offer"))
        self._left = int(request["budget"])
        self._orphans = Orphans(
            int(request["orphans"]), int(request.get("orphan_bytes", _UNLIMITED))
        )
        self._slack, self._free = bool(request.get("slack")), bool(request.get("unallocated"))
        self._folders: list[Folder] = []
        self._deleted: list[Folder] = []
        self._listed, self._taken = Seen(), Seen()
        self._waiting: list[Record] = []

    def run(self) -> Iterator[Message]:
        """List everything from the root, then digest what still waits."""
        yield from self._pool.open()
        root = self._pool.facts.get("root")
        if type(root) is not int or root < 0:
            return
        self._listed.add(root)
        self._folders.append(Folder(root, 0, b"/", allocated=True, depth=0))
        while self._folders or self._deleted:
            if self._folders:
                level, self._folders = self._folders, []
            else:
                level, self._deleted = self._deleted, []
            for at in range(0, len(level), ROUND):
                yield from self._list(level[at : at + ROUND])
                if len(self._waiting) >= WINDOW:
                    yield from self._digest()
        yield from self._digest()
        yield from self._spaces()
        yield self._orphans.message()

    def _spaces(self) -> Iterator[Message]:
        """Ask for slack and free space, when they are wanted."""
        if self._slack:
            yield from self._through(self._of_space(b"slack", iter(self._taken)))
        if self._free:
            yield from self._through(self._of_space(b"unallocated", iter((0,))))

    def _of_space(self, what: bytes, inodes: Iterator[int]) -> Iterator[Batch]:
        lines = (SPACE + what,)
        while chosen := [
            Record(0, inode, 0, lines=lines) for inode in itertools.islice(inodes, RECORDS)
        ]:
            yield Batch(self._fs, chosen, accept, budget=self._left)

    def again(self, keys: Sequence[Sequence[int]]) -> Iterator[Message]:
        """Read single streams, in the order in which they are named."""
        for message in self._pool.open():
            if message.kind == "info":
                yield message
        records = [
            Record(0, inode, 0, lines=(ASKED + encode((attr, number)),))
            for inode, attr, number in keys
        ]
        yield from self._through(
            Batch(self._fs, records[at : at + RECORDS], accept, budget=_UNLIMITED)
            for at in range(0, len(records), RECORDS)
        )

    def _list(self, folders: list[Folder]) -> Iterator[Message]:
        yield from self._through(
            Batch(self._fs, folders[at : at + FOLDERS], accept)
            for at in range(0, len(folders), FOLDERS)
        )

    def _through(self, batches: Iterator[Batch]) -> Iterator[Message]:
        for batch in self._pool.run(batches):
            if isinstance(batch, Message):
                yield batch
                continue
            for message in batch.held:
                self._orphans.see(message)
                yield message
            for folder, listed in zip(batch.items, batch.listed, strict=False):
                if isinstance(folder, Folder):
                    yield from self._found(folder, listed.folders, listed.records)
            batch.held.clear()
            yield Message("mark")

    def _found(
        self, parent: Folder, folders: list[Folder], records: list[Record]
    ) -> Iterator[Message]:
        orphans = self._orphans if is_orphan(parent) else None
        for folder in folders:
            if not self._listed.add(folder.inode):
                continue
            if orphans is not None and orphans.full:
                yield orphans.refuse(self._fs, folder)
                continue
            later = folder.most or not folder.allocated
            (self._deleted if later else self._folders).append(folder)
        known = self._taken.fresh(record.inode for record in records)
        fresh: Iterator[Record] = itertools.compress(records, known)
        if orphans is not None:
            fresh = (record for record in fresh if orphans.allow(record.size))
        self._waiting += fresh if len(self._waiting) < _LINES else map(_without_lines, fresh)

    def _digest(self) -> Iterator[Message]:
        self._waiting.sort()
        waiting, self._waiting = self._waiting, []
        yield from self._through(self._cut(waiting))

    def _cut(self, records: list[Record]) -> Iterator[Batch]:
        """Cut records into tasks by number and bytes; what is stored already is left out."""
        at = 0
        while at < len(records):
            end, size = at, 0
            while end < len(records) and end - at < RECORDS and (size < BYTES or end == at):
                size += records[end].size
                end += 1
            chosen = records[at:end]
            budget, self._left = self._left, max(self._left - size, 0)
            at = end
            batch = Batch(self._fs, chosen, accept, budget=budget, offering=self._offering)
            if self._stored is not None:
                count = self._stored.batch(self._fs, [record.inode for record in chosen])
                if count:
                    batch.stored(count)
            yield batch


def _without_lines(record: Record) -> Record:
    return record._replace(lines=())


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
