"""Builds E01 images byte by byte, as other programs do and as none does: every lie has a knob.

Independent of the writer of evkit: only `struct` and `zlib`.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

MAGIC = b"EVF\x09\x0d\x0a\xff\x00"
CHUNK = 32768
GUID = bytes(range(16))
CASE = {"a": "Unique", "c": "FIR-1/2026", "n": "E1", "e": "Ünal", "t": "a note", "av": "6.19",
        "ov": "Linux", "m": "1795300000", "u": "1795300001", "p": "0"}  # fmt: skip


def checked(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.adler32(body))


@dataclass
class Recipe:
    """What an image is made of; the defaults are those of EnCase 6.

    `entries`, `header` and `section` see and change parts before their checksum is made.
    """

    chunk: int = CHUNK
    sector: int = 512
    compress: bool = True
    force: bool = False  # keep a deflate stream also when it is longer
    group: int = 1000
    per_segment: int = 10**9
    relative: bool = True
    own_sectors: bool = True
    table: bool = True
    table2: bool = True
    footer: bool = True
    volume: bytes | None = b"volume"
    old_volume: bool = False
    signature: bytes = b"\0" * 5
    data: bool = True
    headers: Sequence[bytes] = (b"header2", b"header2", b"header")
    digest: bool = True
    hash: bool = True
    md5: bytes | None = None
    sha1: bytes | None = None
    end_size: int = 0
    errors: Sequence[tuple[int, int]] = ()
    guid: bytes = GUID
    guids: dict[int, bytes] = field(default_factory=dict)
    level: int = 1
    chunks: int | None = None
    sectors: int | None = None
    gap: bytes = b""
    backwards: bool = False
    pad_last: bool = False
    extra: Sequence[tuple[bytes, bytes]] = ()
    entries: Callable[[list[int], bytes], list[int]] | None = None
    count: Callable[[int, bytes], int] | None = None
    base: Callable[[int, bytes], int] | None = None


GUYMAGER = Recipe(group=65534)
FTK = Recipe(
    relative=False, headers=(b"header", b"header"), volume=b"disk", digest=False, end_size=76,
    group=16375, guid=bytes(16), level=0,
)  # fmt: skip
ENCASE1 = Recipe(
    relative=False, own_sectors=False, table2=False, headers=(b"header",), digest=False,
    group=16375, guid=bytes(16), level=0,
)  # fmt: skip
SMART = Recipe(
    relative=False, own_sectors=False, table2=False, footer=False, headers=(b"header",),
    digest=False, old_volume=True, signature=b"SMART", data=False, force=True, end_size=76,
    group=16375,
)  # fmt: skip


class Segment:
    """One segment file that grows section by section."""

    def __init__(self, number: int = 1, magic: bytes = MAGIC) -> None:
        self.data = bytearray(magic + struct.pack("<BHH", 1, number, 0))

    def add(
        self, kind: bytes, body: bytes = b"", *, size: int | None = None, after: int | None = None
    ) -> int:
        """Append a section; return the offset of its descriptor."""
        offset = len(self.data)
        length = 76 + len(body)
        self.data += checked(
            struct.pack(
                "<16sQQ40s",
                kind,
                offset + length if after is None else after,
                length if size is None else size,
                b"",
            )
        )
        self.data += body
        return offset

    def end(self, kind: bytes, size: int = 0) -> None:
        """Append `next` or `done`."""
        self.add(kind, size=size, after=len(self.data))


def volume_body(medium: int, recipe: Recipe, number: int = 1) -> bytes:
    chunks = -(-medium // recipe.chunk) if recipe.chunks is None else recipe.chunks
    sectors = medium // recipe.sector if recipe.sectors is None else recipe.sectors
    shape = (chunks, recipe.chunk // recipe.sector, recipe.sector, sectors)
    if recipe.old_volume:
        return checked(struct.pack("<IIIII65x5s", 1, *shape, recipe.signature))
    guid = recipe.guids.get(number, recipe.guid)
    head = struct.pack("<B3xIIIQ12xB3x12xB3xI4x16s", 1, *shape, 3, recipe.level, 64, guid)
    return checked(head.ljust(1048, b"\0"))


def header_body(kind: bytes, case: dict[str, str] = CASE) -> bytes:
    keys, values = "\t".join(case), "\t".join(case.values())
    if kind == b"header2":
        text = f"1\nmain\n{keys}\n{values}\n\n".encode("utf-16-le")
        return zlib.compress(b"\xff\xfe" + text)
    shown = values.encode("ascii", "replace").decode()
    return zlib.compress(f"1\r\nmain\r\n{keys}\r\n{shown}\r\n\r\n".encode())


def digest_body(md5: bytes, sha1: bytes) -> bytes:
    return checked(md5 + sha1 + bytes(40))


def hash_body(md5: bytes) -> bytes:
    return checked(md5 + bytes(16))


def error_body(errors: Sequence[tuple[int, int]]) -> bytes:
    head = checked(struct.pack("<I512x", len(errors)))
    return head + checked(b"".join(struct.pack("<II", *pair) for pair in errors))


def store(part: bytes, recipe: Recipe, *, last: bool) -> tuple[bytes, int]:
    """Return the stored form of a chunk and its flag."""
    if last and recipe.pad_last:
        part = part.ljust(recipe.chunk, b"\0")
    packed = zlib.compress(part, 1)
    if recipe.compress and (recipe.force or len(packed) < len(part)):
        return packed, 1 << 31
    return checked(part), 0


def table_body(kind: bytes, entries: list[int], base: int, recipe: Recipe) -> bytes:
    if recipe.entries is not None:
        entries = recipe.entries(list(entries), kind)
    count = len(entries) if recipe.count is None else recipe.count(len(entries), kind)
    base = base if recipe.base is None else recipe.base(base, kind)
    packed = struct.pack(f"<{len(entries)}I", *entries)
    footer = struct.pack("<I", zlib.adler32(packed)) if recipe.footer else b""
    return checked(struct.pack("<I4xQ4x", count & 0xFFFFFFFF, base)) + packed + footer


def _group(segment: Segment, stored: list[tuple[bytes, int]], recipe: Recipe) -> None:
    order = list(range(len(stored)))
    if recipe.backwards:
        order.reverse()
    places = [0] * len(stored)
    body = b""
    for place in order:
        places[place] = len(body)
        body += stored[place][0] + recipe.gap
    offset = len(segment.data)
    if recipe.own_sectors:
        base = offset if recipe.relative else 0
        start = offset + 76 - base
        entries = [start + at | flag for at, (_, flag) in zip(places, stored, strict=True)]
        segment.add(b"sectors", body)
        for kind, wanted in ((b"table", recipe.table), (b"table2", recipe.table2)):
            if wanted:
                segment.add(kind, table_body(kind, entries, base, recipe))
        return
    start = offset + 76 + 24 + 4 * len(stored) + (4 if recipe.footer else 0)
    entries = [start + at | flag for at, (_, flag) in zip(places, stored, strict=True)]
    segment.add(b"table", table_body(b"table", entries, 0, recipe) + body)


def build(medium: bytes, recipe: Recipe = GUYMAGER, **changes: object) -> list[bytes]:
    """Return the segment files of an image of `medium`."""
    recipe = replace(recipe, **changes)
    parts = [medium[at : at + recipe.chunk] for at in range(0, len(medium), recipe.chunk)]
    stored = [store(p, recipe, last=n + 1 == len(parts)) for n, p in enumerate(parts)]
    pieces = [stored[n : n + recipe.per_segment] for n in range(0, len(stored), recipe.per_segment)]
    files = []
    for number, piece in enumerate(pieces or [[]], 1):
        segment = Segment(number)
        if number == 1:
            for kind in recipe.headers:
                segment.add(kind, header_body(kind))
            if recipe.volume is not None:
                segment.add(recipe.volume, volume_body(len(medium), recipe))
        elif recipe.data:
            segment.add(b"data", volume_body(len(medium), recipe, number))
        for at in range(0, len(piece), recipe.group):
            _group(segment, piece[at : at + recipe.group], recipe)
        if number < len(pieces):
            segment.end(b"next", recipe.end_size)
        else:
            _finish(segment, medium, recipe, alone=number == 1)
        files.append(bytes(segment.data))
    return files


def _finish(segment: Segment, medium: bytes, recipe: Recipe, *, alone: bool) -> None:
    md5 = recipe.md5 or hashlib.md5(medium).digest()
    if alone and recipe.data:
        segment.add(b"data", volume_body(len(medium), recipe))
    if recipe.errors:
        segment.add(b"error2", error_body(recipe.errors))
    for kind, body in recipe.extra:
        segment.add(kind, body)
    if recipe.digest:
        segment.add(b"digest", digest_body(md5, recipe.sha1 or hashlib.sha1(medium).digest()))
    if recipe.hash:
        segment.add(b"hash", hash_body(md5))
    segment.end(b"done", recipe.end_size)


def write(folder: Path, files: Sequence[bytes], name: str = "a") -> list[bytes]:
    """Write segment files; return their paths."""
    paths = []
    for number, data in enumerate(files, 1):
        path = folder / f"{name}.E{number:02}"
        path.write_bytes(data)
        paths.append(os.fsencode(path))
    return paths


def sections(data: bytes) -> list[tuple[str, int, int]]:
    """Return (type, offset of the descriptor, offset of the next) of a sound segment file."""
    found = []
    at = 13
    while True:
        kind, after = struct.unpack_from("<16sQ", data, at)
        name = kind.rstrip(b"\0").decode()
        found.append((name, at, after if after > at else at + 76))
        if name in {"next", "done"}:
            return found
        if after <= at:
            raise ValueError("no sound segment file")
        at = after


def find(data: bytes, kind: str, number: int = 0) -> tuple[int, int]:
    """Return offset of the descriptor and of the next section of the n-th section of a type."""
    found = [(at, after) for name, at, after in sections(data) if name == kind]
    return found[number]


def reseal(data: bytes, offset: int, kind: bytes, after: int, size: int) -> bytes:
    """Return the file with another descriptor at an offset, its checksum right."""
    made = checked(struct.pack("<16sQQ40s", kind, after, size, b""))
    return data[:offset] + made + data[offset + 76 :]


def flip(data: bytes, at: int, mask: int = 1) -> bytes:
    """Return the file with a byte changed."""
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def hollow(data: bytes, chunks: int) -> bytes:
    """Return an E01 of one segment that claims a medium of so many chunks."""
    body = data.find(b"volume") + 76
    volume = bytearray(data[body : body + 1052])
    struct.pack_into("<I", volume, 4, chunks)
    struct.pack_into("<Q", volume, 16, chunks * 64)
    struct.pack_into("<I", volume, 1048, zlib.adler32(volume[:1048]))
    return data[:body] + volume + data[body + 1052 :]
