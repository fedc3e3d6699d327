"""EnCase images of the second format (Ex01) through libewf, all segments."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.ewf2sections import Ex01Facts, read_segment
from evkit.images.native import FAILURES, NativeImage, decoding, open_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIBRARY = "pyewf"
LAST_SEGMENT = 2127  # .EzZZ
_MAX_VALUE = 4096
_SIZES = {"MD5": 32, "SHA1": 40}


class Ex01Image(NativeImage):
    """An Ex01 image with all its segments.

    Args:
        paths: the segment files in order.

    Raises:
        InputError: a segment is missing, out of order or damaged, or libewf refuses the image.
    """

    format = "ewf2"

    def __init__(self, paths: Sequence[bytes]) -> None:
        facts = _check_segments(paths)
        import pyewf

        super().__init__(LIBRARY, paths)
        try:
            with self._lock:
                for path in paths:
                    self._files.append(open_file(path))
                with decoding(LIBRARY, paths[0], "EnCase image"):
                    self.decoder = f"libewf {pyewf.get_version()}"
                    handle = pyewf.handle()
                    handle.open_file_objects(self._files)
                    self._handles.append(handle)
                    size = handle.get_media_size()
                    self.sector_size = int(handle.get_bytes_per_sector()) or None
                self.metadata = metadata(handle)
                self.stored_digests = _digests(handle)
            self._keep_size(size)
        except BaseException:
            self.close()
            raise
        unit = self.sector_size or 512
        self.declared_gaps = tuple((a * unit, n * unit) for part in facts for a, n in part.errors)
        self.remarks = tuple(
            f"the list of sectors that could not be read is damaged, in segment {part.number}"
            for part in facts
            if part.damaged
        )


def find_segments(path: bytes) -> list[bytes]:
    """Return the segment files of the Ex01 image that `path` belongs to, in order.

    The names follow the first one: `.Ex01` … `.Ex99`, `.ExAA` … `.EzZZ`, in its case.
    """
    stem, extension = os.path.splitext(path)
    if len(extension) != 5 or extension[1:3].lower() != b"ex":  # noqa: PLR2004 - `.Ex01`
        return [path]
    found: list[bytes] = []
    for number in range(1, LAST_SEGMENT + 1):
        name = stem + segment_extension(number, extension[1:3])
        if not os.path.lexists(name):
            break
        found.append(name)
    return found if path in found else [path]


def segment_extension(number: int, letters: bytes = b"Ex") -> bytes:
    """Return the extension of segment `number` (from 1): `.Ex01`, …, `.Ex99`, `.ExAA`, …."""
    if number <= 99:  # noqa: PLR2004 - the numbered names
        return b"." + letters + b"%02d" % number
    rest = number - 100
    base = 97 if letters.islower() else 65
    second = letters[1] + rest // 676
    return b"." + bytes((letters[0], second, base + rest // 26 % 26, base + rest % 26))


def metadata(handle: Any) -> Mapping[str, str]:  # noqa: ANN401 - pyewf has no types
    """Return the case details that a libewf handle tells."""
    try:
        values = handle.get_header_values() or {}
    except FAILURES:
        return {"remark": "the case details in the container cannot be read"}
    found = {str(key): str(value)[:_MAX_VALUE] for key, value in values.items() if value}
    return dict(sorted(found.items()))


def _digests(handle: Any) -> dict[str, str]:  # noqa: ANN401 - pyewf has no types
    try:
        values = handle.get_hash_values() or {}
    except FAILURES:
        return {}
    found: dict[str, str] = {}
    for key, length in _SIZES.items():
        value = str(values.get(key) or "").lower()
        if len(value) == length and not value.strip("0123456789abcdef"):
            found[key.lower()] = value
    return found


def _check_segments(paths: Sequence[bytes]) -> list[Ex01Facts]:
    facts: list[Ex01Facts] = []
    for number, path in enumerate(paths, 1):
        part = read_segment(path)
        shown = escape_bytes(path)
        if part.number != number:
            raise InputError(
                f"`{shown}` is segment {part.number} of an image, where segment {number} belongs",
                hint="name the first segment (`.Ex01`) and keep all segments in one folder",
            )
        if part.last and number < len(paths):
            raise InputError(f"`{shown}` is the last segment of the image, yet more files follow")
        if facts and part.set_id != facts[0].set_id:
            raise InputError(f"`{shown}` is a segment of another image")
        facts.append(part)
    if not facts[-1].last:
        stem, extension = os.path.splitext(paths[0])
        letters = extension[1:3] if extension[1:3].lower() == b"ex" else b"Ex"
        wanted = escape_bytes(stem + segment_extension(len(paths) + 1, letters))
        raise InputError(
            f"segment `{wanted}` of the image is missing",
            hint="bring all segments into one folder; evkit does not fill gaps between them",
        )
    return facts
