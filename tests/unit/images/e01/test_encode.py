"""Chunks to their stored form: the rule of the smaller form, zeros, levels, both libraries."""

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest

from evkit.core.errors import UsageError
from evkit.images.e01 import codec, layout
from evkit.images.e01.codec import Codec

CHUNK = 32768
NOISE = hashlib.shake_128(b"encode").digest(3 * CHUNK)


def encode(data, compression, **options):
    encoder = Codec(compression, **options)
    out = memoryview(bytearray(encoder.bound(len(data))))
    used, packed = encoder.encode(memoryview(data), out)
    sizes = codec.read_sizes(packed)
    assert used == sum(size & ~layout.COMPRESSED for size in sizes)
    return bytes(out[:used]), sizes


def chunks(stored, sizes):
    at = 0
    for size in sizes:
        length = size & ~layout.COMPRESSED
        yield stored[at : at + length], bool(size & layout.COMPRESSED)
        at += length


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("compression", ["fast", "best"])
def test_compressed_chunks_are_plain_deflate_streams(compression, portable):
    data = b"some text " * 7000
    stored, sizes = encode(data, compression, portable=portable)
    parts = list(chunks(stored, sizes))
    assert [packed for _, packed in parts] == [True] * 3
    assert b"".join(zlib.decompress(part) for part, _ in parts) == data


@pytest.mark.parametrize("compression", ["none", "fast", "best"])
def test_incompressible_chunks_are_stored_with_their_checksum(compression):
    data = NOISE[: 2 * CHUNK + 512]
    stored, sizes = encode(data, compression)
    assert sizes == (CHUNK + 4, CHUNK + 4, 516)
    for index, (part, packed) in enumerate(chunks(stored, sizes)):
        content = data[index * CHUNK :][:CHUNK]
        assert not packed
        assert part == content + struct.pack("<I", zlib.adler32(content))


def test_a_stream_as_long_as_the_chunk_is_not_used():
    """The rule compares without the four bytes of the checksum."""
    for length, used in ((CHUNK - 1, True), (CHUNK, False), (CHUNK + 3, False)):
        encoder = Codec("fast")
        encoder._compress = lambda part, length=length: bytes(length)
        out = memoryview(bytearray(encoder.bound(CHUNK)))
        _, packed = encoder.encode(memoryview(NOISE[:CHUNK]), out)
        (size,) = codec.read_sizes(packed)
        assert size == (length | layout.COMPRESSED if used else CHUNK + 4)


def test_zeros_are_recognised_without_compressing_them():
    encoder = Codec("fast")
    calls = []
    compress = encoder._compress
    encoder._compress = lambda part: calls.append(len(part)) or compress(part)
    almost = bytearray(CHUNK)
    almost[12345] = 1
    data = bytes(2 * CHUNK) + almost + bytes(CHUNK) + bytes(512)
    out = memoryview(bytearray(encoder.bound(len(data))))
    used, packed = encoder.encode(memoryview(data), out)
    assert calls == [CHUNK, 512]
    parts = [part for part, _ in chunks(bytes(out[:used]), codec.read_sizes(packed))]
    assert b"".join(zlib.decompress(part) for part in parts) == data
    assert parts[0] == parts[1] == parts[3]


def test_without_compression_zeros_are_stored_too():
    assert encode(bytes(CHUNK), "none")[1] == (CHUNK + 4,)


def test_nothing_gives_nothing():
    assert encode(b"", "fast") == (b"", ())


def test_another_compression_is_refused():
    with pytest.raises(UsageError, match="no compression `zstd`") as error:
        Codec("zstd")
    assert error.value.hint == "use none, fast, best"


@pytest.mark.parametrize("compression", ["none", "fast", "best"])
@pytest.mark.parametrize("length", [1, 512, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 77])
def test_what_is_encoded_decodes(compression, length):
    data = (NOISE[:40000] + bytes(70000) + b"text " * 20000)[:length]
    stored, sizes = encode(data, compression)
    out = memoryview(bytearray(length))
    assert codec.decode(memoryview(stored), sizes, out) == []
    assert bytes(out) == data
