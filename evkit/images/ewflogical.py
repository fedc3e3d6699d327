"""EnCase logical evidence (L01, Lx01): the case details and the names of the files, through libewf.

There is no medium in it: what libewf gives as one are the contents of the files, end to end. And
libewf does not find all files of every such container (its issues 204, 205 and 207), so that evkit
shows what is listed and takes the container in as a file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.images.ex01 import metadata, segment_extension
from evkit.images.native import FAILURES, decoding, lock_of, open_file

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping

LIBRARY = "pyewf"
MAX_ENTRIES = 10_000
_MAX_DEPTH = 256
_MAX_NAME = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or folder in the container: its path there, text from outside; its stated MD5."""

    path: str
    size: int
    md5: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical:
    """What a logical container says.

    Attributes:
        segments: its files in order.
        cut: there are more entries than `MAX_ENTRIES`.
    """

    segments: tuple[bytes, ...]
    metadata: Mapping[str, str]
    entries: tuple[Entry, ...]
    cut: bool


def read_logical(path: bytes) -> Logical:
    """Read the names in a logical container.

    Raises:
        InputError: libewf cannot open it, or cannot follow its list of files.
    """
    import pyewf

    segments = _segments(path)
    files: list[io.FileIO] = []
    entries: list[Entry] = []
    cut = False
    with lock_of(LIBRARY):
        handle = pyewf.handle()
        try:
            files += map(open_file, segments)
            with decoding(LIBRARY, path, "list of files of an EnCase container"):
                handle.open_file_objects(files)
                for entry in _walk(handle.get_root_file_entry()):
                    if len(entries) >= MAX_ENTRIES:
                        cut = True
                        break
                    entries.append(entry)
            details = metadata(handle)
        finally:
            for opened in files:
                opened.close()
    return Logical(segments=segments, metadata=details, entries=tuple(entries), cut=cut)


def _walk(root: Any) -> Iterator[Entry]:  # noqa: ANN401 - pyewf has no types
    """Yield the entries below the root, folders before what is in them."""
    waiting = [(root, "", 0)]
    while waiting:
        node, path, depth = waiting.pop()
        if depth:
            yield Entry(path=path, size=int(node.get_size() or 0), md5=_md5(node))
        if depth < _MAX_DEPTH:
            count = min(int(node.get_number_of_sub_file_entries()), MAX_ENTRIES + 1)
            children = [node.get_sub_file_entry(number) for number in range(count)]
            for child in reversed(children):
                name = str(child.get_name() or "")[:_MAX_NAME]
                waiting.append((child, f"{path}/{name}", depth + 1))


def _md5(node: Any) -> str | None:  # noqa: ANN401 - pyewf has no types
    try:
        value = node.get_hash_value_md5()
    except FAILURES:  # it is not set
        return None
    return str(value).lower() if value else None


def _segments(path: bytes) -> tuple[bytes, ...]:
    """Return the files of the container: `.L01` … `.L99`, `.LAA` …, or `.Lx01` …."""
    stem, extension = os.path.splitext(path)
    found: list[bytes] = []
    for number in range(1, 1000):
        name = stem + _extension(number, extension)
        if not os.path.lexists(name):
            break
        found.append(name)
    return tuple(found) if path in found else (path,)


def _extension(number: int, first: bytes) -> bytes:
    if len(first) == 5:  # noqa: PLR2004 - `.Lx01`
        return segment_extension(number, first[1:3])
    made = segment_extension(number, first[1:2] + b"x")
    return made[:2] + made[3:]
