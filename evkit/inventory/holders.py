"""Where archives and mail lie: the path of what holds them, in front of the paths in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from evkit.inventory.rowsource import RowSource

MARK = "!"
_DEEP = 32


class Holders:
    """Paths of the files that hold the file systems of an inventory.

    Args:
        inventory: the inventory.
    """

    def __init__(self, inventory: RowSource) -> None:
        self._inventory = inventory
        self._known: dict[int, str] = {}
        self._within = {
            row["fs"]: row["within"] for _, row in inventory.rows("filesystem") if "within" in row
        }

    def of(self, fs: int) -> str:
        """Return the escaped path of what holds a file system and `!`, or nothing.

        Raises:
            InputError: the inventory is damaged.
        """
        return self._of(fs, _DEEP)

    def _of(self, fs: int, left: int) -> str:
        if fs not in self._within or not left:
            return ""
        if fs not in self._known:
            stream = self._inventory.row(self._within[fs])
            names = self._inventory.joined("name", stream["fs"], stream["inode"])
            path = escape_bytes(from_fields(names[0][1])) if names else f"({stream['inode']})"
            self._known[fs] = self._of(stream["fs"], left - 1) + path + MARK
        return self._known[fs]
