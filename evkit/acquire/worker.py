"""A worker process of the engine: `python -m evkit.acquire.worker SETUP`, jobs on stdin.

It shares the buffers of its parent, answers on stdout, and ends when stdin ends. It trusts its
parent, which made the jobs; what it decodes may be hostile.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
from dataclasses import dataclass
from typing import Any

from evkit.acquire import blockwork
from evkit.images.e01 import codec
from evkit.images.e01.layout import CHUNK


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a worker is started with.

    Attributes:
        memory: descriptor of the shared memory.
        slots, block, bound: number of buffers, their length, length of the stored form beside it.
        compression: of the codec, or None.
        files: descriptors to decode from.
        chunk, block_nodes, pieces: as in `blockwork.Tools`; chunks are encoded in the usual size.
    """

    memory: int
    slots: int
    block: int
    bound: int
    compression: str | None = None
    files: tuple[int, ...] = ()
    chunk: int = CHUNK
    block_nodes: bool = False
    pieces: bool = True

    def tools(self) -> blockwork.Tools:
        """Return what the jobs are done with."""
        made = None
        if self.compression is not None:
            made = codec.Codec(self.compression)
        return blockwork.Tools(
            files=self.files,
            coder=made,
            chunk=self.chunk,
            block_nodes=self.block_nodes,
            pieces=self.pieces,
        )


def main(text: str) -> None:
    """Do jobs until there are no more."""
    import signal

    for name in ("SIGINT", "SIGHUP"):  # the parent hears the user and closes our stdin
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    values: dict[str, Any] = json.loads(text)
    setup = Setup(**{**values, "files": tuple(values["files"])})
    stride = setup.block + setup.bound
    whole = memoryview(mmap.mmap(setup.memory, setup.slots * stride))
    tools = setup.tools()
    while head := _exactly(0, 4):
        (length,) = struct.unpack("<I", head)
        job = blockwork.read_job(_exactly(0, length))
        start = job.slot * stride
        data = whole[start : start + setup.block]
        stored = whole[start + setup.block : start + stride] if setup.bound else None
        answer = blockwork.pack_answer(blockwork.do(job, data, stored, tools))
        while answer:
            answer = answer[os.write(1, answer) :]


def _exactly(descriptor: int, count: int) -> bytes:
    """Return `count` bytes; none when the stream has ended."""
    parts = []
    while count:
        part = os.read(descriptor, count)
        if not part:
            return b""
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main(sys.argv[1])
