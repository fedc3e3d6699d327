"""What hangs on a rule: whether an input gets there.

A continuation is tried only when the tests above it match. A jump judges other places of the input
by all the rules; a rule that says nothing by itself has an effect only with a continuation. Tests
that need certain bytes and those that compare a number at a fixed place are judged here; every
other test counts as matching, so that the answers err to *yes*.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.literals import NUMBERS, PLACED, QUADS, Key, Runs, needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.types.compiled import Database, Rule

Judge = Callable[[bytes], bool]
Way = tuple[Judge, ...]

_UNSIGNED = 0x08
_ALL = (1 << 64) - 1
_SIGN = 1 << 63
_COMPARED: dict[bytes, Callable[[int, int], bool]] = {
    b"=": operator.eq,
    b"!": operator.ne,
    b"<": operator.lt,
    b">": operator.gt,
    b"&": lambda found, value: found & value == value,
    b"^": lambda found, value: found & value != value,
}


def ways(database: Database, rule: Rule) -> tuple[Way, ...]:
    """Return, for each jump of a rule, the tests that must all match to reach it."""
    steps = database.steps(rule)
    return tuple(
        tuple(judge for test in _above(steps, number) if (judge := judged(test)) is not None)
        for number, step in enumerate(steps)
        if database.jumps(step)
    )


def reached(found: Sequence[Way], head: bytes) -> bool:
    """Say whether an input may reach one of a rule's jumps."""
    for way in found:  # plain loops: this is asked for nearly every stream
        for judge in way:
            if not judge(head):
                break
        else:
            return True
    return False


class Effect:
    """Whether a rule that says nothing by itself can say anything of an input.

    Args:
        steps: the rule's records, itself first.
    """

    def __init__(self, steps: Sequence[Rule]) -> None:
        first = [step for step in steps[1:] if step.level == 1]
        needs = [needed(step) for step in first]
        self._places = [
            (key.value, offset) for key in needs if isinstance(key, Key) for offset in key.offsets
        ]
        self._runs = [need for need in needs if isinstance(need, Runs)]
        others = [judged(step) for step, need in zip(first, needs, strict=True) if need is None]
        self._tests = [judge for judge in others if judge is not None]
        self.known = steps[0].silent and None not in others

    def possible(self, head: bytes) -> bool:
        """Say whether one of the first continuations may match."""
        for value, offset in self._places:
            if head.startswith(value, offset):
                return True
        for judge in self._tests:
            if judge(head):
                return True
        return any(need.there(head) for need in self._runs)


def judged(test: Rule) -> Judge | None:
    """Return what says whether a test matches an input, None where that is not known."""
    if test.kind not in NUMBERS or test.kind in QUADS or test.flag & PLACED or test.offset < 0:
        return None
    compared = _COMPARED.get(test.relation)
    if compared is None or test.operator != 0:
        return None
    width, order = NUMBERS[test.kind]
    start, end = test.offset, test.offset + width
    mask = int.from_bytes(test.mask[:width], "little") if any(test.mask) else (1 << 8 * width) - 1
    negative = 0 if test.flag & _UNSIGNED else 1 << (8 * width - 1)
    less = 1 << 8 * width
    turned = _SIGN if not test.flag & _UNSIGNED and test.relation in b"<>" else 0
    value = int.from_bytes(test.value, "little") ^ turned
    missing = test.relation == b"!"

    def judge(head: bytes) -> bool:
        piece = head[start:end]
        if len(piece) < width:
            return missing
        found = int.from_bytes(piece, order) & mask
        if found & negative:
            found = (found - less) & _ALL
        return compared(found ^ turned, value)

    return judge


def _above(steps: Sequence[Rule], number: int) -> tuple[Rule, ...]:
    way: list[Rule] = []
    level = steps[number].level
    for step in reversed(steps[:number]):
        if step.level < level:
            way.append(step)
            level = step.level
    if steps[number].kind not in {mgc.INDIRECT, mgc.USE}:
        way.append(steps[number])
    return tuple(reversed(way))
