"""Chunks of a medium to their stored form and back; pure functions over caller's buffers.

A chunk is stored as a deflate stream when that is shorter than the chunk itself, else as its bytes
and their Adler-32. A chunk of zeros is recognised without compressing it again. Many chunks are
done at a call, so that a thread or process that calls it holds the interpreter for moments only.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evkit.core.errors import UsageError
from evkit.images.e01 import layout
from evkit.images.e01.layout import CHUNK, COMPRESSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_isal: Any
try:
    from isal import isal_zlib

    _isal = isal_zlib
except ImportError:  # no wheel for this machine
    _isal = None

NONE: Final = "none"
FAST: Final = "fast"
BEST: Final = "best"
COMPRESSIONS: Final = (NONE, FAST, BEST)
# Measured on 32 KiB chunks of program files, one core. ISA-L 0: 588 MB/s, 0.425; ISA-L 1: 476 MB/s,
# 0.371, but of 65,536 chunks some twenty come out in other bytes from run to run, and work that is
# resumed must give the bytes that it would have given. zlib 9 saves 0.1 % more than zlib 6 at a
# third of its speed.
_ISAL_LEVEL = 0
_FAST_LEVEL = 1
_BEST_LEVEL = 6
_ZERO = bytes(CHUNK)
_TRAILER = 4  # Adler-32 behind a chunk that is stored as it is


class Damage(NamedTuple):
    """A chunk that cannot be decoded: its place in the run, and why."""

    chunk: int
    reason: str


class Codec:
    """Encodes chunks with one compression.

    Args:
        compression: `none`, `fast` or `best`.
        chunk: bytes of a chunk.
        portable: use the standard library's zlib also where ISA-L is there.

    Raises:
        UsageError: no such compression.
    """

    def __init__(self, compression: str, *, chunk: int = CHUNK, portable: bool = False) -> None:
        if compression not in COMPRESSIONS:
            raise UsageError(
                f"no compression `{compression}`", hint=f"use {', '.join(COMPRESSIONS)}"
            )
        self.compression = compression
        self.chunk = chunk
        self._zero = _ZERO if chunk == CHUNK else bytes(chunk)
        self._compress, self.name = _compressor(compression, portable=portable)
        self._stored_zero = None if self._compress is None else self._compress(self._zero)

    def bound(self, length: int) -> int:
        """Return the most bytes that `encode` writes for `length` bytes of the medium."""
        return length + -(-length // self.chunk) * _TRAILER

    def encode(self, data: memoryview, out: memoryview) -> tuple[int, bytes]:
        """Encode consecutive chunks; the last one may be short.

        Args:
            data: bytes of the medium, from the start of a chunk on.
            out: takes the stored forms back to back; at least `bound(len(data))` bytes.

        Returns:
            (bytes used in `out`, the stored length of each chunk as little-endian 32-bit numbers
            with bit 31 set where it is compressed).
        """
        at = 0
        sizes: list[int] = []
        for start in range(0, len(data), self.chunk):
            part = data[start : start + self.chunk]
            packed = self._pack(part)
            if packed is not None and len(packed) < len(part):
                end = at + len(packed)
                out[at:end] = packed
                sizes.append(len(packed) | COMPRESSED)
            else:
                end = at + len(part) + _TRAILER
                out[at : end - _TRAILER] = part
                layout.CHECKSUM.pack_into(out, end - _TRAILER, _adler(part))
                sizes.append(len(part) + _TRAILER)
            at = end
        return at, struct.pack(f"<{len(sizes)}I", *sizes)

    def _pack(self, part: memoryview) -> bytes | None:
        if self._compress is None:
            return None
        # three bytes tell most chunks from zeros without a copy
        dark = not (part[0] or part[-1] or part[len(part) // 2]) and len(part) == self.chunk
        if dark and part.tobytes() == self._zero:
            return self._stored_zero
        return self._compress(part)


def decode(
    stored: memoryview, sizes: Sequence[int], out: memoryview, *, chunk: int = CHUNK
) -> list[Damage]:
    """Decode consecutive chunks; what cannot be decoded becomes zeros and is returned.

    Args:
        stored: the stored forms back to back.
        sizes: stored length of each chunk, with bit 31 where it is compressed.
        out: exactly the bytes of the medium that these chunks hold.
        chunk: bytes of a chunk; the last one may be short.
    """
    damaged: list[Damage] = []
    at = 0
    for index, size in enumerate(sizes):
        start = index * chunk
        target = out[start : start + chunk]
        length = size & ~COMPRESSED
        raw = stored[at : at + length]
        at += length
        if len(raw) < length:
            reason: str | None = "it is cut short"
        elif size & COMPRESSED:
            reason = _inflate(raw, target, chunk)
        else:
            reason = _take(raw, target, chunk)
        if reason is not None:
            target[:] = bytes(len(target))
            damaged.append(Damage(index, reason))
    return damaged


def read_sizes(packed: bytes) -> tuple[int, ...]:
    """Return the lengths that `Codec.encode` packed."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def library() -> str:
    """Return name and version of the library that decodes."""
    if _isal is None:
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
    import isal

    return f"isal {isal.__version__}"


def _compressor(
    compression: str, *, portable: bool
) -> tuple[Callable[[bytes | memoryview], bytes] | None, str]:
    if compression == NONE:
        return None, "none"
    if compression == FAST and _isal is not None and not portable:
        fast = _isal.compress
        return (lambda part: bytes(fast(part, _ISAL_LEVEL))), f"{library()} level {_ISAL_LEVEL}"
    level = _FAST_LEVEL if compression == FAST else _BEST_LEVEL
    name = f"zlib {zlib.ZLIB_RUNTIME_VERSION} level {level}"
    return (lambda part: zlib.compress(part, level)), name


def _adler(part: memoryview) -> int:
    return int(_isal.adler32(part)) if _isal is not None else zlib.adler32(part)


def _inflate(raw: memoryview, target: memoryview, chunk: int) -> str | None:
    """Inflate one chunk into its place; return what is wrong with it.

    The last chunk may be stored in full, with zeros behind the end of the medium.
    """
    engine = (_isal or zlib).decompressobj()
    try:
        data = engine.decompress(raw, max(chunk, len(target)) + 1)
    except Exception as error:  # noqa: BLE001 - zlib.error and isal's own class
        return f"its deflate stream is damaged ({str(error)[:80]})"
    if len(data) != len(target) and not _padded(data, len(target), chunk):
        return f"it holds {len(data)} bytes where {len(target)} belong"
    if not engine.eof:
        return "its deflate stream has no end"
    target[:] = data if len(data) == len(target) else data[: len(target)]
    return None


def _take(raw: memoryview, target: memoryview, chunk: int) -> str | None:
    """Copy a chunk that is stored as it is; return what is wrong with it."""
    body = raw[: max(0, len(raw) - _TRAILER)]
    if len(body) != len(target) and not _padded(body, len(target), chunk):
        return f"it holds {len(body)} bytes where {len(target)} belong"
    if len(raw) < _TRAILER:
        return "it is cut short"
    (checksum,) = layout.CHECKSUM.unpack(raw[-_TRAILER:])
    if _adler(body) != checksum:
        return "its checksum is wrong"
    target[:] = body[: len(target)]
    return None


def _padded(data: bytes | memoryview, length: int, chunk: int) -> bool:
    """Say whether a chunk in full holds `length` bytes of the medium and then zeros."""
    return len(data) == chunk > length and not bytes(data[length:]).strip(b"\0")
