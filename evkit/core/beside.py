"""Work in a thread beside the caller's; its answer or its error when it is wanted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")


class Beside(threading.Thread, Generic[T]):
    """Does one thing beside the caller once it is started.

    Used as a context manager it is started, and at its end waited for: nothing is left running.

    Args:
        work: what is to be done.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._answer: list[T] = []
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.join()

    def run(self) -> None:
        """Do it."""
        try:
            self._answer.append(self._work())
        except Exception as error:  # noqa: BLE001 - kept, and raised by `result`
            self._error = error

    def result(self) -> T:
        """Wait for the answer; do the work now if it was not begun.

        Raises:
            Exception: what the work raised.
        """
        if self.ident is None:
            self.run()
        else:
            self.join()
        if self._error is not None:
            raise self._error
        return self._answer[0]
