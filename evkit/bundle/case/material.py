"""What a CASE document is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.custody.replay import Replay
    from evkit.custody.state import Case, Exhibit
    from evkit.inventory.search.find import Entry


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Files chosen from one inventory.

    Attributes:
        acquisition: `CASE/E1/A1`.
        row_root: hex root over the rows of the inventory they are from.
        entries: names with their streams.
        masked: names of sensitive material are left out.
    """

    acquisition: str
    row_root: str
    entries: tuple[Entry, ...]
    masked: bool = False


@dataclass(frozen=True, kw_only=True)
class Material:
    """A case, or one exhibit of it, with what was chosen.

    Attributes:
        ref: `CASE` or `CASE/E1`.
        origin: origin line of the ledger.
        replay: the case.
        tools: (name, version) of the program that wrote each entry.
        selections: the chosen files, by acquisition.
    """

    ref: str
    origin: str
    replay: Replay
    tools: Mapping[int, tuple[str, str]]
    selections: tuple[Selection, ...] = field(default=())

    @property
    def case(self) -> Case:
        """The case."""
        return self.replay.state.cases[self.ref.partition("/")[0]]

    @property
    def exhibits(self) -> dict[str, Exhibit]:
        """The exhibits described."""
        known = self.case.exhibits
        return {self.ref: known[self.ref]} if "/" in self.ref else dict(known)
