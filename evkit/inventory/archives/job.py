"""What the archives in one file of a tree share while they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.inventory.archives.caps import Budget
    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.wire import Sender


class Job:
    """What the archives in one file of the tree share.

    Args:
        sender: takes the rows.
        hashes: digest names.
        types: tells file types, or None.
        fs: number of the first archive's file system.
        budget: the caps.
        reader_of: gives the function that lists an archive of a form of `kinds.kind_of`.
    """

    def __init__(
        self,
        sender: Sender,
        hashes: Sequence[str],
        types: FileTypes | None,
        fs: int,
        budget: Budget,
        reader_of: Callable[[str], Callable[[Any], None]],
    ) -> None:
        self.sender, self.hashes, self.types = sender, tuple(hashes), types
        self.fs, self.budget, self.reader_of = fs, budget, reader_of

    def next_fs(self) -> int:
        """Return the number of the next archive."""
        self.fs += 1
        return self.fs - 1
