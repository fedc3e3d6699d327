"""When an image that must be written in order should not be: too many errors in too little medium.

An E01 is written from the first chunk to the last, so its reader waits at each bad sector. In an
error storm that takes days and may end the disk; a raw image with a map skips ahead first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One read of the recent past.

    Attributes:
        length: bytes that the work went forward.
        bad: sectors in them that could not be read.
        seconds: time it took.
    """

    length: int
    bad: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is a storm.

    Attributes:
        window: bytes of medium that are looked back at.
        bad: so many bad sectors in the window are one.
        seconds: so much time in the window is one, when at least one sector in it was bad.
    """

    window: int = 64 << 20
    bad: int = 128
    seconds: float = 120.0


RULE = Rule()


def storm(history: Iterable[Stretch], rule: Rule = RULE) -> bool:
    """Say whether the latest of `history`, the newest last, is an error storm.

    The stretch in which the window begins counts whole. A medium that is only slow is no storm.
    """
    length = bad = 0
    seconds = 0.0
    for stretch in reversed(list(history)):
        if length >= rule.window:
            break
        length += stretch.length
        bad += stretch.bad
        seconds += stretch.seconds
    return bad >= rule.bad or (bad > 0 and seconds >= rule.seconds)


class Watch:
    """Keeps as much history as the rule looks at.

    Args:
        rule: what is a storm.
    """

    def __init__(self, rule: Rule = RULE) -> None:
        self._rule = rule
        self._history: deque[Stretch] = deque()
        self._length = 0

    def add(self, stretch: Stretch) -> bool:
        """Take the newest stretch and say whether there is a storm now."""
        history = self._history
        history.append(stretch)
        self._length += stretch.length
        while self._length - history[0].length >= self._rule.window:
            self._length -= history.popleft().length
        return storm(history, self._rule)
