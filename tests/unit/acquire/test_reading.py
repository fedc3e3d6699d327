"""Readers: unreadable sectors are zeros and ranges, their neighbours are read."""

from __future__ import annotations

import errno
import os

import pytest

from evkit.acquire import source
from evkit.acquire.reading import ImageReader, MediumReader, StreamReader
from evkit.core.errors import InputError, StorageError

SECTOR = 512


@pytest.fixture
def bad(monkeypatch):
    """Make reads that touch given byte ranges fail with EIO, whatever the descriptor."""
    ranges: list[tuple[int, int]] = []
    real = os.preadv

    def preadv(descriptor, buffers, offset, *flags):
        length = sum(len(view) for view in buffers)
        for start, end in ranges:
            if offset < end and offset + length > start:
                raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, buffers, offset, *flags)

    monkeypatch.setattr("evkit.acquire.reading.os.preadv", preadv)
    return ranges


def read_all(path, block=1 << 20):
    opened = source.open_source(os.fsencode(path))
    reader = MediumReader(opened)
    data = bytearray()
    buffer = memoryview(bytearray(block))
    try:
        while count := reader.fill(buffer):
            data += buffer[:count]
    finally:
        reader.close()
        opened.close()
    return bytes(data), reader


@pytest.mark.parametrize("size", [0, 1, 4096, 3_000_001])
def test_a_good_file(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "m").write_bytes(content)
    data, reader = read_all(tmp_path / "m")
    assert data == content
    assert (reader.gaps, reader.retries, reader.done) == ([], 0, size)


@pytest.mark.parametrize(
    "ranges",
    [
        [(0, 512)],
        [(512 * 100, 512 * 101)],
        [(512 * 7, 512 * 9), (512 * 5000, 512 * 5001)],
        [(65536 - 512, 65536 + 512)],
        [((1 << 20) - 512, (1 << 20) + 512)],
    ],
)
def test_exactly_the_bad_sectors_are_lost(tmp_path, bad, ranges):
    content = os.urandom(3 << 20)
    (tmp_path / "m").write_bytes(content)
    bad.extend(ranges)
    data, reader = read_all(tmp_path / "m")
    wanted = bytearray(content)
    for start, end in ranges:
        wanted[start:end] = bytes(end - start)
    assert data == bytes(wanted)
    assert reader.gaps == [(start, end - start) for start, end in ranges]
    assert reader.retries > 0


def test_a_bad_last_odd_sector(tmp_path, bad):
    size = (1 << 20) + 700
    content = os.urandom(size)
    (tmp_path / "m").write_bytes(content)
    bad.append(((1 << 20) + 512, 1 << 21))
    data, reader = read_all(tmp_path / "m")
    assert len(data) == size
    assert data[: (1 << 20) + 512] == content[: (1 << 20) + 512]
    assert data[(1 << 20) + 512 :] == bytes(188)
    assert reader.gaps == [((1 << 20) + 512, 188)]


def test_everything_bad_keeps_its_length(tmp_path, bad):
    (tmp_path / "m").write_bytes(os.urandom(100_000))
    bad.append((0, 1 << 30))
    data, reader = read_all(tmp_path / "m")
    assert data == bytes(100_000)
    assert reader.gaps == [(0, 100_000)]


def test_a_source_that_goes_away_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "m").write_bytes(bytes(8192))

    def gone(*_):
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr("evkit.acquire.reading.os.preadv", gone)
    with pytest.raises(StorageError, match="gone"):
        read_all(tmp_path / "m")


def test_a_file_that_grows_or_shrinks_is_read_to_its_end(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(bytes(3 << 20))
    opened = source.open_source(os.fsencode(path))
    reader = MediumReader(opened)
    buffer = memoryview(bytearray(1 << 20))
    reader.fill(buffer)
    os.truncate(path, (1 << 20) + 10)
    assert reader.fill(buffer) == 10
    assert reader.fill(buffer) == 0
    assert reader.gaps == []
    after = source.describe(opened.facts.path, opened.descriptor)
    assert source.changes(opened.facts, after)
    reader.close()
    opened.close()


def test_a_stream_of_any_pieces():
    reading, writing = os.pipe()
    os.write(writing, b"abc")
    os.write(writing, b"defgh")
    os.close(writing)
    reader = StreamReader(reading)
    buffer = memoryview(bytearray(6))
    assert reader.fill(buffer) == 6
    assert bytes(buffer) == b"abcdef"
    assert reader.fill(buffer) == 2
    assert reader.fill(buffer) == 0
    assert reader.done == 8
    os.close(reading)


def test_a_stream_that_fails_is_no_gap(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)  # a folder: reading it fails
    with pytest.raises(InputError, match="failed after 0 bytes"):
        StreamReader(descriptor).fill(memoryview(bytearray(10)))
    os.close(descriptor)


def test_chunks_of_an_image_that_cannot_be_decoded_are_gaps():
    class Image:
        size = 200_000

        def read(self, offset, size):
            if offset < 70_000 < offset + size:
                raise InputError("damaged")
            return b"x" * size

    reader = ImageReader(Image())
    buffer = memoryview(bytearray(150_000))
    data = bytearray()
    while count := reader.fill(buffer):
        data += buffer[:count]
    assert len(data) == 200_000
    assert reader.gaps == [(65536, 32768)]
    assert data[65536 : 65536 + 32768] == bytes(32768)
    assert data.count(b"x") == 200_000 - 32768
