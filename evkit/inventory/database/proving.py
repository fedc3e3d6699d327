"""Rows of an inventory with their salts, and the hashes that prove them; one pass over all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.inventory.database.reader import Inventory
from evkit.manifest import rows
from evkit.manifest.proof import ProofRow
from evkit.merkle.ranges import SpanHashes, root_from_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence


class Salted(Inventory):
    """An inventory file, opened for its salts as well."""

    def named(self, path: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the name rows of exactly this path, as the rows spell it."""
        named = self.names_like(path.rpartition("/")[2])
        return [(number, row) for number, row in named if row["path"] == path]

    def filesystem(self, fs: int) -> int:
        """Return the number of the row of a file system.

        Raises:
            InputError: there is none.
        """
        for number, row in self.rows("filesystem"):
            if row["fs"] == fs:
                return number
        raise InputError(f"the inventory has no file system `{fs}`")

    def prove(
        self, numbers: Sequence[int], count: int, root: bytes
    ) -> tuple[tuple[ProofRow, ...], list[bytes]]:
        """Return rows with their salts, and the hashes that lead from them to the root.

        Args:
            numbers: of the rows, in order.
            count: number of all rows.
            root: the recorded root over them.

        Raises:
            InputError: a row is absent, or the rows do not give the root.
        """
        ranges: list[tuple[int, int]] = []
        for number in numbers:
            if ranges and ranges[-1][1] == number:
                ranges[-1] = (ranges[-1][0], number + 1)
            else:
                ranges.append((number, number + 1))
        spans, wanted = SpanHashes(ranges, count), set(numbers)
        found: list[ProofRow] = []
        leaves: list[bytes] = []
        with self._reading():
            for number, salt, text in self._ask("SELECT n, salt, row FROM rows ORDER BY n"):
                data = text.encode("utf-8")
                leaf = rows.row_leaf(bytes(salt), data)
                spans.append(leaf)
                if number in wanted:
                    found.append(ProofRow(number=number, salt=bytes(salt), data=data))
                    leaves.append(leaf)
        proof = spans.proof()
        if root_from_ranges(ranges, count, leaves, proof) != root:
            shown = escape_bytes(self.path)
            raise InputError(
                f"the rows of `{shown}` do not give the root that was recorded",
                hint="look for an intact copy of the file, or run the inventory again",
            )
        return tuple(found), proof
