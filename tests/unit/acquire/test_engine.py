"""The one read: same digests as hashlib, the same tree as the plain hasher, errors come through."""

from __future__ import annotations

import hashlib
import os

import leftovers
import pytest

from evkit.acquire import engine
from evkit.core.errors import StorageError
from evkit.hashing.pieces import PieceHasher

MIB = 1 << 20


class Bytes:
    """A source over bytes that hands out pieces of odd sizes only at the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def fill(self, view: memoryview) -> int:
        part = self.data[self.at : self.at + len(view)]
        view[: len(part)] = part
        self.at += len(part)
        return len(part)


class Sink:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview) -> None:
        self.data += data


@pytest.mark.parametrize(
    "size", [0, 1, 511, 16384, MIB - 1, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 12345]
)
def test_everything_agrees(size):
    data = os.urandom(size)
    sink = Sink()
    seen: list[int] = []
    order = engine.Order(
        names=("md5", "sha1", "sha256", "sha512"), target=sink, block_nodes=True,
        on_bytes=seen.append,
    )  # fmt: skip
    outcome = engine.read_all(Bytes(data), order)
    plain = PieceHasher(block_nodes=True)
    plain.update(data)
    assert outcome.pieces == plain.finish()
    assert outcome.size == size
    assert bytes(sink.data) == data
    assert outcome.digests == {
        name: hashlib.new(name, data).hexdigest() for name in outcome.digests
    }
    assert len(outcome.digests) == 4
    assert seen == sorted(seen)
    assert (seen or [0])[-1] == size


def test_an_error_of_the_target_ends_the_read_and_comes_through():
    class Full:
        calls = 0

        def write(self, data: memoryview) -> None:
            self.calls += 1
            if self.calls == 3:
                raise StorageError("full")

    source = Bytes(bytes(64 * MIB * 4))
    with leftovers.none(), pytest.raises(StorageError, match="full"):
        engine.read_all(source, engine.Order(names=("sha256",), target=Full()))
    assert source.at < len(source.data)


def test_an_error_of_the_source_comes_through_and_no_thread_stays():
    class Broken(Bytes):
        def fill(self, view: memoryview) -> int:
            if self.at:
                raise OSError("gone")
            return super().fill(view)

    with leftovers.none(), pytest.raises(OSError, match="gone"):
        engine.read_all(Broken(bytes(9 * MIB)), engine.Order(names=("md5",)))


def test_memory_is_bounded_by_the_pool():
    class Endless:
        left = 400

        def __init__(self) -> None:
            self.buffers: set[int] = set()

        def fill(self, view: memoryview) -> int:
            self.buffers.add(id(view.obj))
            self.left -= 1
            return len(view) if self.left >= 0 else 0

    source = Endless()
    outcome = engine.read_all(source, engine.Order(names=("sha256",)))
    assert outcome.size == 400 * engine.BLOCK
    assert len(source.buffers) <= engine.DEPTH
    assert engine.DEPTH * engine.BLOCK <= 100 * MIB
