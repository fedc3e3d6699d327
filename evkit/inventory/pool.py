"""The children of one volume: tasks go out, answers come back in the order of the tasks.

A child that crashes, hangs or lies is ended and replaced. The task that it was at is asked for
again item by item; the directory or record that ends children again gets a row that says so, and
all others are as if nothing had happened (parent side).
"""

from __future__ import annotations

import contextlib
import queue
from collections import deque
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.core.closing import Closing
from evkit.core.errors import InputError
from evkit.inventory.batch import LATE
from evkit.inventory.runner import TASK_LINES, EngineStoppedError
from evkit.inventory.taker import STORED
from evkit.inventory.wire import KEPT, ROW, TYPE, Message
from evkit.inventory.worker import QUEUE, Worker
from evkit.manifest.rowfacts import Alike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evkit.inventory.batch import Batch
    from evkit.inventory.runner import Limits
    from evkit.manifest.rowfacts import Judged

LOSSES = 1000  # directories and records of one volume that may cost a child each
LOST_SECONDS = 4 * 3600.0  # that may be spent waiting for children that are silent
_DEEP = 2  # tasks that a child has at a time, so that it never waits
_OPENINGS = 2  # a child that was ended at the start may have been ended by chance
_STARTS = 3  # children in a row that end before they have opened the file system
_ROW_OR_KEPT = frozenset({ROW, KEPT})
_ROWS = frozenset({"name", "directory", "stream", "space", "error"})


class Pool(Closing):
    """Children on one volume; used as a context manager, ends them all.

    Args:
        request: what they open.
        limits: what each may use.
        command: another program instead of the engine (tests).
        jobs: children at most.
        accept: says what rows are, or raises InputError.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        limits: Limits,
        command: Sequence[str] | None,
        jobs: int,
        accept: Callable[[Sequence[bytes]], Judged],
    ) -> None:
        self._request = {**request, "call": limits.call}
        self._fs = request["fs"]
        self._limits = limits
        self._command = command
        self._jobs = jobs
        self._accept = accept
        self._events: queue.Queue[tuple[Worker, bytes]] = queue.Queue(QUEUE)
        self._workers: list[Worker] = []
        self._waiting: deque[Batch] = deque()
        self._told: deque[Message] = deque()
        self._facts: dict[str, Any] | None = None
        self._ended = False
        self._failed_starts = self._losses = 0
        self._lost_seconds = 0.0
        self._checked = clock.monotonic()
        self._done = 0

    def close(self) -> None:
        """End all children."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def open(self) -> Iterator[Message]:
        """Start the first child; yields what it says up to the facts of the file system.

        A first child that crashes is replaced once: it may have had to make room for others.

        Raises:
            EngineStoppedError: it does not come that far.
        """
        rows = False
        for tried in range(_OPENINGS):
            self._failed_starts = _STARTS
            try:
                self._start()
                while self._facts is None and self._workers:
                    self._step()
                    for message in self._said():
                        rows = rows or message.kind == "row"
                        yield message
                break
            except EngineStoppedError as error:
                rows = rows or any(message.kind == "row" for message in self._told)
                if tried + 1 == _OPENINGS or rows or error.reason != "engine-crash":
                    raise  # rows would come twice; a hang would take as long again
                self._told.clear()
        self._failed_starts = 0

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return the facts of the file system, empty when there are none."""
        return self._facts or {}

    def run(self, batches: Iterator[Batch]) -> Iterator[Batch | Message]:
        """Yield finished batches in the order in which they are taken, beats in between.

        Raises:
            EngineStoppedError: no child can go on, or there are too many losses.
        """
        pending: deque[Batch] = deque()
        more = True
        while more or pending:
            while more and len(pending) < 2 * _DEEP * self._jobs:
                batch = next(batches, None)
                if batch is None:
                    more = False
                else:
                    pending.append(batch)
                    if not batch.finished:
                        self._waiting.append(batch)
            self._hand_out()
            while pending and pending[0].finished:
                batch = pending.popleft()
                self._done += batch.size
                yield batch
            if pending and not pending[0].finished:
                self._step()
                yield from self._said()

    def _said(self) -> Iterator[Message]:
        while self._told:
            yield self._told.popleft()

    def _start(self) -> bool:
        """Start a child; False when there is room for no more than there are.

        Raises:
            EngineStoppedError: there is none, and none can be started.
        """
        try:
            self._workers.append(Worker(self._request, self._command, self._events))
        except EngineStoppedError:
            if not self._workers:
                raise
            self._jobs = len(self._workers)
            return False
        return True

    def _hand_out(self) -> None:
        """Give waiting tasks to children, and start another when all have enough."""
        while self._waiting:
            lone = self._waiting[0].careful
            free = [
                worker for worker in self._workers
                if len(worker.batches) < (1 if lone else _DEEP)
                and not any(batch.careful for batch in worker.batches)
            ]  # fmt: skip
            if not free:
                if len(self._workers) >= self._jobs or not self._start():
                    return
                continue
            worker = min(free, key=lambda item: len(item.batches))
            worker.give(self._waiting.popleft())

    def _step(self) -> None:
        """Take one piece of what the children say, or see which of them is silent."""
        try:
            worker, chunk = self._events.get(timeout=0.5)
        except queue.Empty:
            self._find_silent()
            return
        if worker in self._workers:
            try:
                self._take(worker, chunk)
            except (EngineStoppedError, InputError) as error:
                if isinstance(error, InputError):
                    error = EngineStoppedError("engine-garbage", error.message)
                self._failed(worker, error)
        if clock.monotonic() - self._checked > 1:
            self._find_silent()

    def _find_silent(self) -> None:
        self._checked = clock.monotonic()
        for worker in list(self._workers):
            if worker.silent() > self._limits.silence:
                self._lost_seconds += self._limits.silence
                text = f"silent for {self._limits.silence:g} seconds"
                self._failed(worker, EngineStoppedError("engine-hang", text))

    def _take(self, worker: Worker, chunk: bytes) -> None:
        if not chunk and self._ended:
            worker.end()
            self._workers.remove(worker)
            return
        if not chunk:
            raise EngineStoppedError("engine-crash", worker.ending())
        most = min(self._limits.lines, TASK_LINES)
        lines = worker.lines_of(chunk)
        at = 0
        while at < len(lines):
            if worker.lines >= most:
                raise EngineStoppedError("engine-limit", f"more than {most} lines")
            if worker.ready and worker.batches:
                end = min(len(lines), at + most - worker.lines)
                at = self._answers(worker, worker.batches[0], lines[at:end]) + at
            else:
                worker.lines += 1
                self._opening(worker, Message.parse(lines[at]))
                at += 1

    def _opening(self, worker: Worker, message: Message) -> None:
        """Take what a child says before its first task."""
        first = self._facts is None and worker is self._workers[0]
        if self._ended:
            raise EngineStoppedError("engine-garbage", "it went on after its end")
        if message.kind == "fs" and not worker.ready:
            if first:
                self._facts = message.fields
                self._told.append(message)
            elif message.fields != self._facts:
                raise EngineStoppedError("engine-garbage", "another file system than before")
            worker.ready = True
            worker.lines = self._failed_starts = 0
        elif message.kind == "info" or (message.kind == "row" and first):
            self._told.append(message)
        elif message.kind == "done" and self._facts is None:
            self._ended = True
        elif message.kind == "done":
            raise EngineStoppedError("engine-crash", "it ended before it was done")
        elif message.kind != "beat":
            raise EngineStoppedError("engine-garbage", f"an unexpected `{message.kind}`")

    def _answers(self, worker: Worker, batch: Batch, lines: list[bytes]) -> int:
        """Take lines of a task up to its end; returns how many these are."""
        rows: list[bytes] = []
        types: list[tuple[int, bytes]] = []  # behind which of the rows
        for index, line in enumerate(lines):
            if line[:1] in _ROW_OR_KEPT:
                rows.append(line)
            elif rows and not batch.listing and line.startswith(TYPE):
                types.append((len(rows) - 1, line))
            else:
                self._take_rows(batch, rows, types)
                rows, types = [], []
                message = Message.parse(line)
                if message.kind == "type":
                    batch.held.run.type(message.text)
                    continue
                self._told_of(worker, batch, message)
                if message.kind == "end":
                    return index + 1
        self._take_rows(batch, rows, types)
        worker.lines += len(lines)
        batch.held.settle()
        return len(lines)

    def _take_rows(
        self, batch: Batch, lines: list[bytes], types: Sequence[tuple[int, bytes]]
    ) -> None:
        """Take rows with their types, and lines that are kept with a record."""
        if not lines:
            return
        if batch.listing:
            batch.kept += [line[1:] for line in lines if line[:1] == KEPT]
            lines = [line for line in lines if line[:1] == ROW]
        found = self._accept(lines)
        own = {self._fs, -1}
        for part in found.parts:
            if isinstance(part, Alike):
                good = part.fs == self._fs
            else:
                good = all(row[0] in _ROWS and row[1] in own and row[5] != STORED for row in part)
            if not good:
                raise EngineStoppedError("engine-garbage", "a row that it may not send")
        batch.held.run.extend(lines, found, types)

    def _told_of(self, worker: Worker, batch: Batch, message: Message) -> None:
        kind = message.kind
        if kind == "offer" and batch.offering:
            batch.held.add(message)
        elif kind == "beat":
            worker.done = message.number
            total = self._done + sum(item.done for item in self._workers)
            self._told.append(Message("beat", {}, "", total))
        elif kind == "found" and batch.listing:
            batch.found(message.items)
        elif kind == "listed" and batch.listing:
            batch.directory(message.items)
        elif kind == "item" and not batch.listing and batch.told_apart and not batch.over:
            batch.through()
        elif kind == "lost" and batch.told_apart and not batch.over:
            self._lose(batch, *_said_lost(message.items))
        elif kind == "late":
            raise _LateError(message.items, self._limits.call)
        elif kind == "end":
            self._end(worker, batch, message.number)
        elif kind == "done":
            raise EngineStoppedError("engine-crash", "it ended before it was done")
        else:
            raise EngineStoppedError("engine-garbage", f"an unexpected `{kind}`")

    def _end(self, worker: Worker, batch: Batch, count: int) -> None:
        if count != batch.until - batch.start or (batch.told_apart and not batch.over):
            raise EngineStoppedError("engine-garbage", "an end before the last item")
        worker.batches.popleft()
        worker.done = worker.lines = 0
        if batch.until < len(batch.items):
            self._waiting.appendleft(batch)
        else:
            batch.finished = True

    def _lose(self, batch: Batch, reason: str, detail: str) -> None:
        self._losses += 1
        if self._losses > LOSSES or self._lost_seconds > LOST_SECONDS:
            raise EngineStoppedError(reason, f"too many losses; the last: {detail}")
        batch.lose(reason, detail)

    def _failed(self, worker: Worker, error: EngineStoppedError) -> None:
        """End a child and see to what it was given.

        Raises:
            EngineStoppedError: nothing more can be done.
        """
        worker.end()
        self._workers.remove(worker)
        batches = list(worker.batches)
        if not worker.ready:
            self._not_started(error)
        elif batches:
            self._settle(batches[0], error)
        for batch in reversed(batches):
            if not batch.finished:
                self._waiting.appendleft(batch)

    def _not_started(self, error: EngineStoppedError) -> None:
        self._failed_starts += 1
        others = sum(worker.ready for worker in self._workers)
        if others:
            self._jobs = others  # there may be no room for more
        elif self._failed_starts > _STARTS:
            raise error

    def _settle(self, batch: Batch, error: EngineStoppedError) -> None:
        """Decide what becomes of the task that a child was at when it ended."""
        careful, certain = batch.careful, batch.alone
        if isinstance(error, _LateError):
            certain = batch.start + error.index == batch.at
        batch.again()
        if batch.at >= len(batch.items):
            batch.finished = True
        elif certain or (careful and error.reason != "engine-crash"):
            self._lose(batch, error.reason, error.detail)
            batch.finished = batch.at >= len(batch.items)
        else:
            batch.alone = careful


class _LateError(EngineStoppedError):
    """A child ended itself because a call took too long; it says at which item of its task."""

    def __init__(self, items: list[Any], limit: float) -> None:
        detail = f"not through after {limit:g} seconds of processor time"
        super().__init__(LATE, detail)
        self.index = items[0] if len(items) == 1 and type(items[0]) is int else -1


def _said_lost(items: list[Any]) -> tuple[str, str]:
    with contextlib.suppress(ValueError):
        _, reason, detail = items
        if reason in {"engine-memory", "engine-error"} and isinstance(detail, str):
            return reason, detail[:400]
    raise EngineStoppedError("engine-garbage", "a loss that is none")
