"""What a proof of origin must not carry out: sensitive material, also as bytes beside a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import RefusedError
from evkit.core.ranges import merge, overlap
from evkit.hashing.pieces import BLOCK
from evkit.manifest.rows import HOLE
from evkit.verify.filecontent import DATA, MFT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.mask import Mask
    from evkit.inventory.search.find import Entry


class KeptBack:
    """The streams of an inventory whose content stays in the station, and where it lies.

    Args:
        inventory: the inventory, read through its mask.
        mask: what is sensitive; None when nothing is.
    """

    def __init__(self, inventory: Inventory, mask: Mask | None) -> None:
        self._streams: set[int] = set()
        self._places: list[tuple[int, int]] = []
        if mask is not None:
            self._collect(inventory, mask)

    def refuse_entry(self, entry: Entry) -> None:
        """Refuse a stream that is sensitive, or an archive that holds one.

        Raises:
            RefusedError: it is.
        """
        if entry.stream_row in self._streams:
            raise RefusedError(
                f"row {entry.stream_row} holds sensitive material; a proof would carry it out",
                hint="its digest is in the inventory; a bundle leaves such rows out and says so",
            )

    def refuse_blocks(self, shown: str, runs: Sequence[tuple[int, int]]) -> None:
        """Refuse blocks in which bytes of something sensitive lie beside the file.

        Args:
            shown: the file, escaped.
            runs: the blocks.

        Raises:
            RefusedError: there are such bytes.
        """
        blocks = [(first * BLOCK, count * BLOCK) for first, count in runs]
        count = overlap(blocks, self._places)
        if count:
            raise RefusedError(
                f"the blocks of `{shown}` hold {count:,} bytes of sensitive material too",
                hint="its digest is in the inventory; the image has to be shown for it",
            )

    def _collect(self, inventory: Inventory, mask: Mask) -> None:
        inside = {row["fs"]: row.get("within") for _, row in inventory.rows("filesystem")}
        tables: set[int] = set()
        places: list[tuple[int, int]] = []
        for number, row in inventory.rows("stream"):
            if not mask.hides(number, row):
                continue
            self._streams.add(number)
            found = list(_placed(row))
            places += found
            outer = inside.get(row["fs"])
            if outer is not None:
                places += self._archive(inventory, inside, outer)
            elif not found:
                tables.add(row["fs"])
        for fs in tables:
            for _, row in inventory.joined("stream", fs, MFT):
                if row["attr"] == DATA:
                    places += _placed(row)
        self._places = merge(places)

    def _archive(
        self, inventory: Inventory, inside: Mapping[int, int | None], outer: int | None
    ) -> Iterator[tuple[int, int]]:
        """Keep back an archive and those around it; yield where they lie."""
        while outer is not None and outer not in self._streams:
            self._streams.add(outer)
            row = inventory.row(outer)
            yield from _placed(row)
            outer = inside.get(row["fs"])


def _placed(row: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    for offset, length in row.get("extents", ()):
        if offset != HOLE:
            yield offset, length
