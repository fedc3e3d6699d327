"""Measuring whole processes side by side: one warm-up, then the two commands in turn.

A row says how many times faster evkit was (median of the pairs), the floor it should reach, and the
share of the limit: CPU seconds of the bare primitives divided by cores and by wall seconds.
"""

from __future__ import annotations

import hashlib
import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished process: wall and CPU seconds (user + system, of all processes), peak memory.

    Memory in bytes is that of the main process, or of all its processes where that was asked for.
    """

    wall: float
    cpu: float
    rss: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        job: what was done.
        ours: median wall seconds of evkit (or the figure itself, with `unit`).
        peer: name of the peer, empty when the row has none.
        theirs: median wall seconds of the peer.
        ratio: how many times faster evkit was; None without a peer.
        floor: what the ratio (or the figure) should reach, as text.
        ok: whether the floor was reached; None when there is none.
        share: share of the limit, None when not computed.
        rss: peak memory of evkit in bytes, 0 when not measured.
        note: anything a reader must know.
        least: the floor of the ratio as a number, for the plot.
    """

    job: str
    ours: float
    unit: str = "s"
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    floor: str = ""
    ok: bool | None = None
    share: float | None = None
    rss: int = 0
    note: str = ""
    least: float | None = None


def run(
    command: Sequence[str],
    *,
    env: dict[str, str] | None = None,
    codes: Sequence[int] = (0,),
    tree: bool = False,
) -> Run:
    """Run a command to its end with its output thrown away; fail on an unexpected exit code.

    Args:
        command: program and arguments.
        env: changes to the environment.
        codes: exit codes that are expected.
        tree: measure the memory of all its processes, shared memory counted once; this costs time.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=None if env is None else os.environ | env,
    )
    peak = _TreePeak(process.pid) if tree else _Peak(process.pid)
    peak.start()
    text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    peak.done.set()
    peak.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        shown = text.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{list(command)} ended with {process.returncode}: {shown}")
    return Run(wall=wall, cpu=usage.ru_utime + usage.ru_stime, rss=peak.bytes)


class _Peak(threading.Thread):
    """Watches the peak resident memory of one process; getrusage would count ours before exec."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.bytes, self.done = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.02):
            try:
                with open(f"/proc/{self.pid}/status") as handle:
                    for line in handle:
                        if line.startswith("VmHWM:"):
                            self.bytes = max(self.bytes, int(line.split()[1]) * 1024)
            except (OSError, ValueError):
                return


class _TreePeak(threading.Thread):
    """Watches the memory of a process and all below it: the sum of their proportional shares."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.bytes, self.done = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.05):
            self.bytes = max(self.bytes, tree_share(self.pid))


def tree_share(pid: int) -> int:
    """Return the memory of a process and all below it in bytes, what they share counted once."""
    return sum(_share(one) for one in _below(pid))


def _below(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _below(int(child))
    except (OSError, ValueError):
        return


def _share(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def pair(ours, theirs, *, rounds: int = 3) -> tuple[list[Run], list[Run]]:
    """Run two callables in turn (each returns a `Run`), after one warm-up of each."""
    ours()
    theirs()
    first, second = [], []
    for _ in range(rounds):
        first.append(ours())
        second.append(theirs())
    return first, second


def median_ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> float:
    """How many times faster `ours` was: the median over the pairs of wall seconds."""
    return statistics.median(b.wall / a.wall for a, b in zip(ours, theirs, strict=True))


def median_wall(runs: Sequence[Run]) -> float:
    """Median wall seconds."""
    return statistics.median(run.wall for run in runs)


def cpu() -> float:
    """CPU seconds of this process so far, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def primitive_seconds(size: int, names: Sequence[str], *, pieces: bool = False) -> float:
    """CPU seconds of the bare digests over `size` bytes, measured on 256 MiB in this process."""
    sample = bytes(os.urandom(1 << 20)) * 4
    count = 64
    total = 0.0
    for name in names:
        digest = hashlib.new(name)
        start = cpu()
        for _ in range(count):
            digest.update(sample)
        total += cpu() - start
    if pieces:
        view = memoryview(sample)
        start = cpu()
        for _ in range(count):
            for offset in range(0, len(sample), 16384):
                hashlib.sha256(view[offset : offset + 16384]).digest()
        total += cpu() - start
    return total * size / (count * len(sample))


def table(rows: Sequence[Row]) -> str:
    """Render the rows as a Markdown table."""
    lines = [
        "| job | evkit | peer | ratio | floor | share of the limit | memory | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        peer = f"{row.peer} {row.theirs:.3g} s" if row.theirs is not None else row.peer
        mark = "" if row.ok is None else ("reached" if row.ok else "**not reached**")
        cells = [
            row.job,
            f"{row.ours:.3g} {row.unit}",
            peer,
            "" if row.ratio is None else f"{row.ratio:.2f}x",
            row.floor,
            "" if row.share is None else f"{row.share:.2f}",
            f"{row.rss / 1048576:.0f} MiB" if row.rss else "",
            " ".join(part for part in (mark, row.note) if part),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
