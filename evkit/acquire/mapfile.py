"""The map of a rescue: which ranges of a medium are read, untried or bad, as GNU ddrescue keeps it.

`RescueMap` covers a medium from its first byte to its last, always. `parse` and `encode` are its
text form, which ddrescue takes over and from which a rescue of ddrescue is taken over.
`docs/spec/rescue-map.md`. Nothing here reads a medium.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

from evkit.core.errors import InputError
from evkit.core.limits import read_file
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evkit.core.ranges import Range

FINISHED: Final = "+"
UNTRIED: Final = "?"
NON_TRIMMED: Final = "*"
NON_SCRAPED: Final = "/"
BAD: Final = "-"
STATUSES: Final = (FINISHED, UNTRIED, NON_TRIMMED, NON_SCRAPED, BAD)
UNREAD: Final = (UNTRIED, NON_TRIMMED, NON_SCRAPED, BAD)

MAX_RANGES = 1 << 21  # that are read; a rescue ends before it makes as many
MAX_BYTES = 96 << 20  # of a map with MAX_RANGES lines
_MAX_END = (1 << 63) - 1
_NUMBER = rb"(0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,22})"
_RANGE = re.compile(_NUMBER + rb"[ \t]+" + _NUMBER + rb"[ \t]+([-?*/+])")
_STATE = re.compile(_NUMBER + rb"[ \t]+([-?*/+FG])(?:[ \t]+([0-9]{1,9}))?")
_SHOWN = 60


class RescueMap:
    """Every range of a medium with its status; neighbours of one status are one range.

    Args:
        size: bytes of the medium.
        status: of all of it at the start.

    Attributes:
        size: bytes of the medium.
        position: where the work stands.
        phase: what the work does: a status for the pass over ranges of it, `+` when it is done.
        number: which pass of that phase, from 1.
    """

    def __init__(self, size: int, status: str = UNTRIED) -> None:
        if not 0 <= size <= _MAX_END or status not in STATUSES:
            raise ValueError("not a size and a status of a map")
        self.size = size
        self.position = 0
        self.phase = UNTRIED
        self.number = 1
        self._starts = [0] if size else []
        self._kinds = [status] if size else []
        self._totals = dict.fromkeys(STATUSES, 0)
        self._totals[status] = size

    def __len__(self) -> int:
        return len(self._starts)

    def mark(self, offset: int, length: int, status: str) -> None:
        """Give a range a status, whatever its parts had before."""
        end = offset + length
        if not 0 <= offset <= end <= self.size or status not in STATUSES:
            raise ValueError(f"cannot mark {offset}+{length} as {status!r}")
        if not length:
            return
        starts, kinds = self._starts, self._kinds
        low = bisect_right(starts, offset) - 1
        high = bisect_left(starts, end)  # of the first range that is left alone
        tail = self._end(high - 1)
        self._recount(low, high, offset, end, status)
        new = [(starts[low], kinds[low])] if starts[low] < offset else []
        if not new and low and kinds[low - 1] == status:
            low -= 1
            new = [(starts[low], status)]
        if not new or new[-1][1] != status:
            new.append((offset, status))
        if tail > end and kinds[high - 1] != status:
            new.append((end, kinds[high - 1]))
        elif tail == end and high < len(starts) and kinds[high] == status:
            high += 1
        starts[low:high] = [start for start, _ in new]
        kinds[low:high] = [kind for _, kind in new]

    def at(self, offset: int) -> str:
        """Return the status of the byte at `offset`."""
        if not 0 <= offset < self.size:
            raise ValueError(f"{offset} is not in the map")
        return self._kinds[bisect_right(self._starts, offset) - 1]

    def blocks(self) -> Iterator[tuple[int, int, str]]:
        """Yield (offset, length, status) of all ranges, in order."""
        for index, start in enumerate(self._starts):
            yield start, self._end(index) - start, self._kinds[index]

    def ranges(self, *statuses: str) -> Iterator[Range]:
        """Yield (offset, length) in order of what has one of the statuses, neighbours joined."""
        start = end = 0
        for offset, length, kind in self.blocks():
            if kind not in statuses:
                continue
            if offset != end and end:
                yield start, end - start
            if offset != end or not end:
                start = offset
            end = offset + length
        if end:
            yield start, end - start

    def total(self, *statuses: str) -> int:
        """Return the bytes that have one of the statuses."""
        return sum(self._totals[status] for status in set(statuses))

    def next(self, status: str, start: int = 0) -> Range | None:
        """Return the first range of a status that ends after `start`, cut to begin there."""
        index = max(bisect_right(self._starts, start) - 1, 0)
        for place in range(index, len(self._starts)):
            if self._kinds[place] == status:
                offset, end = max(self._starts[place], start), self._end(place)
                if end > offset:
                    return offset, end - offset
        return None

    def previous(self, status: str, end: int) -> Range | None:
        """Return the last range of a status that begins before `end`, cut to end there."""
        for place in range(bisect_left(self._starts, end) - 1, -1, -1):
            if self._kinds[place] == status:
                return self._starts[place], min(self._end(place), end) - self._starts[place]
        return None

    def spoil(self, offset: int) -> None:
        """Mark as bad all that is not read from `offset` to the end: there is no medium there."""
        for start, length in list(self.ranges(*UNREAD)):
            if start + length > offset:
                first = max(start, offset)
                self.mark(first, start + length - first, BAD)

    def _end(self, index: int) -> int:
        return self._starts[index + 1] if index + 1 < len(self._starts) else self.size

    def _recount(self, low: int, high: int, offset: int, end: int, status: str) -> None:
        for place in range(low, high):
            covered = min(self._end(place), end) - max(self._starts[place], offset)
            self._totals[self._kinds[place]] -= covered
        self._totals[status] += end - offset


def of_gaps(gaps: Iterable[Range], size: int) -> RescueMap:
    """Return the map of a finished reading: `-` in the gaps, `+` everywhere else."""
    found = RescueMap(size, FINISHED)
    found.phase = FINISHED
    for offset, length in gaps:
        found.mark(offset, length, BAD)
    return found


def encode(rescue_map: RescueMap) -> bytes:
    """Return the text form of a map, the same bytes for the same map."""
    lines = [
        "# made by evkit; format of GNU ddrescue",
        "# current_pos  current_status  current_pass",
        f"0x{rescue_map.position:08X}     {rescue_map.phase}               {rescue_map.number}",
        "#      pos        size  status",
    ]
    lines += [
        f"0x{offset:08X}  0x{length:08X}  {status}"
        for offset, length, status in rescue_map.blocks()
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def read(path: bytes, size: int | None = None) -> RescueMap:
    """Read a map from a file; see `parse`.

    Raises:
        InputError: it cannot be read, is over the limit, or is not a map of this medium.
    """
    try:
        return parse(read_file(path, MAX_BYTES), size)
    except InputError as error:
        raise InputError(
            f"`{escape_bytes(path)}` cannot be used as a map: {error.message}", hint=error.hint
        ) from error


def parse(data: bytes, size: int | None = None) -> RescueMap:
    """Read the text form of a map, by evkit or by ddrescue.

    Comments, empty lines, and numbers in hexadecimal (0x), octal (0) and decimal are understood.

    Args:
        data: the text.
        size: bytes of the medium. What the map does not reach is untried; what it says beyond is
            dropped unless it says that it was read. None for the end of the map.

    Raises:
        InputError: it is not a map, has gaps or overlaps, or is one of a longer medium.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"the map is over the limit of {MAX_BYTES} bytes")
    lines = _content(data)
    state = next(lines, None)
    match = _STATE.fullmatch(state[1]) if state else None
    if match is None:
        raise InputError(
            "it has no line that says where the work stands (position, status)",
            hint="a map of ddrescue begins so; lists of bad blocks are not maps",
        )
    position = _number(match[1], state[0] if state else 0)
    found = _ranges(lines, size)
    found.position = min(position, found.size)
    found.phase = match[2].decode("ascii")
    found.number = max(1, int(match[3] or 1))
    return found


def _content(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, content) of the lines that have any, without their comments."""
    for number, line in enumerate(data.split(b"\n"), 1):
        text = line.partition(b"#")[0].strip(b" \t\r")
        if text:
            yield number, text


def _ranges(lines: Iterator[tuple[int, bytes]], size: int | None) -> RescueMap:
    blocks: list[tuple[int, int, str]] = []
    end = 0
    for number, text in lines:
        match = _RANGE.fullmatch(text)
        if match is None:
            shown = escape_bytes(text[:_SHOWN])
            raise InputError(f"line {number} is not `position size status`: `{shown}`")
        offset, length = _number(match[1], number), _number(match[2], number)
        if blocks and offset != end:
            what = "a gap before" if offset > end else "an overlap in"
            raise InputError(
                f"there is {what} line {number}: it begins at {offset}, the one above ends at {end}"
            )
        end = offset + length
        if not length or end > _MAX_END:
            raise InputError(f"line {number} holds a range that cannot be: {offset}, {length}")
        blocks.append((offset, length, match[3].decode("ascii")))
        if len(blocks) > MAX_RANGES:
            raise InputError(f"the map has more than {MAX_RANGES} ranges")
    return _build(blocks, end if size is None else size)


def _build(blocks: list[tuple[int, int, str]], size: int) -> RescueMap:
    """Return the map of ranges that follow each other."""
    found = RescueMap(size)
    for offset, length, status in blocks:
        if offset + length > size and status == FINISHED:
            raise InputError(
                f"it says that bytes up to {offset + length} were read, the medium has {size}",
                hint="is it the map of another medium?",
            )
        if offset < size:
            found.mark(offset, min(length, size - offset), status)
    return found


def _number(text: bytes, line: int) -> int:
    """Read a number as C does: 0x hexadecimal, 0 octal, else decimal."""
    base = 16 if text[:2] in {b"0x", b"0X"} else 8 if text[:1] == b"0" else 10
    try:
        value = int(text, base)
    except ValueError as error:
        raise InputError(f"line {line} holds `{text.decode('ascii')}`, not a number") from error
    if value > _MAX_END:
        raise InputError(f"line {line} holds a number over 2^63")
    return value
