"""The source read a second time and compared with the pieces of the first reading.

This asks something else than reading the image back: whether the source gives the same bytes again.
What could not be read the first time is not read again and left out of the comparison; what cannot
be read now is said and decides nothing. Differences are located to the piece of 1 MiB, or to the
block of 16 KiB where block nodes are kept.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import engine
from evkit.acquire.readback import CACHED, DIRECT, DROPPED
from evkit.acquire.reading import MediumReader
from evkit.core.errors import EvkitError, ExitCode, InterruptedByUserError
from evkit.core.ranges import Range, merge, total
from evkit.hashing import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop
    from evkit.core.ejson import Json
    from evkit.core.progress import Progress

TASK = "read the source again"
NOT_ASKED, MATCH, MISMATCH, INCOMPLETE = "not-asked", "match", "mismatch", "incomplete"
STOPPED, FAILED, NOT_MADE = "stopped", "failed", "not-made"
_SHOWN = 64


@dataclass(frozen=True, kw_only=True)
class Reread:
    """What the second reading of the source gave.

    Attributes:
        state: `match`, `mismatch`, `incomplete` (all that could be read again is equal), `stopped`,
            `failed`, `not-made` (there was nothing to compare with) or `not-asked`.
        how: `direct`, `cache-dropped` or `perhaps-cached`; empty when nothing was read.
        damage: ranges of the medium that differ.
        left_out: bytes that could not be read the first time.
        unread: bytes that could be read then and cannot now.
        error: why it failed.
    """

    state: str = NOT_ASKED
    how: str = ""
    damage: tuple[Range, ...] = ()
    left_out: int = 0
    unread: int = 0
    error: EvkitError | None = None

    @property
    def exit_code(self) -> int:
        """4 for other bytes, 3 for what cannot be read now, 130 when it was stopped."""
        if self.error is not None:
            return int(self.error.exit_code)
        codes = {
            MISMATCH: ExitCode.FAILED_CHECK,
            INCOMPLETE: ExitCode.INCOMPLETE,
            NOT_MADE: ExitCode.UNDECIDED,
            STOPPED: ExitCode.INTERRUPTED,
        }
        return int(codes.get(self.state, ExitCode.OK))

    def fields(self) -> dict[str, Json]:
        """Return what the event says."""
        found: dict[str, Json] = {"state": self.state}
        if self.how:
            found["how"] = self.how
        if self.state == MISMATCH:
            found["damage"] = [[offset, length] for offset, length in self.damage[:_SHOWN]]
            found["damaged_ranges"] = len(self.damage)
        counts = {"left_out": self.left_out, "unread": self.unread}
        found |= {name: count for name, count in counts.items() if count}
        if self.error is not None:
            found["error"] = self.error.message[:500]
        return found


class _Skipping:
    """Reads a source in order; what is left out is zeros and is not read.

    Args:
        reader: of the source.
        out: ranges that are left out, in order.
    """

    def __init__(self, reader: MediumReader, out: Sequence[Range]) -> None:
        self._reader = reader
        self._out = list(out)

    def fill(self, view: memoryview) -> int:
        """Fill `view`; fewer bytes only at the end."""
        reader, filled = self._reader, 0
        while filled < len(view):
            at = reader.done
            while self._out and sum(self._out[0]) <= at:
                self._out.pop(0)
            start, length = self._out[0] if self._out else (at + len(view), 0)
            if start <= at:
                count = min(start + length - at, len(view) - filled)
                view[filled : filled + count] = bytes(count)
                reader.done += count
                filled += count
                continue
            wanted = min(start - at, len(view) - filled)
            count = reader.fill(view[filled : filled + wanted])
            filled += count
            if count < wanted:
                break
        return filled


def compare(
    opened: Opened,
    first: engine.Outcome,
    out: Sequence[Range],
    stop: Stop,
    progress: Progress,
) -> Reread:
    """Read a source a second time, past the cache as far as the system does that.

    Args:
        opened: the source, as it was opened for the first reading.
        first: what that gave.
        out: ranges that could not be read then.
        stop: hears the user.
        progress: told bytes read.
    """
    how = _past_cache(opened)
    facts = dataclasses.replace(opened.facts, size=first.size)
    reader = MediumReader(dataclasses.replace(opened, facts=facts), fixed=True)
    order = engine.Order(
        block_nodes=first.pieces.block_nodes is not None,
        on_bytes=lambda done: progress.update(TASK, done),
        expected=first.size,
    )
    progress.begin(TASK, first.size)
    left_out = total(out)
    try:
        with stop.heard_at_once():
            found = engine.read_all(_Skipping(reader, merge(out)), order)
    except InterruptedByUserError:
        return Reread(state=STOPPED, how=how, left_out=left_out)
    except EvkitError as error:
        return Reread(state=FAILED, how=how, left_out=left_out, error=error)
    finally:
        reader.close()
    progress.end(TASK, found.size)
    lost = reader.gaps
    damage = _differing(first, found, lost)
    state = MISMATCH if damage else INCOMPLETE if lost else MATCH
    return Reread(state=state, how=how, damage=tuple(damage), left_out=left_out, unread=total(lost))


def _differing(
    first: engine.Outcome, found: engine.Outcome, lost: Sequence[Range]
) -> Sequence[Range]:
    """Return the pieces that differ, but for those in which something cannot be read now."""
    unit = pieces.GROUP_BYTES if found.pieces.block_nodes is None else pieces.BLOCK
    unsure = {
        number
        for offset, length in lost
        for number in range(offset // unit, -(-(offset + length) // unit))
    }
    return merge(
        (at, min(unit, start + length - at))
        for start, length in pieces.locate(first.pieces, found.pieces)
        for at in range(start, start + length, unit)
        if at // unit not in unsure
    )


def _past_cache(opened: Opened) -> str:
    """Ask the page cache to let the source go, unless it is read past it anyway."""
    if opened.direct:
        return DIRECT
    if not hasattr(os, "posix_fadvise"):
        return CACHED
    try:
        os.posix_fadvise(opened.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError:
        return CACHED
    return DROPPED
