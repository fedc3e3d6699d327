"""Jobs and answers as bytes, and what is done to a block."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.acquire import blockwork
from evkit.acquire.blockwork import Answer, Job, Run, Tools
from evkit.hashing.pieces import hash_groups
from evkit.images.e01 import codec
from evkit.images.e01.layout import CHUNK, COMPRESSED

NUMBER = st.integers(0, 2**32 - 1)
RUNS = st.builds(
    Run,
    file=st.one_of(st.none(), st.integers(0, 2**32 - 2)),
    offset=st.integers(0, 2**64 - 1),
    sizes=st.lists(NUMBER, max_size=9).map(tuple),
    length=NUMBER,
)
JOBS = st.builds(
    Job, kind=st.sampled_from([1, 2, 3]), slot=NUMBER, length=NUMBER,
    runs=st.lists(RUNS, max_size=5).map(tuple),
)  # fmt: skip
ANSWERS = st.builds(
    Answer,
    nodes=st.binary(max_size=128),
    leaves=st.binary(max_size=64),
    stored=NUMBER,
    sizes=st.binary(max_size=64),
    damage=st.lists(st.tuples(NUMBER, st.text(max_size=40)), max_size=5).map(tuple),
)


def body(data):
    (length,) = struct.unpack("<I", data[:4])
    assert length == len(data) - 4
    return data[4:]


@given(JOBS)
def test_a_job_comes_back(job):
    assert blockwork.read_job(body(blockwork.pack_job(job))) == job


@given(ANSWERS)
def test_an_answer_comes_back(answer):
    assert blockwork.read_answer(body(blockwork.pack_answer(answer))) == answer


def test_a_long_reason_is_cut_and_still_text():
    answer = Answer(nodes=b"", damage=((1, "\N{EURO SIGN}" * 500), (2, "b")))
    back = blockwork.read_answer(body(blockwork.pack_answer(answer)))
    assert back.damage[1] == (2, "b")
    assert back.damage[0][1].startswith("\N{EURO SIGN}" * 60)


@pytest.fixture
def stored(tmp_path):
    """A file of chunks, their sizes, and what they hold."""
    content = os.urandom(CHUNK) + bytes(CHUNK) + b"text" * (CHUNK // 4) + os.urandom(5000)
    out = memoryview(bytearray(len(content) + 64))
    used, sizes = codec.Codec("fast").encode(memoryview(content), out)
    path = tmp_path / "x"
    path.write_bytes(b"head" + bytes(out[:used]))
    descriptor = os.open(path, os.O_RDONLY)
    yield content, codec.read_sizes(sizes), descriptor
    os.close(descriptor)


def decode(content, runs, descriptor, buffer=1 << 20):
    view = memoryview(bytearray(b"\xee" * len(content)))
    job = Job(kind=blockwork.DECODE, slot=0, length=len(content), runs=tuple(runs))
    answer = blockwork.do(job, view, memoryview(bytearray(buffer)), Tools(files=(descriptor,)))
    assert answer.nodes == hash_groups(view)
    return bytes(view), answer


@pytest.mark.parametrize("buffer", [1 << 20, 16])
def test_decoding(stored, buffer):
    content, sizes, descriptor = stored
    run = Run(file=0, offset=4, sizes=sizes, length=len(content))
    assert decode(content, [run], descriptor, buffer) == (
        content, Answer(nodes=hash_groups(content)),
    )  # fmt: skip


def test_decoding_what_is_damaged_or_nowhere(stored):
    """Zeros stand for it, its neighbours come, and each is named."""
    content, sizes, descriptor = stored
    packed = [size & ~COMPRESSED for size in sizes]
    runs = [
        Run(file=0, offset=4, sizes=sizes[:1], length=CHUNK),
        Run(file=None, offset=0, sizes=(0,), length=CHUNK),
        Run(file=0, offset=4 + sum(packed[:2]) + 1, sizes=sizes[2:3], length=CHUNK),
        Run(file=0, offset=4 + sum(packed[:3]) + 3, sizes=sizes[3:], length=5000),
    ]
    found, answer = decode(content, runs, descriptor)
    assert found == content[:CHUNK] + bytes(len(content) - CHUNK)
    assert [number for number, _ in answer.damage] == [1, 2, 3]
    assert "no table says" in answer.damage[0][1]
    assert "cut short" in answer.damage[2][1]


def test_decoding_from_a_file_that_cannot_be_read(stored, tmp_path):
    content, sizes, _ = stored
    folder = os.open(tmp_path, os.O_RDONLY)
    run = Run(file=0, offset=0, sizes=sizes, length=len(content))
    found, answer = decode(content, [run], folder)
    os.close(folder)
    assert found == bytes(len(content))
    assert len(answer.damage) == len(sizes)
