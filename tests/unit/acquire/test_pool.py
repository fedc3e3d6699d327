"""Workers that die, cannot start or fail: the work goes on, or its error comes through at once."""

from __future__ import annotations

import hashlib
import os
import signal
import time

import leftovers
import pytest

from evkit.acquire import blockwork, child, engine, pool
from evkit.acquire.pool import Pool
from evkit.acquire.stream import Stream
from evkit.acquire.worker import Setup
from evkit.core.errors import StorageError
from evkit.hashing.pieces import PieceHasher
from evkit.images.e01 import codec
from evkit.images.e01.layout import CHUNK

MIB = 1 << 20
BOUND = engine.BLOCK + 4096


class Bytes:
    """A source over bytes; `at_block` is called before each block with its number."""

    def __init__(self, data, at_block=None):
        self.data = data
        self.at = 0
        self.at_block = at_block or (lambda _: None)

    def fill(self, view):
        self.at_block(self.at // engine.BLOCK)
        part = self.data[self.at : self.at + len(view)]
        view[: len(part)] = part
        self.at += len(part)
        return len(part)


class Kept:
    """Takes the stored form and decodes it again."""

    def __init__(self):
        self.data = bytearray()

    def append(self, stored, sizes):
        out = memoryview(bytearray(len(sizes) * CHUNK))
        assert not codec.decode(stored, sizes, out)
        self.data += out


def children_of(process):
    with open(f"/proc/{process}/task/{process}/children") as handle:
        return [int(number) for number in handle.read().split()]


def encode(data, at_block=None):
    kept = Kept()
    encoding = engine.Encoding(compression="fast", append=kept.append)
    order = engine.Order(names=("sha256",), expected=1 << 30, tally=None, encoding=encoding)
    with leftovers.none():  # nor the shared memory
        outcome = engine.read_all(Bytes(data, at_block), order)
    plain = PieceHasher()
    plain.update(data)
    assert outcome.pieces == plain.finish()
    assert outcome.digests["sha256"] == hashlib.sha256(data).hexdigest()
    assert bytes(kept.data[: len(data)]) == data


@pytest.fixture
def content():
    return os.urandom(6 * MIB) + bytes(30 * MIB) + b"word" * (7 * MIB)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
@pytest.mark.parametrize("every", [True, False])
def test_killed_workers_change_nothing(content, how, every):
    before = set(children_of(os.getpid()))
    killed = []

    def at_block(number):
        if number == 3 and not killed:
            found = [one for one in children_of(os.getpid()) if one not in before]
            killed.extend(found if every else found[:1])
            for one in killed:
                os.kill(one, how)

    encode(content, at_block)
    assert killed
    assert set(children_of(os.getpid())) <= before


def test_a_worker_that_cannot_start(content, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(child.subprocess, "Popen", refuse)
    encode(content)


def test_a_worker_that_ends_at_once(content, monkeypatch):
    monkeypatch.setattr(child.children.sys, "executable", "/bin/false")
    encode(content)


def test_no_shared_memory_here(content, monkeypatch):
    monkeypatch.setattr(pool, "_memory", lambda _: -1)
    encode(content)


def test_a_worker_imports_nothing_from_the_current_folder(tmp_path, monkeypatch, content):
    """It may be a folder of evidence."""
    flag = tmp_path / "ran"
    for name in ("json", "struct", "mmap", "dataclasses", "isal"):
        (tmp_path / f"{name}.py").write_text(f"open({str(flag)!r}, 'w')\nraise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    encode(content[: 9 * MIB])
    assert not flag.exists()


@pytest.mark.parametrize("encoding", [True, False])
def test_an_error_in_a_worker_ends_the_read(monkeypatch, encoding):
    """With few buffers: nobody waits for one that never becomes free, nothing comes out of turn."""
    real = blockwork.do
    seen = []

    def broken(job, *rest):
        seen.append(job.slot)
        if len(seen) == 4:
            end = time.monotonic() + 5
            while len(seen) < 6 and time.monotonic() < end:
                time.sleep(0.001)  # others overtake it
            raise MemoryError("no memory")
        return real(job, *rest)

    monkeypatch.setattr(blockwork, "do", broken)
    monkeypatch.setattr(engine, "DEPTH", 3)
    monkeypatch.setattr(engine, "DEPTH_STORED", 3)
    order, kept = [], Kept()

    def append(stored, sizes):
        assert len(sizes) == engine.BLOCK // CHUNK
        kept.append(stored, sizes)

    source = Bytes(b"".join(bytes([n]) * engine.BLOCK for n in range(40)))
    tally = engine.Tally.fresh(("md5",))
    with leftovers.none(), pytest.raises(MemoryError):
        engine.read_all(
            source,
            engine.Order(
                tally=tally,
                encoding=engine.Encoding(compression="fast", append=append) if encoding else None,
                on_bytes=order.append,
            ),
        )
    assert source.at < len(source.data)
    assert all(len(nodes) == 128 for nodes in tally.nodes.values())  # none is made up
    assert bytes(kept.data) == source.data[: len(kept.data)]


class Stopped(Exception):
    """Stands for Ctrl-C."""


@pytest.mark.parametrize("when", ["reading", "ending"])
def test_a_stop_leaves_no_thread_behind(when):
    """Also one that comes while the last blocks are under way."""
    setup = Setup(memory=-1, slots=3, block=engine.BLOCK, bound=0)
    workers = Pool(setup, 2, processes=False)
    written = []

    def write(view):
        time.sleep(0.05)
        written.append(len(view))

    stream = Stream(workers, [], write=write, append=None, on_answer=lambda *_: None)
    real = workers.stop
    calls = []

    def interrupted():
        calls.append(1)
        if len(calls) == 1 and when == "ending":
            raise Stopped
        real()

    workers.stop = interrupted

    def run():
        with stream:
            for number in range(3):
                job = blockwork.Job(kind=blockwork.PIECES, slot=stream.slot(), length=engine.BLOCK)
                stream.give(number, job)
            if when == "reading":
                raise Stopped

    with leftovers.none(), pytest.raises(Stopped):
        run()
    count = len(written)
    time.sleep(0.2)
    assert len(written) == count


def test_an_error_of_the_writer_frees_the_reader(monkeypatch):
    monkeypatch.setattr(engine, "DEPTH", 2)

    class Full:
        def write(self, data):
            raise StorageError("full")

    source = Bytes(bytes(100 * MIB))
    with pytest.raises(StorageError, match="full"):
        engine.read_all(source, engine.Order(names=("md5",), target=Full()))
    assert source.at < len(source.data)
