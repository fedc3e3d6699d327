"""Caps on deleted records to which no name leads: their number and the bytes that are read.

libtsk finds them one by one below `/$OrphanFiles`; on a FAT volume most are garbage, and
directories among them lead to more. What is left out is counted and said (parent side).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory.driver import folder_row
from evkit.inventory.wire import Message, Rows, row_bytes
from evkit.manifest import rows
from evkit.manifest.rowaccept import accept
from evkit.manifest.rowfacts import Alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.driver import Folder
    from evkit.manifest.rowfacts import Facts

ROOT = b"/$OrphanFiles"
OVER = "orphans-over-limit"
MOST, BYTES = 1_000_000, 64 << 30  # what is taken when nothing else is said
_TOP = 2**53 - 1


def is_orphan(folder: Folder) -> bool:
    """Say whether a directory is that of orphans or lies below it."""
    return folder.path == ROOT or folder.path.startswith(ROOT + b"/")


class Orphans:
    """Counts the records that were reached below the directory of orphans.

    Args:
        most: records at most.
        most_bytes: bytes of their contents at most.

    Attributes:
        listed: records that were taken.
        left_out: records and names that were not.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._bytes = most_bytes
        self.listed = self.left_out = 0
        self._left_bytes = 0

    @property
    def full(self) -> bool:
        """No further directory is listed."""
        return self.listed >= self._most or self._bytes <= 0

    def allow(self, size: int) -> bool:
        """Take a record whose contents have `size` bytes, or count it as left out."""
        if self.listed >= self._most or size > self._bytes:
            self.left_out += 1
            self._left_bytes += size
            return False
        self.listed += 1
        self._bytes -= size
        return True

    def refuse(self, fs: int, folder: Folder) -> Message:
        """Return the row of a directory that is not listed any more."""
        self.left_out += 1
        raw = row_bytes(folder_row(fs, folder, 0, "skipped", OVER))
        return Message.of_row(raw, accept(raw))

    def see(self, message: Message) -> None:
        """Take notice of a row: the directory of orphans says how many names it left out."""
        if not isinstance(message, Rows):
            self._see((message.raw,), (message.facts,))
            return
        at = 0
        for part in message.judged.parts:
            if not isinstance(part, Alike):
                self._see(message.rows[at : at + len(part)], part)
            at += len(part)

    def _see(self, data: Sequence[bytes], judged: Sequence[Facts | None]) -> None:
        for raw, facts in zip(data, judged, strict=True):
            if facts is not None and facts.kind == "directory" and facts.virtual:
                self.left_out += int(rows.parse(raw).get("left_out", 0))

    def message(self) -> Message:
        """Return what the parent adds to its totals."""
        counts = {"listed": self.listed, "left_out": self.left_out}
        return Message("orphans", counts | {"bytes_left_out": min(self._left_bytes, _TOP)})
