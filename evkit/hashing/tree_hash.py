"""Digests of whole trees: many small files by worker processes, large ones by threads.

Threads made small files slower than one thread; processes pay off from some hundred files on. The
result has the order of the walk whatever the number of workers. A row can be turned into bytes of a
list by the worker that made it, which halves the work of the parent.
"""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeAlias

from evkit.core.errors import EvkitError
from evkit.core.progress import SILENT, Progress
from evkit.hashing.reading import DEFERRED, LARGE, read_row
from evkit.hashing.rows import OK, Row

Encoder: TypeAlias = Callable[[Row], bytes]
Tally: TypeAlias = "Counter[tuple[str, str]]"  # (type, state) → rows
_Item: TypeAlias = bytes | Row
_BATCH = 400
_POOL_FROM = 400
_TASK = "hash"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to digest a tree.

    Attributes:
        algorithms: names of `digests.ALGORITHMS`.
        jobs: worker processes; 1 stays in this process.
        encode: turns a row into bytes of a list; must be importable by name. None keeps rows.
    """

    algorithms: tuple[str, ...]
    jobs: int
    encode: Encoder | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """Consecutive results.

    Attributes:
        rows: the rows; when the plan encodes, only those that are not `ok`.
        data: the encoded rows.
        tally: rows by (type, state).
        size: bytes digested.
    """

    rows: list[Row]
    data: bytes
    tally: Tally
    size: int


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Meter:
    """Counts bytes for the progress, also inside one large file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.done = 0

    def inside(self, count: int) -> None:
        """`count` bytes of the file at hand are read."""
        self._progress.update(_TASK, self.done + count)

    def add(self, part: Part) -> None:
        """A part is finished."""
        self.done += part.size
        self._progress.update(_TASK, self.done)


def hash_tree(
    items: Iterable[_Item], plan: Plan, progress: Progress = SILENT, *, total: int | None = None
) -> Iterator[Part]:
    """Digest what a walk yields, in its order.

    Args:
        items: paths of regular files, and finished rows.
        plan: algorithms, workers, encoding.
        progress: told bytes done as task `hash`.
        total: bytes expected, None when not known.

    Raises:
        EvkitError: a worker process was ended from outside.
    """
    source = iter(items)
    first = list(itertools.islice(source, _POOL_FROM))
    batches = _batches(itertools.chain(first, source))
    meter = _Meter(progress)
    alone = plan.jobs < 2 or len(first) < _POOL_FROM  # noqa: PLR2004 - one job needs no pool
    results = _alone(batches, plan, meter) if alone else _pooled(batches, plan, meter)
    progress.begin(_TASK, total)
    for part in results:
        meter.add(part)
        yield part
    progress.end(_TASK, meter.done)


def _alone(batches: Iterable[list[_Item]], plan: Plan, meter: _Meter) -> Iterator[Part]:
    for batch in batches:
        yield from _finish(_work(batch, plan), plan, meter)


def _batches(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    while batch := list(itertools.islice(items, _BATCH)):
        yield batch


def _part(rows: list[Row], plan: Plan) -> Part:
    tally = Counter((row.type, row.state) for row in rows)
    size = sum(row.size or 0 for row in rows)
    if plan.encode is None:
        return Part(rows=rows, data=b"", tally=tally, size=size)
    bad = [row for row in rows if row.state != OK]
    return Part(rows=bad, data=b"".join(map(plan.encode, rows)), tally=tally, size=size)


def _pooled(batches: Iterable[list[_Item]], plan: Plan, meter: _Meter) -> Iterator[Part]:
    waiting: deque[Future[list[Part | Row]]] = deque()
    executor = ProcessPoolExecutor(plan.jobs, mp_context=_context(), initializer=_begin_worker)
    try:
        for batch in batches:
            waiting.append(executor.submit(_work, batch, plan))
            if len(waiting) > 4 * plan.jobs:
                yield from _finish(waiting.popleft().result(), plan, meter)
        while waiting:
            yield from _finish(waiting.popleft().result(), plan, meter)
    except BrokenProcessPool as error:
        raise EvkitError(
            "a worker process was ended from outside", hint="try again with `--jobs 1`"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _finish(parts: list[Part | Row], plan: Plan, meter: _Meter) -> Iterator[Part]:
    """Yield the parts of a batch; digest here, with threads, the large files that it left."""
    for part in parts:
        if isinstance(part, Part):
            yield part
        else:
            row = read_row(part.path, plan.algorithms, on_bytes=meter.inside)
            yield _part([row], plan)


def _work(batch: list[_Item], plan: Plan) -> list[Part | Row]:
    """Digest a batch in a worker; a large file comes back as its `DEFERRED` row, in its place."""
    result: list[Part | Row] = []
    rows: list[Row] = []
    for item in batch:
        row = item if isinstance(item, Row) else read_row(item, plan.algorithms, defer=LARGE)
        if row.state != DEFERRED:
            rows.append(row)
            continue
        if rows:
            result.append(_part(rows, plan))
            rows = []
        result.append(row)
    if rows:
        result.append(_part(rows, plan))
    return result


def _context() -> multiprocessing.context.BaseContext:
    """Fork where it is safe (Linux, one thread: no import cost), else spawn."""
    plain = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if plain else "spawn")


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it even when it is killed."""
    gc.disable()  # rows hold no cycles
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
