"""The sections of an Ex01 file, read without decoding data: order of segments, list of errors.

The medium is decoded by libewf, which tells neither. The chain is read from the end of the file, as
the format has it. Layout: "Expert Witness Compression Format 2 (EWF2)", libewf documentation.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.images.files import open_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"EVF2\x0d\x0a\x81\x00"
ERRORS, NEXT, DONE = 5, 13, 15
_HEADER = struct.Struct("<8sBBHI16s")
_SECTION = struct.Struct("<IIQQII28sI")
_ENCRYPTED = 2
_MAX_SECTIONS = 1_000_000
_MAX_ERRORS = 1_000_000
_TABLE_HEAD = 32  # with its padding
_PADDED = 64  # checksum and padding behind a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Ex01Facts:
    """What the sections of one segment file say.

    Attributes:
        number: segment number, from 1.
        set_id: 16 bytes that all segments of an image share.
        last: more segments do not follow.
        errors: (first sector, number of sectors) that could not be read.
        damaged: the list of errors is there and cannot be believed.
    """

    number: int
    set_id: bytes
    last: bool
    errors: tuple[tuple[int, int], ...]
    damaged: bool


def read_segment(path: bytes) -> Ex01Facts:
    """Walk the sections of one segment file.

    Raises:
        InputError: it is no Ex01 segment, its chain is broken, or it is encrypted.
    """
    shown = escape_bytes(path)
    try:
        descriptor = open_quietly(path)
        try:
            return _facts(descriptor, os.lseek(descriptor, 0, os.SEEK_END), shown)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error


def _facts(descriptor: int, size: int, shown: str) -> Ex01Facts:
    head = os.pread(descriptor, _HEADER.size, 0)
    if len(head) < _HEADER.size or head[:8] != MAGIC:
        raise InputError(f"`{shown}` is not a segment of an EnCase image (Ex01)")
    number, set_id = _HEADER.unpack(head)[4:]
    kinds: list[int] = []
    errors: tuple[tuple[int, int], ...] | None = ()
    for kind, start, length in _sections(descriptor, size, shown):
        kinds.append(kind)
        if kind == ERRORS and errors is not None:
            most = _TABLE_HEAD + 16 * (_MAX_ERRORS - len(errors)) + _PADDED
            listed = _error_list(os.pread(descriptor, length, start)) if length <= most else None
            errors = None if listed is None else (*listed, *errors)
    if kinds[0] not in {NEXT, DONE}:
        raise InputError(
            f"`{shown}` ends before its last section",
            hint="the file was cut short; ask for it again",
        )
    return Ex01Facts(
        number=number,
        set_id=set_id,
        last=kinds[0] == DONE,
        errors=errors or (),
        damaged=errors is None,
    )


def _sections(descriptor: int, size: int, shown: str) -> Iterator[tuple[int, int, int]]:
    """Yield (type, start of the data, length of the data) from the last section to the first."""
    at = size - _SECTION.size
    for _ in range(_MAX_SECTIONS):
        raw = os.pread(descriptor, _SECTION.size, at) if at >= _HEADER.size else b""
        if len(raw) < _SECTION.size or zlib.adler32(raw[:-4]) != _SECTION.unpack(raw)[-1]:
            raise InputError(
                f"`{shown}` is damaged or cut short: a section at byte {max(0, at)}",
                hint="ask for the file again",
            )
        kind, flags, before, length = _SECTION.unpack(raw)[:4]
        if flags & _ENCRYPTED:
            raise InputError(f"`{shown}` is encrypted; evkit does not decode encrypted images")
        if length > at - _HEADER.size or (before and before >= at):
            raise InputError(f"`{shown}` is damaged: a section at byte {at} leads nowhere")
        yield kind, at - length, length
        if not before:
            return
        at = before
    raise InputError(f"`{shown}` has over {_MAX_SECTIONS} sections")


def _error_list(body: bytes) -> tuple[tuple[int, int], ...] | None:
    if len(body) < _TABLE_HEAD + 4:
        return None
    count, checksum = struct.unpack_from("<I12xI", body)
    end = _TABLE_HEAD + count * 16
    if zlib.adler32(body[:16]) != checksum or count > _MAX_ERRORS or end + 4 > len(body):
        return None
    rows = body[_TABLE_HEAD:end]
    if zlib.adler32(rows) != struct.unpack_from("<I", body, end)[0]:
        return None
    return tuple((first, length) for first, length in struct.iter_unpack("<QI4x", rows))
