"""Progress as events. Library code tells an object of this kind; printers live in `evkit.cli`.

The base class ignores everything, so that library callers need not care.
"""

from __future__ import annotations


class Progress:
    """Receives what long work has to tell. All methods may be called from any thread."""

    def begin(self, task: str, total: int | None, unit: str = "bytes") -> None:
        """A task starts; `total` in `unit` (`bytes`, `files`, `rows`), None when not known."""

    def update(self, task: str, done: int) -> None:
        """`done` units of the task are finished."""

    def end(self, task: str, done: int) -> None:
        """The task is over."""

    def note(self, text: str) -> None:
        """A remark for the person who waits; already escaped."""

    def warn(self, text: str) -> None:
        """A warning for the person who waits; already escaped."""


SILENT = Progress()
