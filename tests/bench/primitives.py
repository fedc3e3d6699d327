"""CPU seconds of what an acquisition or a verification cannot do without, each by itself.

The sum, divided by cores and by wall seconds, is the share of the limit that a program reached.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness import cpu, primitive_seconds

from evkit.core import aligned
from evkit.images.e01.codec import Codec, decode, read_sizes

SAMPLE = 512 << 20
BLOCK = 4 << 20


def acquire_seconds(
    source: Path, names: Sequence[str], *, stored: int | None = None, compression: str = ""
) -> dict[str, float]:
    """Return CPU seconds of digests, pieces, reading, codec and writing over a whole source.

    Args:
        source: the image, in the page cache.
        names: digest algorithms.
        stored: bytes of the container; None for a raw image.
        compression: of the container.
    """
    size = source.stat().st_size
    found = _digests(size, names)
    found["reading"] = _reading(source, size)
    if stored is not None:
        found["encoding"] = _encoding(source, size, compression)[0]
        found["SHA-256 of the segments"] = primitive_seconds(stored, ("sha256",))
    found["writing"] = _writing(source.parent, size if stored is None else stored)
    return found


def verify_seconds(
    source: Path, container: Path, names: Sequence[str], compression: str
) -> dict[str, float]:
    """Return CPU seconds of reading, decoding and digesting a container, and its own digest."""
    size, stored = source.stat().st_size, container.stat().st_size
    return {
        **_digests(size, names),
        "reading": 2 * _reading(container, stored),
        "decoding": _encoding(source, size, compression)[1],
        "SHA-256 of the segments": primitive_seconds(stored, ("sha256",)),
    }


def words(seconds: dict[str, float]) -> str:
    """Return the parts in words."""
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    return f"bare primitives {sum(seconds.values()):.1f} CPU s ({parts})"


def _digests(size: int, names: Sequence[str]) -> dict[str, float]:
    titles = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}
    found = {titles[name]: primitive_seconds(size, (name,)) for name in names}
    return {**found, "pieces": primitive_seconds(size, (), pieces=True)}


def _reading(path: Path, size: int) -> float:
    buffers = aligned.buffers(12)
    count, done = min(size, SAMPLE), 0
    with open(path, "rb", buffering=0) as handle:
        start = cpu()
        while done < count and (got := handle.readinto(buffers[done // BLOCK % 12])):
            done += got
        spent = cpu() - start
    return spent * size / max(1, done)


def _encoding(source: Path, size: int, compression: str) -> tuple[float, float]:
    """Return CPU seconds of encoding and of decoding the whole, from four places of the source."""
    codec = Codec(compression)
    out = memoryview(bytearray(codec.bound(BLOCK)))
    back = memoryview(bytearray(BLOCK))
    encoding = decoding = 0.0
    done = 0
    with open(source, "rb") as handle:
        for place in range(64):
            handle.seek(size * place // 64 // BLOCK * BLOCK)
            data = memoryview(handle.read(BLOCK))
            first = cpu()
            used, sizes = codec.encode(data, out)
            second = cpu()
            decode(out[:used], read_sizes(sizes), back[: len(data)])
            encoding, decoding = encoding + second - first, decoding + cpu() - second
            done += len(data)
    return encoding * size / done, decoding * size / done


def _writing(folder: Path, size: int) -> float:
    """CPU seconds of writing past the page cache and making it durable."""
    sample = max(BLOCK, min(size, SAMPLE) // BLOCK * BLOCK)
    (buffer,) = aligned.buffers(1)
    part = folder / "write.part"
    start = cpu()
    with aligned.AlignedWriter(os.fsencode(part), sample) as writer:
        for _ in range(sample // len(buffer)):
            writer.write(buffer)
        writer.finish()
    spent = cpu() - start
    part.unlink()
    return spent * size / sample
