"""Marks of hash sets on the streams of an inventory, as the page and `find` need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN, NOTABLE = "known", "notable"


@dataclass(frozen=True, slots=True)
class Mark:
    """What hash sets say of a stream.

    Attributes:
        kind: `notable` or `known`; notable when sets of both kinds hold the digest.
        sets: names of the sets that do.
    """

    kind: str
    sets: tuple[str, ...]


Marks: TypeAlias = "Mapping[int, Mark]"
