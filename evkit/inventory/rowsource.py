"""Rows by number, kind and metadata record: what those who ask an inventory need of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Row = tuple[int, dict[str, Any]]


class RowSource(Protocol):
    """An inventory that can be asked for rows (see `database.reader.Inventory`)."""

    def row(self, number: int) -> dict[str, Any]:
        """Return one row."""

    def rows(self, *kinds: str) -> Iterator[Row]:
        """Yield (number, row) of these kinds, in order."""

    def joined(self, kind: str, fs: int, inode: int) -> list[Row]:
        """Return the `name` or `stream` rows of one metadata record."""

    def joined_all(
        self, kind: str, records: Iterable[tuple[int, int]]
    ) -> dict[tuple[int, int], list[Row]]:
        """Return the `name` or `stream` rows of metadata records (fs, inode)."""
