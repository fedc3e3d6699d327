"""A rescue into a raw image: passes over a failing medium, bytes to their places, map on disk."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine, mapfile
from evkit.acquire.medium import OpenedMedium
from evkit.acquire.output.branch import Written
from evkit.acquire.output.rawout import Places
from evkit.acquire.output.resumed import MAP_PART
from evkit.acquire.rescue import DONE, Policy, Rescue
from evkit.core import clock, durable
from evkit.core.errors import InterruptedByUserError
from evkit.core.sizes import in_words
from evkit.hashing import pieces
from evkit.hashing.digests import digest_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.acquire.engine import Tally
    from evkit.acquire.imaging import Order
    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.rescue import Report
    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop
    from evkit.core.progress import Progress

TASK = "rescue"
SAVE_SECONDS = 5.0
_STOPPED = "stopped"


class Passes:
    """One rescue.

    Args:
        opened: the source.
        order: where to, and how hard to try.
        chart: where each range stands; it changes as the work goes on.
        tally: takes the pieces of blocks that are read whole.
        progress: hears how much is read.
        state: what checkpoints saved before.

    Attributes:
        small_reads: reads of single sectors.
        report: what the passes did, None before their end.
    """

    def __init__(
        self,
        opened: Opened,
        order: Order,
        chart: RescueMap,
        tally: Tally,
        progress: Progress,
        state: Mapping[str, Any],
    ) -> None:
        self.small_reads = 0
        self.report: Report | None = None
        self._order = order
        self._chart = chart
        self._tally = tally
        self._progress = progress
        self._state = {key: value for key, value in state.items() if key in {"at", "blocks"}}
        self._medium = OpenedMedium(opened)
        self._places = Places(order.branches, chart.size, order.split)
        self.names = [name for name, _ in self._places.parts()]
        self._small: dict[int, tuple[int, bytes]] = {}
        self._saved = clock.monotonic()

    @property
    def done(self) -> int:
        """Bytes that were read so far."""
        return self._chart.total(mapfile.FINISHED)

    def run(self, stop: Stop) -> None:
        """Read what the map does not have.

        Raises:
            StorageError: the device is gone, or no destination is left.
            InterruptedByUserError: the user stops; the map is saved.
        """
        self._progress.begin(TASK, self._chart.size)
        self.keep()
        rescue = Rescue(self._medium, self._chart, self._order.policy or Policy())
        report = self.report = rescue.run(self._take, self._maybe_keep, lambda: stop.asked)
        self.small_reads = report.sector_reads
        self.keep()
        self._progress.end(TASK, self.done)
        if report.ended == _STOPPED:
            raise InterruptedByUserError("stopped by the user")
        if report.ended != DONE:
            lost = in_words(self._chart.size - self.done)
            self._progress.warn(f"gave up with {lost} not read")

    def keep(self) -> None:
        """Make the bytes durable, then the map, then say so in the journal.

        Raises:
            StorageError: no destination is left.
        """
        self._places.sync()
        path = os.path.join(self._order.folder, MAP_PART)
        durable.replace(path, mapfile.encode(self._chart), mode=0o600)
        if self._order.save is not None:
            self._order.save({**self._state, "map": True})
        self._saved = clock.monotonic()

    def close(self) -> None:
        """Close the files of the image."""
        self._places.close()
        self._medium.close()

    def differing(self, read: Callable[[int, int], bytes]) -> list[tuple[int, int]]:
        """Return where the image does not hold what small reads of this run gave."""
        return [
            (offset, length)
            for offset, (length, digest) in sorted(self._small.items())
            if hashlib.sha256(read(offset, length)).digest() != digest
        ]

    def files(self) -> list[Written]:
        """Return the files of the image; those of several parts are digested."""
        branch = next(one for one in self._order.branches if one.error is None)
        found = []
        for name, size in self._places.parts():
            digest = None
            if len(self.names) > 1:
                digest = digest_file(branch.part(name), ("sha256",))[1]["sha256"]
            found.append(Written(name=name, size=size, sha256=digest))
        return found

    def _take(self, offset: int, view: memoryview) -> None:
        self._places.put(offset, view)
        number, inside = divmod(offset, engine.BLOCK)
        whole = not inside and len(view) == min(engine.BLOCK, self._chart.size - offset)
        if whole:
            leaves = None if self._tally.leaves is None else bytearray()
            self._tally.nodes[number] = pieces.hash_groups(view, leaves)
            if leaves is not None and self._tally.leaves is not None:
                self._tally.leaves[number] = bytes(leaves)
        else:
            self._small[offset] = (len(view), hashlib.sha256(view).digest())
        self._progress.update(TASK, self.done)

    def _maybe_keep(self) -> None:
        if clock.monotonic() - self._saved > SAVE_SECONDS:
            self.keep()
