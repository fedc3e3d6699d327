"""Which file a row is about: its path, for people who cannot look a row number up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes
from evkit.inventory.holders import MARK
from evkit.inventory.search.find import of_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.inventory.database.reader import Inventory

_OF_RECORDS = frozenset({"space", "error"})


class Places:
    """Says of rows where they are.

    Args:
        inventory: the inventory that the rows are of.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        volumes = sum("within" not in row for _, row in inventory.rows("filesystem"))
        self.several = volumes > 1  # then a path alone does not say which volume it is on

    def of(self, number: int, row: Mapping[str, Any]) -> str:
        """Return the escaped path that a row is about, with the archive in front of `!`.

        Args:
            number: of the row.
            row: the row; masked where it must be.

        Returns:
            the path; a name in use before a deleted one; empty where no name leads there.

        Raises:
            InputError: the inventory is damaged.
        """
        kind = row["row"]
        if kind == "filesystem":
            return self._inventory.holders.of(row["fs"]).removesuffix(MARK)
        if "path" in row:
            return self._inventory.holders.of(row.get("fs", 0)) + escape_bytes(from_fields(row))
        if kind == "stream":
            found = sorted(
                of_streams(self._inventory, [(number, dict(row))]), key=lambda entry: entry.deleted
            )
            return found[0].shown if found[0].name is not None else ""
        if kind in _OF_RECORDS and "fs" in row and "inode" in row:
            return self._of_record(row)
        return ""

    def _of_record(self, row: Mapping[str, Any]) -> str:
        names = [
            name
            for _, name in self._inventory.joined("name", row["fs"], row["inode"])
            if "seq" in name and name["seq"] == row.get("seq", name["seq"])
        ]
        if not names:
            return ""
        names.sort(key=lambda name: not name["allocated"])
        return self._inventory.holders.of(row["fs"]) + escape_bytes(from_fields(names[0]))
