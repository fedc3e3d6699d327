"""Whether a source is the one that was read before: its length, and pieces of what was read."""

from __future__ import annotations

import mmap
import os
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError, RefusedError
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.hashing.pieces import GROUP_BYTES, HASH, group_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evkit.acquire.source import Facts, Opened

SAMPLES = 14  # beside the first and the last
IDENTITY = ("make", "model", "serial", "firmware", "wwid", "cid", "interface")


class Compared(NamedTuple):
    """Pieces of 1 MiB that agree, and those that cannot be read any more."""

    equal: int
    unread: int


def recognise(
    opened: Opened,
    size: int,
    nodes: Mapping[int, bytes],
    block: int,
    lost: Sequence[tuple[int, int]] = (),
) -> Compared:
    """Compare a source with what was read from it before.

    Args:
        opened: the source, narrowed to the part that is taken.
        size: bytes of the medium then.
        nodes: piece nodes by number of the block.
        block: bytes of a block.
        lost: ranges that could not be read then; pieces in them are not compared.

    Raises:
        RefusedError: it has another length, or other content.
        InputError: it cannot be read at any place where it could be read before.
    """
    shown = escape_bytes(opened.facts.path)
    if opened.facts.size != size:
        raise RefusedError(
            f"`{shown}` is not the source that was read: it has "
            f"{in_words(opened.facts.size or 0)}, that had {in_words(size)}",
            hint="name the right device; device names change when things are plugged in again",
        )
    bad = sorted(lost)
    known = [number for number in sorted(nodes) if not _touches(bad, number * block)]
    step = max(1, len(known) // (SAMPLES + 1))
    chosen = sorted({*known[:1], *known[-1:], *known[::step]})
    unread: list[InputError] = []
    for number in chosen:
        at = number * block
        try:
            piece = _read(opened, at, min(GROUP_BYTES, size - at))
        except InputError as error:  # a failing medium; others speak for it
            unread.append(error)
            continue
        if group_node(piece) != nodes[number][:HASH]:
            raise RefusedError(
                f"`{shown}` is not the source that was read: its content differs at byte {at}",
                hint="name the right device, or record the stopped work with `--finish`",
            )
    if unread and len(unread) == len(chosen):
        raise unread[0]
    return Compared(len(chosen) - len(unread), len(unread))


def choose(ranges: Iterable[tuple[int, int]], size: int) -> list[int]:
    """Choose pieces of a medium that lie whole in ranges: the first, the last and some between.

    Args:
        ranges: offset and length of what was read, in order.
        size: bytes of the medium; its last piece may be short.

    Returns:
        Their numbers, at most `SAMPLES` and two.
    """
    runs: list[range] = []
    for offset, length in ranges:
        end = offset + length
        last = end // GROUP_BYTES if end < size else -(-end // GROUP_BYTES)
        runs.append(range(-(-offset // GROUP_BYTES), last))
    count = sum(map(len, runs))
    wanted = sorted({number * (count - 1) // (SAMPLES + 1) for number in range(SAMPLES + 2)})
    found, before = [], 0
    for run in runs:
        found += [run[at - before] for at in wanted if before <= at < before + len(run)]
        before += len(run)
    return found


def _touches(ranges: Sequence[tuple[int, int]], at: int) -> bool:
    """Say whether one of sorted ranges has bytes of the piece at `at`."""
    index = bisect_left(ranges, (at + GROUP_BYTES, 0))
    return index > 0 and sum(ranges[index - 1]) > at


def identity_changes(before: Mapping[str, object], now: Facts) -> list[str]:
    """Say in words where a source identifies itself in another way than the record has it."""
    found = []
    for name in IDENTITY:
        old, new = before.get(name), now.identity.get(name)
        if old is not None and new is not None and old != new:
            found.append(f"its {name} was {old} and is {new}")
    return found


def _read(opened: Opened, offset: int, length: int) -> bytes:
    view = memoryview(mmap.mmap(-1, max(length, mmap.PAGESIZE)))  # an error may keep a part of it
    filled = 0
    while filled < length:
        place = opened.facts.base + offset + filled
        try:
            count = os.preadv(opened.descriptor, [view[filled:]], place)
        except OSError as error:
            raise InputError(
                f"`{escape_bytes(opened.facts.path)}` cannot be read at byte {place}, where it "
                f"could be read before: {error.strerror or error}"
            ) from error
        if not count:
            break
        filled += count
    return bytes(view[: min(filled, length)])
