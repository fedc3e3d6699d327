"""Taking the entries of a source of a hash set: what counts as one, and what is left out."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from evkit.inventory.hashsets.model import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterable

MALFORMED, NO_DIGEST, OTHER_ALGORITHM, EMPTY, OTHER_CATEGORY = (
    "malformed", "no-digest", "other-algorithm", "empty-content", "other-category",
)  # fmt: skip
_EMPTY = {hashlib.new(name).digest() for name in WIDTHS}
_NOTHING = {bytes(width) for width in WIDTHS.values()}


class Tally:
    """Takes the entries of a source and counts them; keeps nothing.

    The content of no file at all is left out (it would mark every empty file), and digests of
    nothing but zeros, which stand for "not known" in some sources.
    """

    def __init__(self) -> None:
        self.entries = 0
        self.left_out: Counter[str] = Counter()

    def add(self, digests: Iterable[bytes]) -> None:
        """Take the digests of one entry, each of 16, 20 or 32 bytes."""
        taken = False
        for digest in digests:
            if digest in _NOTHING:
                continue
            if digest in _EMPTY:
                self.leave_out(EMPTY)
                return
            self.keep(digest)
            taken = True
        if taken:
            self.entries += 1
        else:
            self.leave_out(NO_DIGEST)

    def leave_out(self, reason: str) -> None:
        """Count an entry that is not taken."""
        self.left_out[reason] += 1

    def keep(self, digest: bytes) -> None:
        """Take one digest."""
