"""Beats while a call into a library takes long, and an end to one that takes too long (child)."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from evkit.core import clock

if TYPE_CHECKING:
    from evkit.inventory.wire import Sender

_PULSE = 2.0
_ALIVE = 0.1  # seconds of processor time between two beats that show work


class Pulse:
    """A thread that sends beats while a call into a library takes long and uses the processor.

    A call that takes more processor time than it may ends the process: the parent is told which.

    Args:
        sender: takes the beats.
        limit: seconds of processor time.
    """

    def __init__(self, sender: Sender, limit: float) -> None:
        self._sender = sender
        self._limit = limit
        self._index = -1
        self._begun = self._seen = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self, index: int) -> None:
        """Note that the call for an item of the task begins."""
        self._begun = -1.0
        self._index = index

    def end(self) -> None:
        """Note that it is over."""
        self._index = -1

    def _watch(self) -> None:
        while True:
            clock.sleep(_PULSE)
            index, used = self._index, _processor_time()
            if index < 0 or clock.monotonic() - self._sender.last < _PULSE:
                continue
            if self._begun < 0:
                self._begun = used
            if used - self._begun > self._limit:
                self._sender.aside("late", index)
                os._exit(3)
            if used - self._seen > _ALIVE:
                self._sender.aside("beat", self._sender.done)
            self._seen = used


def _processor_time() -> float:
    times = os.times()
    return times.user + times.system
