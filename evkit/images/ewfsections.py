"""The sections of an E01 file, read without decoding data: order, stored digests, error list.

The medium itself is decoded by libewf. What libewf does not tell is read here: whether all
segments are present, both places of the stored digests, and the sectors that the imager could not
read. Layout: "Expert Witness Compression Format (EWF)", libewf documentation.
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

MAGIC = b"EVF\x09\x0d\x0a\xff\x00"
_FILE_HEADER = struct.Struct("<8sBHH")
_SECTION = struct.Struct("<16sQQ40sI")
_MAX_SECTIONS = 1_000_000
_MAX_ERRORS = 1_000_000
_NO_DIGEST = b"\0" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """What the sections of one segment file say.

    Attributes:
        number: segment number, from 1.
        last: the type of its last section: `next`, or `done` in the last segment.
        hash_md5, digest_md5, digest_sha1: hex as stored, or None.
        errors: (first sector, number of sectors) that could not be read.
        damaged: stored digests or error lists whose own checksum is wrong, by section type.
    """

    number: int
    last: str
    hash_md5: str | None
    digest_md5: str | None
    digest_sha1: str | None
    errors: tuple[tuple[int, int], ...]
    damaged: tuple[str, ...]


def read_segment(path: bytes) -> SegmentFacts:
    """Walk the sections of one segment file.

    Raises:
        InputError: it is no E01 segment, or its chain of sections is broken.
    """
    try:
        descriptor = open_quietly(path)
        try:
            return _facts(descriptor, os.fstat(descriptor).st_size, escape_bytes(path))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}"
        ) from error


def _facts(descriptor: int, size: int, shown: str) -> SegmentFacts:
    head = os.pread(descriptor, _FILE_HEADER.size, 0)
    if len(head) < _FILE_HEADER.size or head[:8] != MAGIC:
        raise InputError(f"`{shown}` is not a segment of an EnCase image (E01)")
    number = _FILE_HEADER.unpack(head)[2]
    found: dict[str, str] = {}
    errors: tuple[tuple[int, int], ...] = ()
    damaged: list[str] = []
    last = ""
    for kind, start, length in _sections(descriptor, size, shown):
        last = kind
        if kind in {"hash", "digest"}:
            body = os.pread(descriptor, min(length, 80), start)
            if not _stored(kind, body, found):
                damaged.append(kind)
        elif kind == "error2":
            listed = _error_list(descriptor, start, length)
            if listed is None:
                damaged.append(kind)
            errors += listed or ()
    if last not in {"next", "done"}:
        raise InputError(
            f"`{shown}` ends before its last section",
            hint="the file was cut short; ask for it again",
        )
    return SegmentFacts(
        number=number,
        last=last,
        hash_md5=found.get("hash_md5"),
        digest_md5=found.get("digest_md5"),
        digest_sha1=found.get("digest_sha1"),
        errors=errors,
        damaged=tuple(damaged),
    )


def _sections(descriptor: int, size: int, shown: str) -> Iterator[tuple[str, int, int]]:
    """Yield (type, start of the body, length of the body); offsets must grow."""
    offset = _FILE_HEADER.size
    for _ in range(_MAX_SECTIONS):
        raw = os.pread(descriptor, _SECTION.size, offset)
        if len(raw) < _SECTION.size:
            raise InputError(f"`{shown}` ends inside its list of sections, at byte {offset}")
        name, after, length, _, checksum = _SECTION.unpack(raw)
        if zlib.adler32(raw[:-4]) != checksum:
            raise InputError(f"`{shown}` is damaged: a section header at byte {offset}")
        kind = name.rstrip(b"\0").decode("ascii", "replace")
        if kind in {"next", "done"}:
            yield kind, offset + _SECTION.size, 0
            return
        if not offset + _SECTION.size <= after <= size or after <= offset:
            raise InputError(f"`{shown}` is damaged: a section at byte {offset} leads nowhere")
        if length not in {0, after - offset}:
            raise InputError(f"`{shown}` has two different lengths for the section at {offset}")
        yield kind, offset + _SECTION.size, after - offset - _SECTION.size
        offset = after
    raise InputError(f"`{shown}` has over {_MAX_SECTIONS} sections")


def _stored(kind: str, body: bytes, found: dict[str, str]) -> bool:
    """Keep the digests of a `hash` or `digest` section; say whether its checksum is right."""
    length = 36 if kind == "hash" else 80
    if len(body) < length:
        return False
    (checksum,) = struct.unpack_from("<I", body, length - 4)
    if zlib.adler32(body[: length - 4]) != checksum:
        return False
    if body[:16] != _NO_DIGEST:
        found[f"{kind}_md5"] = body[:16].hex()
    if kind == "digest" and body[16:36] != b"\0" * 20:
        found["digest_sha1"] = body[16:36].hex()
    return True


def _error_list(descriptor: int, start: int, length: int) -> tuple[tuple[int, int], ...] | None:
    head = os.pread(descriptor, 520, start)
    if len(head) < 520:  # noqa: PLR2004 - count, 512 bytes of padding, checksum
        return None
    count, checksum = struct.unpack_from("<I512xI", head)
    if zlib.adler32(head[:516]) != checksum or count > _MAX_ERRORS or 520 + count * 8 > length:
        return None
    body = os.pread(descriptor, count * 8 + 4, start + 520)
    if len(body) < count * 8 + 4:
        return None
    if zlib.adler32(body[:-4]) != struct.unpack("<I", body[-4:])[0]:
        return None
    return tuple(struct.iter_unpack("<II", body[:-4]))
