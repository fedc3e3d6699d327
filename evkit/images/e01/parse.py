"""The bodies of the small sections of E01 to values; pure. What is damaged comes back as None."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final, NamedTuple

from evkit.images.e01.chain import checked
from evkit.images.e01.layout import (
    DIGEST,
    ERROR_ENTRY,
    ERROR_HEADER,
    FLAG_FASTBLOC,
    FLAG_PHYSICAL,
    FLAG_TABLEAU,
    HASH,
    SECTOR,
    VOLUME,
)

# reserved, chunks, sectors in a chunk, bytes in a sector, sectors, reserved, signature, Adler-32
VOLUME_SMART: Final = struct.Struct("<4xIIII65x5sI")
SESSION_HEADER: Final = struct.Struct("<I28xI")
SESSION_ENTRY: Final = 32
MAX_CHUNK: Final = 1 << 27  # 32,768 sectors of 4,096 bytes
MAX_ERRORS: Final = 1_000_000
MAX_TEXT: Final = 1 << 22  # of an unpacked header
_SECTOR_SIZES: Final = (256, 512, 1024, 2048, 4096, 8192)
_XHASH = re.compile(r"<(md5|sha1|sha256)>\s*([0-9a-f]{32,64})\s*</\1>")
_LENGTHS: Final = {"md5": 32, "sha1": 40, "sha256": 64}
MEDIA: Final = {0: "removable", 1: "fixed", 3: "optical", 14: "logical", 16: "memory"}
_FLAGS: Final = (
    (FLAG_PHYSICAL, "physical"),
    (FLAG_FASTBLOC, "Fastbloc write blocker"),
    (FLAG_TABLEAU, "Tableau write blocker"),
)


class Volume(NamedTuple):
    """What a `volume`, `disk` or `data` section says about the medium.

    Attributes:
        chunks, sectors_per_chunk, sector_size, sectors: as they are stored.
        media: type of the medium, None in the oldest form.
        flags: media flags, None in the oldest form.
        level: compression level, None in the oldest form.
        identifier: of the set of segments, 16 bytes, empty in the oldest form.
        sound: the checksum is right.
    """

    chunks: int
    sectors_per_chunk: int
    sector_size: int
    sectors: int
    media: int | None = None
    flags: int | None = None
    level: int | None = None
    identifier: bytes = b""
    sound: bool = True

    @property
    def chunk(self) -> int:
        """Bytes of a chunk."""
        return self.sectors_per_chunk * self.sector_size

    @property
    def size(self) -> int:
        """Bytes of the medium."""
        return self.sectors * self.sector_size

    @property
    def plausible(self) -> bool:
        """Whether an image can have these values."""
        good = self.sector_size in _SECTOR_SIZES or (
            self.sector_size and self.sector_size % SECTOR == 0
        )
        return bool(good) and 0 < self.chunk <= MAX_CHUNK

    @property
    def fits(self) -> bool:
        """Whether the number of chunks is that of the sectors."""
        return self.plausible and self.chunks == -(-self.size // self.chunk)

    def facts(self) -> dict[str, str]:
        """Return what it says beside the sizes, for people."""
        found: dict[str, str] = {}
        if self.media is not None:
            found["media_type"] = MEDIA.get(self.media, f"unknown ({self.media})")
        if self.flags is not None:
            named = [text for bit, text in _FLAGS if self.flags & bit]
            found["media_flags"] = ", ".join(named) or "logical"
        if self.identifier.strip(b"\0"):
            found["set_identifier"] = _guid(self.identifier)
        return found


def read_volume(body: bytes) -> Volume | None:
    """Read a `volume`, `disk` or `data` section; None when it is too short for any form."""
    if len(body) >= VOLUME.size:
        body = body[: VOLUME.size]
        fields = VOLUME.unpack(body)
        media, chunks, per_chunk, sector, sectors = fields[:5]
        flags, level, identifier = fields[6], fields[9], fields[11]
        return Volume(
            chunks=chunks,
            sectors_per_chunk=per_chunk,
            sector_size=sector,
            sectors=sectors,
            media=media,
            flags=flags,
            level=level,
            identifier=identifier,
            sound=checked(body),
        )
    if len(body) >= VOLUME_SMART.size:
        body = body[: VOLUME_SMART.size]
        chunks, per_chunk, sector, sectors, _, _ = VOLUME_SMART.unpack(body)
        return Volume(chunks, per_chunk, sector, sectors, sound=checked(body))
    return None


def read_digests(kind: str, body: bytes) -> list[tuple[str, str]] | None:
    """Return the digests of a `hash`, `digest` or `xhash` section: (algorithm, hex).

    A digest of zeros is one that was not computed. None when the section is damaged.
    """
    if kind == "xhash":
        return _xml_digests(body)
    size = HASH.size if kind == "hash" else DIGEST.size
    if len(body) < size or not checked(body[:size]):
        return None
    parts = [("md5", body[:16])]
    if kind == "digest":
        parts.append(("sha1", body[16:36]))
    return [(name, value.hex()) for name, value in parts if value.strip(b"\0")]


def _xml_digests(body: bytes) -> list[tuple[str, str]] | None:
    data = inflate(body)
    if data is None:
        return None
    found = _XHASH.findall(data.decode("utf-8", "replace").lower())
    return [(name, value) for name, value in found if len(value) == _LENGTHS[name]] or None


def read_errors(body: bytes) -> list[tuple[int, int]] | None:
    """Return the (first sector, sectors) of an `error2` section; None when it is damaged."""
    if len(body) < ERROR_HEADER.size or not checked(body[: ERROR_HEADER.size]):
        return None
    count = ERROR_HEADER.unpack(body[: ERROR_HEADER.size])[0]
    entries = body[ERROR_HEADER.size : ERROR_HEADER.size + count * ERROR_ENTRY.size + 4]
    if count > MAX_ERRORS or len(entries) < count * ERROR_ENTRY.size + 4:
        return None
    if count and not checked(entries):
        return None
    return list(ERROR_ENTRY.iter_unpack(entries[:-4]))


def read_sessions(body: bytes) -> int | None:
    """Return the number of sessions of an optical disc; None when the section is damaged."""
    if len(body) < SESSION_HEADER.size or not checked(body[: SESSION_HEADER.size]):
        return None
    count: int = SESSION_HEADER.unpack(body[: SESSION_HEADER.size])[0]
    entries = body[SESSION_HEADER.size : SESSION_HEADER.size + count * SESSION_ENTRY + 4]
    if len(entries) < count * SESSION_ENTRY + 4 or (count and not checked(entries)):
        return None
    return count


def inflate(body: bytes) -> bytes | None:
    """Return an unpacked section; None when it is damaged or longer than `MAX_TEXT`."""
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(body, MAX_TEXT)
    except zlib.error:
        return None
    return data if engine.eof else None


def _guid(raw: bytes) -> str:
    first, second, third = struct.unpack("<IHH", raw[:8])
    return f"{first:08x}-{second:04x}-{third:04x}-{raw[8:10].hex()}-{raw[10:].hex()}"
