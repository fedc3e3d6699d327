"""Which rules of libmagic have their bytes in an input: at fixed places, or anywhere in it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from evkit.inventory.types.literals import Key, Runs

_LOOKED_UP = 4  # bytes of a key that are looked up
_WORTH = 3  # rules at a place: trying one or two costs libmagic no more than looking there
_STEPS = (256, 4096)  # places behind these are looked up in longer inputs only

_Place = tuple[int, int]  # offset and length of what is looked up


class Group(NamedTuple):
    """Rules of which none can match unless `kept` says that one of their probes is there."""

    rules: frozenset[int]
    kept: Callable[[bytes], bool]

    @classmethod
    def of(cls, probes: Iterable[bytes], needs: Sequence[tuple[int, Runs]]) -> Group:
        """Return the group of rules that need one of the probes, with their numbers."""
        sets = [values for _, need in needs for values in need.sets]
        probes = [probe for probe in probes if any(probe in v for values in sets for v in values)]
        limits = [need.limit for _, need in needs]
        ignore = any(need.ignore for _, need in needs)
        limit = max(limits) if all(limits) else sys.maxsize
        return cls(frozenset(number for number, _ in needs), _looking(probes, limit, ignore))


def _looking(probes: Sequence[bytes], limit: int, ignore: bool) -> Callable[[bytes], bool]:  # noqa: FBT001
    if len(probes) == 1 and not ignore:
        word = probes[0]
        return lambda head: head.find(word, 0, limit) >= 0
    flags = re.IGNORECASE if ignore else re.NOFLAG
    search = re.compile(b"|".join(map(re.escape, probes)), flags).search
    return lambda head: search(head, 0, limit) is not None


class Places:
    """Rules by the bytes that they need at fixed places.

    Args:
        keys: numbers of rules and what they need.
        large: rules that are looked up in any case.

    Attributes:
        left: rules that are not looked up because that does not pay.
    """

    def __init__(self, keys: Iterable[tuple[int, Key]], large: Container[int] = ()) -> None:
        keys = list(keys)
        counts = Counter(offset for _, key in keys for offset in key.offsets)
        self.left: set[int] = set()
        steps: dict[int, list[tuple[int, Key]]] = {}
        for number, key in keys:
            if any(counts[offset] < _WORTH for offset in key.offsets) and number not in large:
                self.left.add(number)
            else:
                start = max((step for step in _STEPS if step <= min(key.offsets)), default=0)
                steps.setdefault(start, []).append((number, key))
        self._steps = [(start, _Step(steps[start])) for start in sorted(steps)]

    def find(self, head: bytes) -> list[int]:
        """Return the numbers of the rules whose bytes are there."""
        length = len(head)
        return [
            number for start, step in self._steps if length > start for number in step.find(head)
        ]


class _Step:
    def __init__(self, keys: Iterable[tuple[int, Key]]) -> None:
        tables: dict[_Place, dict[bytes, list[tuple[int, bytes, int]]]] = {(0, 1): {}, (0, 2): {}}
        for number, key in keys:
            size = min(len(key.value), _LOOKED_UP)
            for offset in key.offsets:
                table = tables.setdefault((offset, size), {})
                table.setdefault(key.value[:size], []).append((number, key.value, offset))
        self._tables = list(tables.values())
        self._pieces = itemgetter(*(slice(at, at + size) for at, size in tables))  # two or more

    def find(self, head: bytes) -> list[int]:
        return [
            number
            for piece, table in zip(self._pieces(head), self._tables, strict=True)
            if piece in table
            for number, value, offset in table[piece]
            if head.startswith(value, offset)
        ]
