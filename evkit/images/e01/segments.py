"""The segment files of an image: opened, read section by section, and put in order."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.e01.chain import Walker, read_number
from evkit.images.e01.layout import FILE_HEADER, LOGICAL_MAGIC
from evkit.images.e01.names import extension, first_letter
from evkit.images.files import open_quietly, read_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.chain import Chain
    from evkit.images.e01.finding import Findings

MAX_OPEN: Final = 512  # half of what most systems allow
_MANY: Final = 14971  # missing segments in a row
_ALL_HERE: Final = "bring all segments into one folder; evkit does not fill gaps between them"
_IN_ORDER: Final = "name the first segment (`.E01`) and keep all segments in one folder"
_FIRST: Final = {"volume", "disk", "header", "header2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One segment file.

    Attributes:
        path: as it was given.
        size: bytes.
        place: number that its place among the files gives it, from 1.
        number: number that the file itself states.
        chain: its sections.
    """

    path: bytes
    size: int
    place: int
    number: int
    chain: Chain

    @property
    def name(self) -> str:
        """The last part of the path, escaped and quoted, for messages."""
        return f"`{escape_bytes(os.path.basename(self.path))}`"

    @property
    def is_first(self) -> bool:
        """Whether its sections are those of a first segment."""
        return any(section.kind in _FIRST for section in self.chain.sections)


class Files:
    """The open segment files; of many only some are open at a time.

    A descriptor stays open at least until `MAX_OPEN` other segments were asked for.
    """

    def __init__(self, paths: Sequence[bytes]) -> None:
        self._paths = paths
        self._open: OrderedDict[int, int] = OrderedDict()
        self._known: dict[int, tuple[int, int, int]] = {}
        self._most = MAX_OPEN
        self._closed = False

    def all(self) -> list[int]:
        """Return the descriptors of all segment files; from now on all stay open.

        Raises:
            InputError: the system does not allow as many open files.
        """
        self._most = max(self._most, len(self._paths))
        return [self.get(index) for index in range(len(self._paths))]

    def get(self, index: int) -> int:
        """Return the descriptor of a segment file.

        Raises:
            InputError: it cannot be opened, or is another file than before.
        """
        if self._closed:
            raise InputError("the image is closed")
        if index in self._open:
            self._open.move_to_end(index)
            return self._open[index]
        descriptor = self._opened(self._paths[index])
        state = os.fstat(descriptor)
        identity = (state.st_dev, state.st_ino, state.st_size)
        if self._known.setdefault(index, identity) != identity:
            os.close(descriptor)
            raise InputError(f"`{escape_bytes(self._paths[index])}` was changed while it was read")
        self._open[index] = descriptor
        if len(self._open) > self._most:
            os.close(self._open.popitem(last=False)[1])
        return descriptor

    def close(self) -> None:
        """Close all of them."""
        self._closed = True
        while self._open:
            os.close(self._open.popitem()[1])

    def _opened(self, path: bytes) -> int:
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise InputError(f"`{escape_bytes(path)}` is not a file")
            return open_quietly(path)
        except OSError as error:
            raise InputError(
                f"cannot read `{escape_bytes(path)}`: {error.strerror or error}",
                hint="check the name; all segments of an image must lie in one folder",
            ) from error


def read_part(files: Files, index: int, path: bytes, findings: Findings) -> Part:
    """Read the sections of one segment file.

    Raises:
        InputError: it cannot be opened or is no segment of an E01.
        OSError: the list of its sections cannot be read.
    """
    descriptor = files.get(index)
    shown = escape_bytes(os.path.basename(path))
    size = os.fstat(descriptor).st_size
    raw = read_at(descriptor, FILE_HEADER.size, 0)
    found = None if raw[:8] == LOGICAL_MAGIC else read_number(raw)
    if found is None:
        raise _no_segment(path, raw)
    if not found[1]:
        text = f"`{shown}` begins with a damaged file header"
        findings.add("file-header", text, index + 1)
    chain = Walker(descriptor, size, f"`{shown}`", index + 1, findings).walk()
    return Part(path=path, size=size, place=index + 1, number=found[0], chain=chain)


def _no_segment(path: bytes, raw: bytes) -> InputError:
    if raw[:8] == LOGICAL_MAGIC:
        return InputError(
            f"`{escape_bytes(path)}` is logical evidence (L01), which holds files and no medium",
            hint="take it in as a file with `evkit intake FILE --kind files`",
        )
    return InputError(f"`{escape_bytes(path)}` is not a segment of an EnCase image (E01)")


def order(
    parts: Sequence[Part], findings: Findings, *, partial: bool, lenient: bool
) -> list[Part | None]:
    """Return the segments in their order, None for each that is missing.

    Args:
        parts: the files in the order in which they were given.
        findings: takes files behind the last segment and numbers that are damaged.
        partial: leave out what is missing instead of refusing the image.
        lenient: take a number that no other file contradicts for damaged; the tables must then
            locate every chunk, or the place of the segment is not known.

    Raises:
        InputError: a segment is missing, cut short or in the place of another one.
    """
    ordered: list[Part | None] = []
    for part in parts:
        if ordered and ordered[-1] is not None and ordered[-1].chain.last == "done":
            text = f"{part.name} follows the last segment of the image and was left out"
            findings.add("segment-extra", text, part.place)
            continue
        place = len(ordered) + 1
        if part.number != place and not (lenient and _misread(part, place, parts)):
            if not partial:
                raise _misplaced(part, place)
            if not place < part.number <= place + len(parts) + _MANY:
                findings.add("segment-number", _misplaced(part, place).message, part.place)
                continue
            for number in range(place, part.number):
                ordered.append(None)
                _missing(missing_name(parts[0].path, number), findings, partial=partial)
        elif part.number != place:
            text = f"{part.name} states the number {part.number} where segment {place} belongs"
            findings.add("segment-number", text, part.place)
        ordered.append(part)
    last = next((part for part in reversed(ordered) if part is not None), None)
    if last is None or last.chain.last == "next":
        wanted = missing_name(parts[0].path, len(ordered) + 1)
        _missing(wanted, findings, partial=partial)
        ordered.append(None)
    cut = {found.segment for found in findings.all() if found.code == "section-cut"}
    for known in ordered:
        if known is not None and known.place in cut and not partial:
            raise InputError(
                f"`{escape_bytes(known.path)}` ends before its last section",
                hint="the file was cut short; ask for it again",
            )
    return ordered


def in_doubt(ordered: Sequence[Part | None]) -> bool:
    """Say whether a segment stands in a place that it does not claim itself."""
    return any(part is not None and part.number != place for place, part in enumerate(ordered, 1))


def missing_name(first: bytes, number: int) -> str:
    """Return the path of a segment that is not there, escaped, in the style of the first one."""
    stem = os.path.splitext(first)[0]
    return escape_bytes(stem + extension(number, first_letter(first) or b"E"))


def _misread(part: Part, place: int, parts: Sequence[Part]) -> bool:
    """Say whether only the number of a segment is damaged: no other file claims its place."""
    if part.is_first != (place == 1) or any(other.number == place for other in parts):
        return False
    return not 1 <= part.number <= len(parts)


def _misplaced(part: Part, place: int) -> InputError:
    return InputError(
        f"`{escape_bytes(part.path)}` is segment {part.number} of an image, where segment {place} "
        "belongs",
        hint=_IN_ORDER,
    )


def _missing(wanted: str, findings: Findings, *, partial: bool) -> None:
    text = f"segment `{wanted}` of the image is missing"
    if not partial:
        raise InputError(text, hint=_ALL_HERE)
    findings.add("segment-missing", text)
