"""E01 images made from bytes in a test, without engine and threads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evkit.images.e01 import codec, layout
from evkit.images.e01.header import Details
from evkit.images.e01.plan import Medium, Plan
from evkit.images.e01.writer import E01Writer, Finished, State

GUID = bytes(range(16))
ACQUIRED = 1_795_653_339  # 2026-11-26 00:35:39 UTC
DETAILS = Details(
    case_number="FIR-12/2026", evidence_number="E1", description="USB stick", examiner="A. Khan",
    notes="seized at the gate", model="DataTraveler 3.0", serial="0019E06B", acquired=ACQUIRED,
    utc_offset=300, tool_version="evkit 0.1.0", system="Linux",
)  # fmt: skip


class FileSink:
    """A segment file: new, or (with `keep`) cut to where work goes on."""

    def __init__(self, path: bytes, keep: int | None = None) -> None:
        self.path = path
        mode = "xb" if keep is None else "r+b" if keep else "wb"
        self._file = open(path, mode)  # noqa: SIM115 - closed by `finish`
        self._file.truncate(keep or 0)
        self._file.seek(keep or 0)
        self.finished = False

    def write(self, data: memoryview) -> None:
        assert not self.finished
        self._file.write(data)

    def finish(self) -> None:
        self._file.close()
        self.finished = True


class Folder:
    """Gives the segment files `NAME.E01`, … of one image in a folder."""

    def __init__(self, folder: Path, name: str = "image", resume: State | None = None) -> None:
        self.stem = os.fsencode(folder / name)
        self.sinks: list[FileSink] = []
        self._resume = resume

    def __call__(self, number: int) -> FileSink:
        keep = None
        if self._resume is not None:
            keep = self._resume.offset if number == self._resume.segment else 0
        self.sinks.append(FileSink(self.stem + layout.segment_extension(number), keep))
        return self.sinks[-1]

    @property
    def paths(self) -> list[Path]:
        return [Path(os.fsdecode(sink.path)) for sink in self.sinks]


def plan(size: int, *, details: Details = DETAILS, **fields: Any) -> Plan:
    """A plan for a medium of `size` bytes; fields of `Medium` and `Plan` by name."""
    of_plan = {"guid", "compression", "segment_size", "group", "group_bytes"}
    own = {name: fields.pop(name) for name in list(fields) if name in of_plan}
    return Plan(medium=Medium(size=size, **fields), details=details, **{"guid": GUID} | own)


def encode(data: bytes, compression: str = codec.FAST, **options: Any) -> tuple[bytes, list[int]]:
    """Chunks of a medium in stored form, and their sizes."""
    encoder = codec.Codec(compression, **options)
    out = memoryview(bytearray(encoder.bound(len(data))))
    used, sizes = encoder.encode(memoryview(data), out)
    return bytes(out[:used]), list(codec.read_sizes(sizes))


def write_e01(folder: Path, data: bytes, **fields: Any) -> list[Path]:
    """Write the image of a medium `data` and return its segment files in order."""
    return write(folder, data, **fields)[0]


def write(
    folder: Path,
    data: bytes,
    *,
    name: str = "image",
    unread: Sequence[tuple[int, int]] = (),
    digests: bool = True,
    **fields: Any,
) -> tuple[list[Path], Finished]:
    """Write the image of a medium `data`.

    Args:
        folder: where the segment files go.
        data: the medium, whole sectors.
        name: name of the segment files before the extension.
        unread: (offset, length) in bytes that go into the error list.
        digests: state MD5 and SHA-1.
        fields: of `Plan`, `Medium` and `details` by name.
    """
    planned = plan(len(data), **fields)
    target = Folder(folder, name)
    writer = E01Writer(planned, target)
    stored, sizes = encode(data, planned.compression)
    writer.append(memoryview(stored), sizes)
    finished = writer.finish(
        md5=hashlib.md5(data).digest() if digests else None,
        sha1=hashlib.sha1(data).digest() if digests else None,
        unread=unread,
    )
    return target.paths, finished
