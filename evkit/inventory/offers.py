"""Plain streams as the lines say them that stand for them until they are read (child only)."""

from __future__ import annotations

import json
from typing import NamedTuple

from evkit.inventory.streamrow import StreamRow


class Offer(NamedTuple):
    """A plain stream: the line that offers it, its key, its extents and its size."""

    line: bytes
    inode: int
    key: tuple[int, int]
    extents: list[list[int]]
    size: int


Six = tuple[int, int, int, int, int, int]


class Simple(NamedTuple):
    """A plain stream in one extent, of a record in use, without a name."""

    place: int
    inode: int
    size: int
    attr: int
    attr_id: int
    seq: int

    def offer(self, fs: int) -> Offer:
        """Return the same as an offer."""
        row = StreamRow(fs, self.inode, self.seq, self.attr, self.attr_id)
        row.basis, row.size, row.extents = "allocated", self.size, [[self.place, self.size]]
        return Offer(row.offer(), self.inode, (self.attr, self.attr_id), row.extents, self.size)


def parse(line: bytes) -> Offer:
    """Read an offer, which the parent took from a child and gives back."""
    row = json.loads(line)
    key = (row["attr"], row["attr_id"])
    return Offer(line, row["inode"], key, row["extents"], row["size"])
