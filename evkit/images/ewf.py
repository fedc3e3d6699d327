"""E01 images through libewf. The only module that knows pyewf; one lock for all of it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Self

from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes
from evkit.images.ewfsections import SegmentFacts, read_segment
from evkit.images.model import MAX_MEDIUM, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

LAST_SEGMENT = 14971  # .ZZZ
_MAX_VALUE = 4096
_CHUNK = 32768
_lock = threading.Lock()  # libewf keeps state that is shared between handles


class EwfImage:
    """An E01 image with all its segments.

    Args:
        paths: the segment files in order.

    Raises:
        InputError: a segment is missing, out of order or damaged, or libewf refuses the image.
    """

    format = "ewf"

    def __init__(self, paths: Sequence[bytes]) -> None:
        facts = _check_segments(paths)
        self.segments: Sequence[Segment] = tuple(
            Segment(path=path, size=os.path.getsize(path)) for path in paths
        )
        with _lock:
            self._handle, self._files = _open(paths)
            handle = self._handle
            self.size = int(handle.get_media_size())
            self.sector_size: int | None = int(handle.get_bytes_per_sector()) or None
            self.metadata: Mapping[str, str] = _metadata(handle)
        if self.size > MAX_MEDIUM:
            self.close()
            raise InputError("the image is larger than evkit records (2^53 bytes)")
        self.stored_digests, self.remarks = _stored(facts)
        unit = self.sector_size or 512
        self.declared_gaps: Sequence[tuple[int, int]] = tuple(
            (first * unit, count * unit) for part in facts for first, count in part.errors
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all segments."""
        with _lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
            for handle in self._files:
                handle.close()
            self._files = []

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium, fewer only at its end.

        Raises:
            InputError: libewf cannot decode them.
        """
        size = max(0, min(size, self.size - offset))
        found = b""
        with _lock:
            if self._handle is None:
                raise InputError("the image is closed")
            while size:
                try:
                    block = self._handle.read_buffer_at_offset(size, offset)
                except (OSError, MemoryError) as error:
                    raise InputError(
                        f"the image cannot be decoded at byte {offset} of the medium",
                        details={"libewf": escape(str(error).splitlines()[0][:300])},
                    ) from error
                if not block:
                    raise InputError(f"the image ends early, at byte {offset} of the medium")
                found += block
                offset += len(block)
                size -= len(block)
        return found


def version() -> str:
    """Return the version of libewf."""
    import pyewf

    return str(pyewf.get_version())


def find_segments(path: bytes) -> list[bytes]:
    """Return the segment files of the E01 image that `path` belongs to, in order.

    The names follow the first one: `.E01` … `.E99`, `.EAA` … `.ZZZ`, in its upper or lower case.
    """
    stem, extension = os.path.splitext(path)
    if len(extension) != 4 or extension[1:2] not in b"EeSs":  # noqa: PLR2004 - `.E01`
        return [path]
    letter = extension[1:2]
    found: list[bytes] = []
    for number in range(1, LAST_SEGMENT + 1):
        name = stem + segment_extension(number, letter)
        if not os.path.lexists(name):
            break
        found.append(name)
    return found if path in found else [path]


def segment_extension(number: int, letter: bytes = b"E") -> bytes:
    """Return the extension of segment `number` (from 1): `.E01`, …, `.E99`, `.EAA`, …, `.ZZZ`."""
    if number <= 99:  # noqa: PLR2004 - the numbered names
        return b"." + letter + b"%02d" % number
    rest = number - 100
    base = 97 if letter.islower() else 65
    first = letter[0] + rest // 676
    return b"." + bytes((first, base + rest // 26 % 26, base + rest % 26))


def _check_segments(paths: Sequence[bytes]) -> list[SegmentFacts]:
    facts: list[SegmentFacts] = []
    for number, path in enumerate(paths, 1):
        part = read_segment(path)
        shown = escape_bytes(path)
        if part.number != number:
            raise InputError(
                f"`{shown}` is segment {part.number} of an image, where segment {number} belongs",
                hint="name the first segment (`.E01`) and keep all segments in one folder",
            )
        if part.last == "done" and number < len(paths):
            raise InputError(f"`{shown}` is the last segment of the image, yet more files follow")
        facts.append(part)
    if facts[-1].last != "done":
        stem = os.path.splitext(paths[0])[0]
        wanted = escape_bytes(stem + segment_extension(len(paths) + 1))
        raise InputError(
            f"segment `{wanted}` of the image is missing",
            hint="bring all segments into one folder; evkit does not fill gaps between them",
        )
    return facts


def _open(paths: Sequence[bytes]) -> tuple[Any, list[Any]]:
    """Open by name, or through file objects where a name is not UTF-8."""
    import pyewf

    handle = pyewf.handle()
    files: list[Any] = []
    try:
        try:
            handle.open([path.decode("utf-8") for path in paths])
        except UnicodeDecodeError:
            files = [open(path, "rb") for path in paths]  # noqa: SIM115 - closed by `close`
            handle.open_file_objects(files)
    except (OSError, MemoryError) as error:
        for opened in files:
            opened.close()
        raise InputError(
            f"`{escape_bytes(paths[0])}` cannot be opened as an EnCase image",
            hint="the container is damaged; take it in with `--kind files` to keep its bytes",
            details={"libewf": escape(str(error).splitlines()[0][:300])},
        ) from error
    return handle, files


def _metadata(handle: Any) -> dict[str, str]:  # noqa: ANN401 - pyewf has no types
    try:
        values = handle.get_header_values() or {}
    except (OSError, MemoryError, UnicodeError):
        return {"remark": "the case details in the container cannot be read"}
    return {
        str(key): str(value)[:_MAX_VALUE]
        for key, value in sorted(values.items())
        if value is not None
    }


def _stored(facts: Sequence[SegmentFacts]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the stored digests and what is odd about them."""
    remarks: list[str] = []
    result: dict[str, str] = {}
    for part in facts:
        remarks += [
            f"section `{kind}` of segment {part.number} is damaged" for kind in part.damaged
        ]
        if part.hash_md5 and part.digest_md5 and part.hash_md5 != part.digest_md5:
            remarks.append(
                f"the container states two MD5: {part.hash_md5} (hash) and "
                f"{part.digest_md5} (digest)"
            )
        md5 = part.hash_md5 or part.digest_md5
        if md5:
            result["md5"] = md5
        if part.digest_sha1:
            result["sha1"] = part.digest_sha1
    return result, tuple(remarks)
