"""What hangs on a rule: whether an input gets there.

A continuation is tried only when the tests above it match. A jump judges other places of the input
by all the rules; a rule that says nothing by itself has an effect only with a continuation. Tests
that need certain bytes and those that compare a number at a fixed place are judged here; every
other test counts as matching, so that the answers err to *yes*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.literals import NUMBERS, PLACED, QUADS, needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.types.compiled import Database, Rule

_UNSIGNED = 0x08
_ALL = (1 << 64) - 1
_SIGN = 1 << 63


def ways(database: Database, rule: Rule) -> tuple[tuple[Rule, ...], ...]:
    """Return, for each jump of a rule, the tests that must all match to reach it."""
    steps = database.steps(rule)
    return tuple(_above(steps, number) for number, step in enumerate(steps) if database.jumps(step))


class Effect:
    """Whether a rule that says nothing by itself can say anything of an input.

    Args:
        steps: the rule's records, itself first.
    """

    def __init__(self, steps: Sequence[Rule]) -> None:
        first = [step for step in steps[1:] if step.level == 1]
        self._needs = [need for step in first if (need := needed(step)) is not None]
        self._tests = [step for step in first if needed(step) is None]
        self.known = steps[0].silent and not any(_open(step) for step in self._tests)

    def possible(self, head: bytes) -> bool:
        """Say whether one of the first continuations may match."""
        return any(need.there(head) for need in self._needs) or any(
            may_match(test, head) for test in self._tests
        )


def reached(tests: Sequence[Sequence[Rule]], head: bytes) -> bool:
    """Say whether an input may reach one of a rule's jumps."""
    return any(all(may_match(test, head) for test in way) for way in tests)


def may_match(test: Rule, head: bytes) -> bool:
    """Say whether a test matches an input; True where that is not known."""
    if _open(test):
        return True
    width, order = NUMBERS[test.kind]
    piece = head[test.offset : test.offset + width]
    if len(piece) < width:
        return test.relation == b"!"
    found = int.from_bytes(piece, "big" if order == "big" else "little")
    if any(test.mask):
        found &= int.from_bytes(test.mask[:width], "little")
    if not test.flag & _UNSIGNED and found >> (8 * width - 1):
        found = (found - (1 << 8 * width)) & _ALL
    return _compared(found, int.from_bytes(test.value, "little"), test)


def _open(test: Rule) -> bool:
    """Say whether a test is not judged here."""
    return (
        test.kind not in NUMBERS
        or test.kind in QUADS
        or bool(test.flag & PLACED)
        or test.offset < 0
        or test.operator != 0
        or test.relation not in b"=!<>&^"
    )


def _compared(found: int, value: int, test: Rule) -> bool:
    if test.relation in b"<>":
        if not test.flag & _UNSIGNED:
            found, value = found ^ _SIGN, value ^ _SIGN
        return found < value if test.relation == b"<" else found > value
    if test.relation in b"&^":
        return (found & value == value) == (test.relation == b"&")
    return (found == value) == (test.relation == b"=")


def _above(steps: Sequence[Rule], number: int) -> tuple[Rule, ...]:
    way: list[Rule] = []
    level = steps[number].level
    for step in reversed(steps[:number]):
        if step.level < level:
            way.append(step)
            level = step.level
    if steps[number].kind != mgc.INDIRECT and steps[number].kind != mgc.USE:
        way.append(steps[number])
    return tuple(reversed(way))
