"""The sections of an E01 as bytes. Pure: nothing here knows a file.

Every section is built for the offset at which it will stand in its segment file, since its
descriptor names where the next one begins. `docs/spec/e01.md` has the order and the reasons.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from evkit.images.e01 import layout
from evkit.images.e01.layout import CHECKSUM, COMPRESSED, DESCRIPTOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEAD: Final = DESCRIPTOR.size  # of a section before its body; `next` and `done` are no more
TABLE: Final = HEAD + layout.TABLE_HEADER.size + CHECKSUM.size  # a table without its entries
TABLE_ENTRY: Final = 4
DATA: Final = HEAD + layout.VOLUME.size
ERRORS: Final = HEAD + layout.ERROR_HEADER.size + CHECKSUM.size  # an error2 without its entries
DIGESTS: Final = HEAD + layout.DIGEST.size + HEAD + layout.HASH.size


def file_header(number: int) -> bytes:
    """Return the first bytes of segment `number`."""
    return layout.FILE_HEADER.pack(layout.MAGIC, 1, number, 0)


def section(kind: bytes, body: bytes, offset: int) -> bytes:
    """Return a section that begins at `offset` of its segment file."""
    size = HEAD + len(body)
    return layout.descriptor(kind, offset + size, size) + body


def sections(parts: Iterable[tuple[bytes, bytes]], offset: int) -> bytes:
    """Return consecutive sections, given as (type, body), from `offset` on."""
    out = b""
    for kind, body in parts:
        out += section(kind, body, offset + len(out))
    return out


def ending(kind: bytes, offset: int) -> bytes:
    """Return the last section of a segment file: `next` or `done` name themselves."""
    return layout.descriptor(kind, offset, 0)


def group_size(chunks: int, stored: int) -> int:
    """Return the bytes of `sectors`, `table` and `table2` for `chunks` of `stored` bytes in all."""
    return HEAD + stored + 2 * (TABLE + TABLE_ENTRY * chunks)


def tables(sizes: Sequence[int], base: int, offset: int) -> bytes:
    """Return `table` and `table2` of one group.

    Args:
        sizes: stored length of each chunk, with bit 31 where it is compressed.
        base: offset of the descriptor of the group's `sectors`; entries count from it.
        offset: where `table` begins.
    """
    starts = accumulate((size & ~COMPRESSED for size in sizes), initial=HEAD)
    entries = [start | (size & COMPRESSED) for start, size in zip(starts, sizes, strict=False)]
    packed = struct.pack(f"<{len(entries)}I", *entries)
    body = checked(layout.TABLE_HEADER.pack(len(entries), base, 0)[:-4]) + checked(packed)
    return sections(((b"table", body), (b"table2", body)), offset)


def errors_body(errors: Sequence[tuple[int, int]]) -> bytes:
    """Return the body of `error2` for (first sector, sectors)."""
    packed = b"".join(layout.ERROR_ENTRY.pack(*entry) for entry in errors)
    return checked(layout.ERROR_HEADER.pack(len(errors), 0)[:-4]) + checked(packed)


def digest_bodies(md5: bytes | None, sha1: bytes | None) -> list[tuple[bytes, bytes]]:
    """Return `digest` when there is a SHA-1, and `hash` when there is an MD5."""
    parts = []
    if sha1 is not None:
        body = layout.DIGEST.pack(md5 or bytes(16), sha1, b"", 0)
        parts.append((b"digest", checked(body[:-4])))
    if md5 is not None:
        parts.append((b"hash", checked(layout.HASH.pack(md5, b"", 0)[:-4])))
    return parts


def checked(body: bytes) -> bytes:
    """Return `body` and its Adler-32."""
    return body + CHECKSUM.pack(layout.adler(body))
