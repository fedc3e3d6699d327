"""Workers for blocks: processes over shared memory, or threads where those cannot be had.

Measured on two cores with an E01 of 2 GiB: threads of one interpreter wait for each other at every
chunk; two processes reach nine tenths of what the primitives allow. A worker that dies is replaced
by the thread that spoke to it, so that work goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import os
import queue
import threading
from typing import TYPE_CHECKING

from evkit.acquire import blockwork
from evkit.acquire.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.acquire.blockwork import Answer, Job
    from evkit.acquire.worker import Setup

    _Item = tuple[Job, Callable[[Answer], None]]

_AHEAD = 2  # jobs that a worker has at a time, so that it never waits for the next one


class Pool:
    """Buffers, and workers that take jobs in any order and answer from their own threads.

    Args:
        setup: all but `memory`, which is made here.
        workers: number of workers.
        processes: use processes where the system has what they need.

    Attributes:
        error: the first that could not be helped. Jobs that were under way then, and all that were
            submitted, get no answer.
        on_error: is called with it, from another thread.
    """

    def __init__(self, setup: Setup, workers: int, *, processes: bool = True) -> None:
        stride = setup.block + setup.bound
        self._memory = _memory(setup.slots * stride) if processes else -1
        self.setup = dataclasses.replace(setup, memory=self._memory)
        mapped = mmap.mmap(self._memory, setup.slots * stride)
        self._whole = memoryview(mapped)
        self._jobs: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._tools = self.setup.tools()
        self._children: list[Child] = []
        self.error: BaseException | None = None
        self.on_error: Callable[[BaseException], None] | None = None
        self._threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(max(1, workers))
        ]

    def start(self) -> None:
        """Start the workers."""
        if self._memory >= 0:
            with contextlib.suppress(OSError):
                for _ in self._threads:
                    self._children.append(Child(self.setup))
        for thread in self._threads:
            thread.start()

    def data(self, slot: int) -> memoryview:
        """Return the buffer of a block, aligned to a page."""
        start = slot * (self.setup.block + self.setup.bound)
        return self._whole[start : start + self.setup.block]

    def stored(self, slot: int) -> memoryview:
        """Return the buffer of its stored form."""
        start = slot * (self.setup.block + self.setup.bound) + self.setup.block
        return self._whole[start : start + self.setup.bound]

    def submit(self, job: Job, done: Callable[[Answer], None]) -> None:
        """Have a job done; `done` is called from another thread."""
        self._jobs.put((job, done))

    def stop(self) -> None:
        """Let the workers finish what was submitted and wait for them; twice does no harm."""
        for thread in self._threads:
            if thread.ident is not None:
                self._jobs.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self.on_error = None  # nobody is left to call it; the buffers go with the last reference
        for child in self._children:
            child.close()
        self._children = []
        if self._memory >= 0:
            os.close(self._memory)
            self._memory = -1

    def _work(self, number: int) -> None:
        child = self._children[number] if number < len(self._children) else None
        try:
            if child is not None:
                self._through(child)
            else:
                while (item := self._jobs.get()) is not None:
                    self._here(*item)
        except Exception as error:  # noqa: BLE001 - kept, and raised by the engine
            self.error = self.error or error
            if self.on_error is not None:
                self.on_error(error)
            while self._jobs.get() is not None:
                pass  # no answer is better than one that is made up

    def _through(self, child: Child) -> None:
        """Pass jobs to a worker until there are no more; do them here once it has died."""
        under_way: list[_Item] = []
        ended = False
        while not ended or under_way:
            while not ended and len(under_way) < _AHEAD:
                try:
                    item = self._jobs.get(block=not under_way)
                except queue.Empty:
                    break
                if item is None:
                    ended = True
                else:
                    under_way.append(item)
                    child.send(item[0])
            if under_way:
                job, done = under_way.pop(0)
                answer = child.answer()
                if answer is None:
                    self._here(job, done)
                else:
                    done(answer)

    def _here(self, job: Job, done: Callable[[Answer], None]) -> None:
        stored = self.stored(job.slot) if self.setup.bound else None
        done(blockwork.do(job, self.data(job.slot), stored, self._tools))


def _memory(length: int) -> int:
    """Return a descriptor of shared memory, or -1 where there is none."""
    if not hasattr(os, "memfd_create"):
        return -1
    try:
        descriptor = os.memfd_create("evkit", os.MFD_CLOEXEC)
    except OSError:
        return -1
    try:
        os.ftruncate(descriptor, length)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor
