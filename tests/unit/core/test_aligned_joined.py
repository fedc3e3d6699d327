"""A block that lies in memory as it must on the disk is written from there, behind the stage."""

from __future__ import annotations

import mmap
import os

import pytest

from evkit.core.aligned import ALIGNMENT, AlignedWriter

LENGTH = (3 << 20) + 77


def written(tmp_path, monkeypatch, first: int, lead: int) -> list[int]:
    """Write `first` bytes and then a block that begins `lead` bytes behind a page."""
    path = tmp_path / "x.part"
    block = memoryview(mmap.mmap(-1, LENGTH + 2 * ALIGNMENT))[lead : lead + LENGTH]
    block[:] = os.urandom(LENGTH)
    start = os.urandom(first)
    lengths, real = [], os.write

    def write(descriptor, data):
        lengths.append(len(data))
        return real(descriptor, data)

    monkeypatch.setattr("evkit.core.aligned.os.write", write)
    with AlignedWriter(os.fsencode(path), LENGTH) as writer:
        if not writer.direct:
            pytest.skip("this file system takes no direct writes")
        writer.write(start)
        writer.write(block)
        writer.write(start)
        writer.finish()
        assert writer.fell_back is None
    assert path.read_bytes() == start + bytes(block) + start
    return lengths


@pytest.mark.parametrize("first", [1, 76, 4095, 4096, 4097, 300_000, (1 << 20) - 1])
def test_it_is_not_copied(tmp_path, monkeypatch, first):
    lengths = written(tmp_path, monkeypatch, first, first % ALIGNMENT)
    assert max(lengths) > 1 << 20


@pytest.mark.parametrize("first", [1, 76, 4095, 300_000])
def test_elsewhere_in_memory_it_is_copied(tmp_path, monkeypatch, first):
    lengths = written(tmp_path, monkeypatch, first, (first + 1) % ALIGNMENT)
    assert max(lengths) <= 1 << 20
