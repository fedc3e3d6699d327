"""Ctrl-C and SIGTERM during long work: heard at once while reading, later everywhere else.

A signal that arrives while an event is signed or a file gets its name must not leave half a step;
it is kept and asked for with `asked`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

from evkit.core.errors import InterruptedByUserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Stop:
    """Takes the signals over while used as a context manager (in the main thread only).

    Attributes:
        asked: the user wants to stop.
    """

    def __init__(self) -> None:
        self.asked = False
        self._armed = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    @contextlib.contextmanager
    def heard_at_once(self) -> Iterator[None]:
        """Raise InterruptedByUserError inside the block as soon as a signal comes.

        Raises:
            InterruptedByUserError: also at the start when the user asked before.
        """
        self._check()
        self._armed = True
        try:
            yield
        finally:
            self._armed = False

    def _check(self) -> None:
        if self.asked:
            raise InterruptedByUserError("stopped by the user")

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self._armed:
            self._armed = False  # once: threads are being stopped now
            self._check()
