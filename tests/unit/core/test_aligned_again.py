"""Synchronised in between, stopped, gone on with: the bytes are those that were written."""

from __future__ import annotations

import os
import random

import leftovers
import pytest

from evkit.core.aligned import AlignedWriter, starts_on_page
from evkit.core.errors import StorageError


@pytest.fixture(params=["disk", "memory"])
def part(request, tmp_path):
    if request.param == "disk":
        yield os.fsencode(tmp_path / "image.part")
        return
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no tmpfs here")
    path = f"/dev/shm/evkit-test-{os.getpid()}-{tmp_path.name}.part".encode()
    yield path
    if os.path.exists(path):
        os.unlink(path)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("direct", [True, False])
def test_any_order_of_writing_synchronising_and_going_on(part, seed, direct):
    chance = random.Random(seed)
    data = chance.randbytes(3 << 20)
    safe = at = 0
    writer = AlignedWriter(part, direct=direct)
    sizes = (1, 511, 4096, 4097, 65536, 1 << 20, (1 << 20) + 5)
    while at < len(data):
        act = chance.random()
        if act < 0.6:
            size = min(chance.choice(sizes), len(data) - at)
            writer.write(data[at : at + size])
            at += size
        elif act < 0.8:
            writer.sync()
            safe = at
            with open(part, "rb") as handle:
                assert handle.read()[:safe] == data[:safe]
        else:  # stopped: what came after the last sync may be there or not
            writer.close()
            at = chance.choice((safe, max(0, safe - chance.randrange(9000))))
            safe = at
            writer = AlignedWriter(part, direct=direct, at=at)
            assert writer.written == at
    assert writer.finish() == len(data)
    with open(part, "rb") as handle:
        assert handle.read() == data
    os.unlink(part)


def test_what_is_there_behind_is_cut_off(part):
    with open(part, "wb") as handle:
        handle.write(b"a" * 10_000)
    with AlignedWriter(part, at=5000) as writer:
        writer.write(b"b")
        assert writer.finish() == 5001
    with open(part, "rb") as handle:
        assert handle.read() == b"a" * 5000 + b"b"


def test_going_on_in_a_file_that_is_shorter_or_gone(part):
    with pytest.raises(StorageError):
        AlignedWriter(part, at=0)
    with open(part, "wb") as handle:
        handle.write(bytes(10))
    with leftovers.none(), pytest.raises(StorageError, match="10 bytes, 11 were written"):
        AlignedWriter(part, at=11)


def test_a_link_is_not_gone_on_with(tmp_path):
    (tmp_path / "evidence").write_bytes(b"evidence")
    os.symlink(tmp_path / "evidence", tmp_path / "x.part")
    with pytest.raises(StorageError):
        AlignedWriter(os.fsencode(tmp_path / "x.part"), at=2)
    assert (tmp_path / "evidence").read_bytes() == b"evidence"


def test_memory_that_starts_on_a_page():
    import mmap

    with mmap.mmap(-1, 8192) as buffer, memoryview(buffer) as view:
        assert starts_on_page(view)
        part = view[1:]
        assert not starts_on_page(part)
        part.release()
    assert not starts_on_page(memoryview(b"read-only"))
    assert not starts_on_page(memoryview(bytearray()))
