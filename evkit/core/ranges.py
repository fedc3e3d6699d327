"""Ranges (offset, length) of a whole: put in order, added up, taken from the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Range: TypeAlias = tuple[int, int]


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Return ranges in order, those that touch or overlap joined, empty ones gone."""
    found: list[Range] = []
    for offset, length in sorted(ranges):
        if length <= 0:
            continue
        if found and offset <= sum(found[-1]):
            start, had = found[-1]
            found[-1] = (start, max(had, offset + length - start))
        else:
            found.append((offset, length))
    return found


def total(ranges: Iterable[Range]) -> int:
    """Return the length of ranges that do not overlap."""
    return sum(length for _, length in ranges)


def within(ranges: Iterable[Range], size: int) -> int:
    """Return the length of ranges that do not overlap in [0, size)."""
    return sum(min(length, size - offset) for offset, length in ranges if offset < size)


def complement(ranges: Iterable[Range], size: int) -> list[Range]:
    """Return what merged ranges leave of [0, size)."""
    found: list[Range] = []
    at = 0
    for offset, length in ranges:
        if offset >= size:
            break
        if offset > at:
            found.append((at, offset - at))
        at = max(at, offset + length)
    if at < size:
        found.append((at, size - at))
    return found


def overlap(some: Iterable[Range], others: Sequence[Range]) -> int:
    """Return the length that lies in both of two lists of merged ranges."""
    found = at = 0
    for offset, length in some:
        while at < len(others) and sum(others[at]) <= offset:
            at += 1
        here = at
        while here < len(others) and others[here][0] < offset + length:
            start, span = others[here]
            found += min(offset + length, start + span) - max(offset, start)
            here += 1
        at = max(at, here - 1)
    return found
