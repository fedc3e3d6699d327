"""Raw images in one file or in numbered parts. A part that is missing is an error, never zeros."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING

from evkit.core.closing import Closing
from evkit.core.errors import InputError
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.images.files import open_quietly
from evkit.images.model import MAX_MEDIUM, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBERED = re.compile(rb"(.+\.)([0-9]{3,6})", re.DOTALL)
_LETTERED = re.compile(rb"(.+\.)([a-z]{2,4})", re.DOTALL)
_MAX_PARTS = 20000


class RawImage(Closing):
    """One raw file, or several that follow each other; opened read-only.

    Args:
        paths: the parts in order, at least one.

    Raises:
        InputError: a part cannot be opened, is no file or device, or is empty among others.
    """

    sector_size: int | None = None

    def __init__(self, paths: Sequence[bytes]) -> None:
        self.format = "raw" if len(paths) == 1 else "split-raw"
        self.stored_digests: Mapping[str, str] = {}
        self.metadata: Mapping[str, str] = {}
        self.declared_gaps: Sequence[tuple[int, int]] = ()
        self.size = 0
        self._parts: list[tuple[int, int, int]] = []
        segments: list[Segment] = []
        try:
            for path in paths:
                descriptor, length = _open(path)
                self._parts.append((self.size, length, descriptor))
                _need_content(path, length, len(paths))
                segments.append(Segment(path=path, size=length))
                self.size += length
        except InputError:
            self.close()
            raise
        self.segments: Sequence[Segment] = tuple(segments)
        self.remarks: Sequence[str] = tuple(_odd_sizes(segments))
        if self.size > MAX_MEDIUM:
            self.close()
            raise InputError("the image is larger than evkit records (2^53 bytes)")

    def close(self) -> None:
        """Close all parts."""
        for _, _, descriptor in self._parts:
            os.close(descriptor)
        self._parts = []

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium, fewer only at its end.

        Raises:
            OSError: a part could not be read, or ended before its length.
        """
        found: list[bytes] = []
        for start, length, descriptor in self._parts:
            while size > 0 and start <= offset < start + length:
                block = os.pread(descriptor, min(size, start + length - offset), offset - start)
                if not block:
                    raise OSError(errno.EIO, f"the image ended early at byte {offset}")
                found.append(block)
                offset += len(block)
                size -= len(block)
        return found[0] if len(found) == 1 else b"".join(found)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer with bytes of the medium; returns how many, fewer only at its end.

        Raises:
            OSError: as `read`.
        """
        at = 0
        for start, length, descriptor in self._parts:
            while at < len(buffer) and start <= offset + at < start + length:
                part = buffer[at : at + start + length - offset - at]
                count = os.preadv(descriptor, [part], offset + at - start)
                if not count:
                    raise OSError(errno.EIO, f"the image ended early at byte {offset + at}")
                at += count
        return at


def find_parts(path: bytes) -> list[bytes]:
    """Return all parts of the raw image that `path` belongs to, in order.

    Numbered parts end in `.000` or `.001` and upwards, lettered ones in `.aa` and upwards. A file
    with another name is the whole image.

    Raises:
        InputError: a part between the first and the last is missing, or the first is.
    """
    match = _NUMBERED.fullmatch(path)
    if match is not None:
        return _numbered(path, match[1], len(match[2]))
    match = _LETTERED.fullmatch(path)
    if match is not None and os.path.lexists(match[1] + b"a" * len(match[2])):
        return _lettered(match[1], len(match[2]))
    return [path]


def _numbered(path: bytes, stem: bytes, width: int) -> list[bytes]:
    found: dict[int, bytes] = {}
    for name in _siblings(stem):
        digits = name[len(stem) :]
        grown = len(digits) > width and not digits.startswith(b"0")
        if digits.isdigit() and (len(digits) == width or grown):
            found[int(digits)] = name
    if int(path[len(stem) :]) not in found:
        return [path]
    first, last = min(found), max(found)
    if first > 1:
        _missing(stem + b"%0*d" % (width, 1))
    if last - first >= _MAX_PARTS:
        raise InputError(f"the image has over {_MAX_PARTS} parts")
    for number in range(first, last + 1):
        if number not in found:
            _missing(stem + b"%0*d" % (width, number))
    return [found[number] for number in sorted(found)]


def _lettered(stem: bytes, width: int) -> list[bytes]:
    found = {
        _value(name[len(stem) :]): name
        for name in _siblings(stem)
        if re.fullmatch(rb"[a-z]{%d}" % width, name[len(stem) :])
    }
    # a word such as `.log` beside `.aaa` is not a part: parts are counted from `aa` without a hole,
    # and whatever lies far behind the first hole is another kind of file
    parts: list[bytes] = []
    while len(parts) in found:
        parts.append(found[len(parts)])
    if len(parts) + 1 in found:
        _missing(stem + _letters(len(parts), width))
    return parts


def _value(letters: bytes) -> int:
    value = 0
    for letter in letters:
        value = value * 26 + letter - 97
    return value


def _letters(value: int, width: int) -> bytes:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, 26)
        digits.append(97 + digit)
    return bytes(reversed(digits))


def _siblings(stem: bytes) -> list[bytes]:
    folder, base = os.path.split(stem)
    try:
        names = os.listdir(folder or b".")
    except OSError as error:
        raise InputError(
            f"cannot list `{escape_bytes(folder)}`: {error.strerror or error}"
        ) from error
    return [os.path.join(folder, name) for name in names if name.startswith(base)]


def _missing(path: bytes) -> None:
    raise InputError(
        f"part `{escape_bytes(path)}` of the image is missing",
        hint="bring all parts into one folder; evkit does not fill gaps between parts",
    )


def _need_content(path: bytes, length: int, parts: int) -> None:
    if not length and parts > 1:
        raise InputError(f"part `{escape_bytes(path)}` of the image is empty")


def _open(path: bytes) -> tuple[int, int]:
    shown = escape_bytes(path)
    try:
        descriptor = open_quietly(path)
    except OSError as error:
        raise InputError(
            f"cannot read `{shown}`: {error.strerror or error}",
            hint="check the name; all parts of a split image must lie in one folder",
        ) from error
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"`{shown}` is a folder", hint="name a file of the image")
    try:
        return descriptor, os.lseek(descriptor, 0, os.SEEK_END)
    except OSError as error:
        os.close(descriptor)
        raise InputError(f"`{shown}` is not a file or a device") from error


def _odd_sizes(segments: Sequence[Segment]) -> list[str]:
    """Parts before the last have one size in every known tool; another is worth a remark."""
    odd = [part for part in segments[1:-1] if part.size != segments[0].size]
    return [
        f"part {escape_bytes(os.path.basename(part.path))} has {in_words(part.size)}, "
        f"the first {segments[0].size}"
        for part in odd
    ]
