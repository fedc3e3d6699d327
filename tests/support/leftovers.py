"""Threads, children and open files that a piece of work leaves behind.

Tests share a process with those before them: only what is new counts.
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time


def children() -> set[str]:
    """Children of this process, those that nobody has waited for among them, on Linux."""
    found: set[str] = set()
    for task in _listed("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/children") as handle:
            found.update(handle.read().split())
    return found


def files() -> dict[str, str]:
    """Open descriptors of this process with what they lead to, on Linux."""
    found = {}
    for number in _listed("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return found


def _listed(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def running() -> set[object]:
    """Threads and children that run now."""
    return {*threading.enumerate(), *children()}


def stay(before: set[object], patience: float = 20.0) -> set[object]:
    """Return the threads and children that are new and do not end by themselves."""
    end = time.monotonic() + patience
    while (found := running() - before) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def none(*, collected: bool = False):
    """Assert that no thread, no child and no open file is new at the end of the block.

    Args:
        collected: open files that only garbage holds do not count.
    """
    before, opened = running(), files()
    yield
    assert running() - before == set()
    if collected and files().items() - opened.items():
        gc.collect()
    assert files().items() - opened.items() == set()
