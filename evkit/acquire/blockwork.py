"""What is done to one block of a medium besides digests: pieces, encoding, decoding; pure.

The same functions run in threads and in worker processes (`evkit.acquire.worker`). Jobs and
results travel between processes as flat bytes, never as pickles.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evkit.hashing import pieces
from evkit.images.e01 import codec
from evkit.images.e01.layout import CHUNK, COMPRESSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PIECES: Final = 1  # hash the pieces of the block
ENCODE: Final = 2  # and write its stored form beside it
DECODE: Final = 3  # make the block from its stored form, then hash its pieces
RECODE: Final = 4  # all of it: from one stored form to the medium to another stored form
_JOB = struct.Struct("<IBIII")  # length of what follows, kind, slot, bytes of the block, runs
_RUN = struct.Struct("<IQII")  # file, offset, bytes of the medium, chunks
_ANSWER = struct.Struct("<IIIII")  # length that follows, stored bytes; lengths of the three parts
_DAMAGE = struct.Struct("<IH")  # chunk within the block, length of the reason
_MAX_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Chunks that lie back to back in one file.

    Attributes:
        file: number of the file among those of the pool; None when nothing says where they lie.
        offset: where they begin in it.
        sizes: stored length of each, with bit 31 where it is compressed.
        length: bytes of the medium that they hold.
    """

    file: int | None
    offset: int
    sizes: tuple[int, ...]
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One block: what is to be done, its slot, its length, for decoding where it is stored."""

    kind: int
    slot: int
    length: int
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one block.

    Attributes:
        nodes: piece nodes of its MiBs, 32 bytes each.
        leaves: hashes of its 16 KiB blocks, empty when they are not kept.
        stored: bytes of the stored form.
        sizes: packed lengths of the stored chunks.
        damage: (chunk within the block, reason) of chunks that could not be decoded.
    """

    nodes: bytes
    leaves: bytes = b""
    stored: int = 0
    sizes: bytes = b""
    damage: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a worker needs: files to decode from, the codec, whether hashes of blocks are kept."""

    files: Sequence[int] = ()
    coder: codec.Codec | None = None
    chunk: int = CHUNK
    block_nodes: bool = False
    pieces: bool = True


def do(job: Job, data: memoryview, stored: memoryview | None, tools: Tools) -> Answer:
    """Do one job.

    Args:
        job: what to do.
        data: the buffer of the block; at least `job.length` bytes.
        stored: the buffer of its stored form, None where there is none.
        tools: as made at the start.
    """
    view = data[: job.length]
    damage: list[tuple[int, str]] = []
    if job.kind in {DECODE, RECODE}:
        damage = _decode(job, view, stored, tools)
    leaves = bytearray() if tools.block_nodes else None
    nodes = pieces.hash_groups(view, leaves) if tools.pieces else b""
    used, sizes = 0, b""
    if job.kind in {ENCODE, RECODE} and stored is not None and tools.coder is not None:
        used, sizes = tools.coder.encode(view, stored)
    return Answer(
        nodes=nodes,
        leaves=bytes(leaves or b""),
        stored=used,
        sizes=sizes,
        damage=tuple(damage),
    )


def _decode(
    job: Job, view: memoryview, stored: memoryview | None, tools: Tools
) -> list[tuple[int, str]]:
    damage: list[tuple[int, str]] = []
    at = number = 0
    for run in job.runs:
        for part in _readable(run, view[at : at + run.length], stored, tools):
            damage += [(number + chunk, reason) for chunk, reason in part]
        at += run.length
        number += len(run.sizes)
    return damage


def _readable(
    run: Run, target: memoryview, stored: memoryview | None, tools: Tools
) -> Iterator[list[tuple[int, str]]]:
    """Decode a run; where its file cannot be read, chunk by chunk."""
    raw, why = _fetch(run, stored, tools)
    if why is None:
        yield [*codec.decode(raw, run.sizes, target, chunk=tools.chunk)]
    elif run.file is None or len(run.sizes) == 1:
        target[:] = bytes(len(target))
        yield [(index, why) for index in range(len(run.sizes))]
    else:
        at = run.offset
        for index, size in enumerate(run.sizes):
            part = target[index * tools.chunk : (index + 1) * tools.chunk]
            one = Run(file=run.file, offset=at, sizes=(size,), length=len(part))
            for found in _readable(one, part, stored, tools):
                yield [(index + chunk, reason) for chunk, reason in found]
            at += size & ~COMPRESSED


def _fetch(run: Run, stored: memoryview | None, tools: Tools) -> tuple[memoryview, str | None]:
    """Read the stored form of a run; what the file lacks is missing at its end."""
    nothing = memoryview(b"")
    if run.file is None:
        return nothing, "no table says where it is stored"
    wanted = sum(size & ~COMPRESSED for size in run.sizes)
    if stored is None or wanted > len(stored):
        stored = memoryview(bytearray(wanted))
    got = 0
    try:
        while got < wanted:
            count = os.preadv(tools.files[run.file], [stored[got:wanted]], run.offset + got)
            if not count:
                break
            got += count
    except OSError as error:
        return nothing, f"its file cannot be read ({error.strerror or error})"
    return stored[:got], None


def pack_job(job: Job) -> bytes:
    """Return the bytes of a job."""
    body = b"".join(
        _RUN.pack(_NO_FILE if run.file is None else run.file, run.offset, run.length,
                  len(run.sizes))
        + struct.pack(f"<{len(run.sizes)}I", *run.sizes)
        for run in job.runs
    )  # fmt: skip
    return (
        _JOB.pack(_JOB.size - 4 + len(body), job.kind, job.slot, job.length, len(job.runs)) + body
    )


def read_job(data: bytes) -> Job:
    """Return the job of these bytes, which follow the length that `pack_job` put first."""
    kind, slot, length, count = struct.unpack_from("<BIII", data)
    at = _JOB.size - 4
    runs = []
    for _ in range(count):
        file, offset, covered, chunks = _RUN.unpack_from(data, at)
        at += _RUN.size
        sizes = struct.unpack_from(f"<{chunks}I", data, at)
        at += 4 * chunks
        where = None if file == _NO_FILE else file
        runs.append(Run(file=where, offset=offset, sizes=sizes, length=covered))
    return Job(kind=kind, slot=slot, length=length, runs=tuple(runs))


def pack_answer(answer: Answer) -> bytes:
    """Return the bytes of an answer."""
    damage = bytearray()
    for chunk, reason in answer.damage:
        text = reason.encode()[:_MAX_REASON]
        damage += _DAMAGE.pack(chunk, len(text)) + text
    parts = (answer.nodes, answer.leaves, answer.sizes)
    total = _ANSWER.size - 4 + sum(map(len, parts)) + len(damage)
    head = _ANSWER.pack(total, answer.stored, *map(len, parts))
    return b"".join((head, *parts, damage))


def read_answer(data: bytes) -> Answer:
    """Return the answer of these bytes, which follow the length that `pack_answer` put first."""
    stored, *lengths = struct.unpack_from("<IIII", data)
    at = _ANSWER.size - 4
    parts = []
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    damage = []
    while at < len(data):
        chunk, length = _DAMAGE.unpack_from(data, at)
        at += _DAMAGE.size
        damage.append((chunk, data[at : at + length].decode("utf-8", "replace")))
        at += length
    nodes, leaves, sizes = parts
    return Answer(nodes=nodes, leaves=leaves, stored=stored, sizes=sizes, damage=tuple(damage))


_NO_FILE = 0xFFFFFFFF
