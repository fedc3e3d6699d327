"""The first group of an E01 reaches the disk at once, however little it is."""

from __future__ import annotations

import os

import pytest

from evkit.acquire.output.branch import MASTER, Branch
from evkit.acquire.output.e01out import E01Out
from evkit.core import durable
from evkit.core.errors import StorageError
from evkit.images.e01.codec import FAST, Codec, read_sizes
from evkit.images.e01.header import Details
from evkit.images.e01.layout import CHUNK
from evkit.images.e01.plan import GROUP, Medium, Plan

BLOCK = 4 << 20


def out_of(folder, size) -> E01Out:
    plan = Plan(
        medium=Medium(size=size, sector_size=512), details=Details(acquired=0), guid=bytes(16)
    )
    return E01Out((Branch(copy=MASTER, folder=os.fsencode(folder)),), plan)


def zeros(count) -> tuple[memoryview, tuple[int, ...]]:
    codec = Codec(FAST)
    out = memoryview(bytearray(codec.bound(count * CHUNK)))
    used, sizes = codec.encode(memoryview(bytes(count * CHUNK)), out)
    return out[:used], read_sizes(sizes)


def test_zeros_are_on_the_disk_after_the_first_group(tmp_path):
    out = out_of(tmp_path, 1 << 40)
    for _ in range(GROUP * CHUNK // BLOCK + 1):
        out.append(*zeros(BLOCK // CHUNK))
    (part,) = tmp_path.iterdir()
    assert part.read_bytes()[:8] == b"EVF\t\r\n\xff\x00"
    assert part.stat().st_size >= out.writer.state.offset > 0
    out.close()


def test_a_destination_that_fails_shows_at_the_first_group(tmp_path, monkeypatch):
    def full(kind, path):
        if kind == "fsync":
            raise OSError(28, "No space left on device")

    out = out_of(tmp_path, 1 << 40)
    monkeypatch.setattr(durable, "step", full)
    with pytest.raises(StorageError):
        out.append(*zeros(GROUP + 1))
    out.close()
