"""Whether what an image decodes to is what it should be: stated digests, and recorded pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evkit.acquire import expect
from evkit.hashing import pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.windowing import WindowReader
    from evkit.core.ejson import Json
    from evkit.core.ranges import Range
    from evkit.hashing.pieces import PieceTree

EQUAL: Final = "equal"
DIFFERS: Final = "differs"
PARTLY: Final = "equal-where-decoded"  # with recorded pieces; the rest could not be decoded
NOT_COMPARED: Final = "not-compared"  # a digest of the whole says nothing when a part is missing
NOTHING: Final = "nothing-stated"
_SHOWN: Final = 64


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The answer.

    Attributes:
        state: `equal`, `differs`, `equal-where-decoded`, `not-compared` or `nothing-stated`.
        digests: stated digests of the whole beside those that were made.
        pieces: how many recorded pieces are equal; None when none were compared.
        lost: recorded pieces in which something could not be decoded.
        ranges: where recorded pieces differ, in bytes of the whole medium.
    """

    state: str
    digests: tuple[expect.Compared, ...] = ()
    pieces: int | None = None
    lost: int = 0
    ranges: tuple[Range, ...] = ()

    def fields(self) -> dict[str, Json]:
        """Return what the event says."""
        found: dict[str, Json] = {"state": self.state}
        if self.digests:
            found["digests"] = [entry.fields() for entry in self.digests]
        if self.pieces is not None:
            found["pieces_equal"] = self.pieces
            found["pieces_not_compared"] = self.lost
        if self.ranges:
            found["differing"] = [[offset, length] for offset, length in self.ranges[:_SHOWN]]
            found["differing_ranges"] = len(self.ranges)
        return found


def of_whole(
    stated: Sequence[tuple[str, str, str]],
    digests: Mapping[str, str],
    trees: tuple[PieceTree | None, PieceTree],
    damage: Sequence[Range],
) -> Judgement:
    """Judge a whole medium.

    Args:
        stated: (who states it, algorithm, hex).
        digests: those that were made.
        trees: recorded pieces, or None, and those that were made.
        damage: ranges that could not be decoded; zeros stand for them.
    """
    compared = tuple(
        expect.Compared(source=who, algorithm=name, stated=value, found=digests.get(name))
        for who, name, value in stated
    )
    agree = all(entry.agrees for entry in compared)
    recorded, made = trees
    if recorded is None:
        if damage and not agree:  # zeros stand in the medium where nothing could be decoded
            return Judgement(state=NOT_COMPARED)
        state = DIFFERS if not agree else EQUAL if compared else NOTHING
        return Judgement(state=state, digests=compared)
    odd = _pieces_of(pieces.locate(recorded, made))
    touched = _pieces_of(damage) if odd else set()  # equal all the same: it was so then
    wrong = sorted(odd - touched)
    state = DIFFERS if wrong or not (agree or touched) else PARTLY if touched else EQUAL
    return Judgement(
        state=state,
        digests=() if touched else compared,
        pieces=pieces.node_count(recorded.size) - len(odd | touched),
        lost=len(touched),
        ranges=tuple(_range_of(number, recorded.size) for number in wrong),
    )


def of_part(reader: WindowReader, tree: PieceTree | None) -> Judgement:
    """Judge a part of a medium by the recorded pieces that cover it."""
    if tree is None:
        return Judgement(state=NOTHING)
    state = DIFFERS if reader.unequal else PARTLY if reader.lost else EQUAL
    if not reader.unequal and not reader.equal:
        state = NOT_COMPARED
    return Judgement(
        state=state, pieces=reader.equal, lost=reader.lost, ranges=tuple(reader.unequal)
    )


def _pieces_of(ranges: Sequence[Range]) -> set[int]:
    found: set[int] = set()
    for offset, length in ranges:
        found |= set(
            range(offset // pieces.GROUP_BYTES, -(-(offset + length) // pieces.GROUP_BYTES))
        )
    return found


def _range_of(number: int, size: int) -> Range:
    start = number * pieces.GROUP_BYTES
    return start, min(pieces.GROUP_BYTES, size - start)
