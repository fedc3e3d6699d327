"""The bytes of EWF-E01, written once. All integers are little-endian.

Source: "Expert Witness Compression Format (EWF)", libewf documentation, version 0.0.86, compared
with images by other programs. `docs/spec/e01.md` says what evkit writes and what it accepts.

    segment file  13-byte file header, then sections
    section       76-byte descriptor, then its body
    medium        chunks of 64 sectors, each stored alone: deflate stream, or data and Adler-32
    group         `sectors` (chunks back to back), `table` and `table2` (where each chunk begins)
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

MAGIC: Final = b"EVF\x09\x0d\x0a\xff\x00"
LOGICAL_MAGIC: Final = b"LVF\x09\x0d\x0a\xff\x00"
# magic, 0x01, number of the segment from 1, 0x0000
FILE_HEADER: Final = struct.Struct("<8sBHH")
# type, offset of the next section from the start of the file, size with these 76 bytes, zeros,
# Adler-32 of the first 72 bytes
DESCRIPTOR: Final = struct.Struct("<16sQQ40sI")
# media type, chunks, sectors in a chunk, bytes in a sector, sectors, CHS, media flags, PALM start,
# SMART start, compression level, error granularity, GUID, reserved, signature, Adler-32
VOLUME: Final = struct.Struct("<B3xIIIQ12sB3xI4xIB3xI4x16s963s5sI")
VOLUME_COMPRESSION_AT: Final = 52
# entries, 0, base offset, 0, Adler-32 of the first 20 bytes
TABLE_HEADER: Final = struct.Struct("<I4xQ4xI")
# entries, 512 zeros, Adler-32 of the first 516 bytes; then (first sector, sectors), Adler-32
ERROR_HEADER: Final = struct.Struct("<I512xI")
ERROR_ENTRY: Final = struct.Struct("<II")
DIGEST: Final = struct.Struct("<16s20s40sI")  # MD5, SHA-1, zeros, Adler-32
HASH: Final = struct.Struct("<16s16sI")  # MD5, zeros, Adler-32
CHECKSUM: Final = struct.Struct("<I")

SECTOR: Final = 512
CHUNK: Final = 32768
COMPRESSED: Final = 1 << 31  # in a table entry, and in the sizes that codec and writer exchange
OFFSET_LIMIT: Final = 0x7FFFFFFF  # largest offset of a chunk's end from the base of its table
MAX_ENTRIES: Final = 65534
LAST_SEGMENT: Final = 14971  # `.ZZZ`, the last name that readers agree on

MEDIA_REMOVABLE: Final = 0
MEDIA_FIXED: Final = 1
MEDIA_OPTICAL: Final = 3
MEDIA_LOGICAL: Final = 0x0E
MEDIA_MEMORY: Final = 0x10
FLAG_IMAGE: Final = 0x01
FLAG_PHYSICAL: Final = 0x02
FLAG_FASTBLOC: Final = 0x04
FLAG_TABLEAU: Final = 0x08
LEVEL_NONE: Final = 0
LEVEL_FAST: Final = 1
LEVEL_BEST: Final = 2


def adler(data: bytes | bytearray | memoryview) -> int:
    """Return the Adler-32 (RFC 1950) with the start value 1, as every part of the format has it."""
    return zlib.adler32(data)


def descriptor(kind: bytes, next_offset: int, size: int) -> bytes:
    """Return a section descriptor.

    Args:
        kind: type, ASCII, at most 16 bytes.
        next_offset: of the next section, from the start of the segment file.
        size: of the section with its descriptor; 0 for `next` and `done`.
    """
    head = DESCRIPTOR.pack(kind, next_offset, size, b"", 0)[:-4]
    return head + CHECKSUM.pack(adler(head))


def segment_extension(number: int, letter: bytes = b"E") -> bytes:
    """Return the extension of segment `number` (from 1): `.E01`, …, `.E99`, `.EAA`, …, `.ZZZ`."""
    if number <= 99:  # noqa: PLR2004 - the numbered names
        return b"." + letter + b"%02d" % number
    rest = number - 100
    base = 97 if letter.islower() else 65
    first = letter[0] + rest // 676
    return b"." + bytes((first, base + rest // 26 % 26, base + rest % 26))
