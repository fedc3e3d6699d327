"""Blocks on their way through digests, workers and the writer; who still holds which buffer."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

from evkit.images.e01 import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from evkit.acquire.blockwork import Answer, Job
    from evkit.acquire.pool import Pool


class _Block(NamedTuple):
    number: int
    view: memoryview
    sizes: bytes = b""


class _Line:
    """Takes blocks in order of their numbers, in a thread of its own."""

    def __init__(self, take: Callable[[_Block], None]) -> None:
        self.take = take
        self.queue: queue.SimpleQueue[_Block | None] = queue.SimpleQueue()


class Stream:
    """One read under way; used as a context manager, which waits for everything at its end.

    Args:
        pool: buffers and workers; started and stopped here.
        takers: each is called with every block in order.
        write: is called with every block in order; None for none.
        append: is called with the stored chunks of every block and their lengths, in order.
        on_answer: is called with the number of a block and what its worker gave, in any order.

    Raises:
        Exception: at the end of the block, the first that a taker, writer or worker raised.
    """

    def __init__(
        self,
        pool: Pool,
        takers: Sequence[Callable[[memoryview], object]],
        *,
        write: Callable[[memoryview], None] | None,
        append: Callable[[memoryview, Sequence[int]], None] | None,
        on_answer: Callable[[int, Answer], None],
    ) -> None:
        self.error: BaseException | None = None
        self._pool = pool
        pool.on_error = self._fail
        self._on_answer = on_answer
        self._lock = threading.Lock()
        self._left: dict[int, int] = {}
        self._slots: dict[int, int] = {}
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lines = [_Line(_plain(take)) for take in takers]
        if write is not None:
            self._lines.append(_Line(_plain(write)))
        self._stored = None if append is None else _Line(_with_sizes(append))
        self._waiting: dict[int, list[tuple[_Line, _Block]]] = {}
        self._next: int | None = None
        lines = [*self._lines, *([self._stored] if self._stored else [])]
        self._threads = [
            threading.Thread(target=self._work, args=(line,), daemon=True) for line in lines
        ]
        self._all = lines

    def __enter__(self) -> Self:
        for slot in range(self._pool.setup.slots):
            self._free.put(slot)
        try:
            self._pool.start()
            for thread in self._threads:
                thread.start()
        except BaseException as error:
            self._fail(error)
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._fail(error)  # what is queued need not be done any more
        try:
            self._end()
        except BaseException as late:
            self._fail(late)  # the user stops while the last blocks are under way
            self._end()
            raise
        if error is None and self.error is not None:
            raise self.error

    def slot(self) -> int | None:
        """Wait for a free buffer; None when something failed and reading should end."""
        slot = self._free.get()
        return slot if self.error is None else None

    def _fail(self, error: BaseException) -> None:
        """Keep the first error and wake the reader, for whom no buffer may ever become free."""
        self.error = self.error or error
        self._free.put(-1)

    def _end(self) -> None:
        """Wait for all workers and lines; no thread is left behind."""
        self._pool.stop()
        for line in self._all:
            line.queue.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def give(self, number: int, job: Job) -> None:
        """Hand on a block that was read: to all takers in order, and to a worker."""
        if self._next is None:
            self._next = number
        view = self._pool.data(job.slot)[: job.length]
        with self._lock:
            self._left[number] = len(self._lines) + 1
            self._slots[number] = job.slot
        block = _Block(number, view)
        for line in self._lines:
            line.queue.put(block)
        self._pool.submit(job, lambda answer: self._answered(number, job, answer))

    def make(self, number: int, job: Job) -> None:
        """Have a worker make a block, which is then handed on in order, as is its stored form."""
        if self._next is None:
            self._next = number
        with self._lock:
            self._left[number] = len(self._all) + 1
            self._slots[number] = job.slot
        self._pool.submit(job, lambda answer: self._made(number, job, answer))

    def _answered(self, number: int, job: Job, answer: Answer) -> None:
        """Keep what a worker gave for a block; its stored form waits for its turn."""
        with self._lock:
            self._on_answer(number, answer)
        if self._stored is None:
            self._release(number)
            return
        self._in_order(number, [(self._stored, self._encoded(number, job, answer))])

    def _made(self, number: int, job: Job, answer: Answer) -> None:
        with self._lock:
            self._on_answer(number, answer)
        block = _Block(number, self._pool.data(job.slot)[: job.length])
        parts = [(line, block) for line in self._lines]
        if self._stored is not None:
            parts.append((self._stored, self._encoded(number, job, answer)))
        self._in_order(number, parts)
        self._release(number)

    def _encoded(self, number: int, job: Job, answer: Answer) -> _Block:
        return _Block(number, self._pool.stored(job.slot)[: answer.stored], answer.sizes)

    def _in_order(self, number: int, parts: list[tuple[_Line, _Block]]) -> None:
        """Queue this block, and those that waited for it, in the order of their numbers."""
        with self._lock:
            self._waiting[number] = parts
            while self._next in self._waiting:
                for line, block in self._waiting.pop(self._next):
                    line.queue.put(block)
                self._next += 1

    def _work(self, line: _Line) -> None:
        while (block := line.queue.get()) is not None:
            if self.error is None:
                try:
                    line.take(block)
                except Exception as error:  # noqa: BLE001 - kept, and raised at the end
                    self._fail(error)
            self._release(block.number)

    def _release(self, number: int) -> None:
        with self._lock:
            self._left[number] -= 1
            if self._left[number]:
                return
            del self._left[number]
            slot = self._slots.pop(number)
        self._free.put(slot)


def _plain(take: Callable[[memoryview], object]) -> Callable[[_Block], None]:
    def taken(block: _Block) -> None:
        take(block.view)

    return taken


def _with_sizes(append: Callable[[memoryview, Sequence[int]], None]) -> Callable[[_Block], None]:
    def taken(block: _Block) -> None:
        append(block.view, codec.read_sizes(block.sizes))

    return taken
