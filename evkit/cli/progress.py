"""Progress printers: a bar on a terminal, a line a minute in logs, JSON lines, or nothing.

SIGUSR1 prints one line at any time, whatever the printer.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING

from evkit.cli import output
from evkit.core import clock
from evkit.core.progress import Progress

if TYPE_CHECKING:
    from types import FrameType

LINE_SECONDS = 60.0
BAR_SECONDS = 0.2
JSON_SECONDS = 1.0


def printer(mode: str) -> Progress:
    """Return a printer for `auto bar lines json none` and listen to SIGUSR1."""
    chosen = mode
    if mode == "auto":
        chosen = "bar" if sys.stderr.isatty() else "lines"
    kinds = {"bar": _Bar, "lines": _Lines, "json": _Json, "none": _Tracker}
    made = kinds[chosen]()
    with contextlib.suppress(ValueError, AttributeError):  # not the main thread; Windows
        signal.signal(signal.SIGUSR1, made.on_signal)
    return made


def human_bytes(count: float) -> str:
    """Return a size with three significant figures, in powers of 1,024."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":  # noqa: PLR2004 - binary units
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1024
    return ""


def human_seconds(seconds: float) -> str:
    """Return a duration as `h:mm:ss` or `m:ss`."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


class _Tracker(Progress):
    """Keeps the state of the running task and can describe it in one line."""

    interval = float("inf")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.task = ""
        self.total: int | None = None
        self.unit = "bytes"
        self.done = 0
        self._start = clock.monotonic()
        self._last = self._start

    def begin(self, task: str, total: int | None, unit: str = "bytes") -> None:
        with self._lock:
            self.task, self.total, self.unit, self.done = task, total, unit, 0
            self._start = self._last = clock.monotonic()
        self.show()

    def update(self, task: str, done: int) -> None:  # noqa: ARG002 - one task at a time
        due = False
        with self._lock:
            self.done = done
            now = clock.monotonic()
            if now - self._last >= self.interval:
                self._last, due = now, True
        if due:
            self.show()

    def end(self, task: str, done: int) -> None:  # noqa: ARG002 - one task at a time
        self.done = done
        self.finished()

    def note(self, text: str) -> None:
        output.err(f"evkit: {text}")

    def warn(self, text: str) -> None:
        output.err(f"evkit: warning: {text}")

    def close(self) -> None:
        """Leave the terminal tidy before a result is printed."""

    def show(self) -> None:
        """Show the present state; the silent printer shows nothing."""

    def finished(self) -> None:
        """Show the end of a task; the silent printer shows nothing."""

    def line(self) -> str:
        """Return the state in one line: done, total, share, rate, time left."""
        seconds = max(clock.monotonic() - self._start, 1e-6)
        rate = self.done / seconds
        size = human_bytes if self.unit == "bytes" else lambda count: f"{int(count):,}"
        text = f"{self.task}: {size(self.done)}"
        if self.total:
            text += f" of {size(self.total)} ({100 * self.done / self.total:.0f} %)"
        text += f", {size(rate)}{'' if self.unit == 'bytes' else ' ' + self.unit}/s"
        if self.total and rate > 0:
            text += f", {human_seconds((self.total - self.done) / rate)} left"
        return text

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Print one line now (SIGUSR1)."""
        output.err(f"evkit: {self.line()}")


class _Lines(_Tracker):
    interval = LINE_SECONDS

    def show(self) -> None:
        if self.done:
            output.err(f"evkit: {self.line()}")


class _Json(_Tracker):
    interval = JSON_SECONDS

    def show(self) -> None:
        document = {
            "schema": "evkit/progress/1",
            "task": self.task,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
        }
        output.err(json.dumps(document))

    def finished(self) -> None:
        self.show()


class _Bar(_Tracker):
    """A bar drawn by rich, which is loaded with the first one."""

    interval = BAR_SECONDS

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            console=Console(stderr=True, highlight=False),
            auto_refresh=False,
            transient=True,
        )
        self._bar = self._bars.add_task("", total=None, visible=False)

    def show(self) -> None:
        self._bars.start()
        self._bars.update(
            self._bar,
            description=self.line(),
            total=self.total,
            completed=self.done,
            visible=True,
            refresh=True,
        )

    def finished(self) -> None:
        self.close()

    def close(self) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        self.close()
        super().note(text)

    def warn(self, text: str) -> None:
        self.close()
        super().warn(text)
