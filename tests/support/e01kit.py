"""E01 images made from bytes in a test, without engine and threads."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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


class Memory:
    """Segment files in memory, by number; resumed ones are cut first."""

    def __init__(
        self, files: Mapping[int, bytes] | None = None, resume: State | None = None
    ) -> None:
        self.files = {number: bytearray(data) for number, data in (files or {}).items()}
        self.finished: set[int] = set()
        self.opened: list[int] = []
        self._resume = resume

    def __call__(self, number: int) -> MemorySink:
        kept = b""
        if self._resume is not None and number == self._resume.segment:
            kept = self.files[number][: self._resume.offset]
        self.files[number] = bytearray(kept)
        self.opened.append(number)
        return MemorySink(self, number)


class MemorySink:
    """One file of `Memory`."""

    def __init__(self, memory: Memory, number: int) -> None:
        self._memory = memory
        self._number = number

    def write(self, data: memoryview) -> None:
        assert self._number not in self._memory.finished
        self._memory.files[self._number] += data

    def finish(self) -> None:
        self._memory.finished.add(self._number)


class Section(NamedTuple):
    """A section as it stands in a segment file."""

    kind: str
    offset: int
    body: bytes


def sections(data: bytes, number: int) -> list[Section]:
    """Walk a segment file and insist on every byte that the format fixes."""
    assert data[:13] == b"EVF\x09\x0d\x0a\xff\x00\x01" + struct.pack("<HH", number, 0)
    found = []
    at = 13
    while True:
        kind, after, size, zeros, checksum = struct.unpack_from("<16sQQ40sI", data, at)
        assert checksum == zlib.adler32(data[at : at + 72])
        assert zeros == bytes(40)
        name = kind.rstrip(b"\0").decode("ascii")
        if name in {"next", "done"}:
            assert (after, size, at + 76) == (at, 0, len(data))
            found.append(Section(name, at, b""))
            return found
        assert after == at + size
        found.append(Section(name, at, data[at + 76 : after]))
        at = after


def checked(body: bytes) -> bytes:
    """A body without the Adler-32 at its end, which must be right."""
    assert struct.unpack("<I", body[-4:])[0] == zlib.adler32(body[:-4])
    return body[:-4]


def groups(data: bytes, number: int) -> list[list[tuple[bytes, bool]]]:
    """The groups of a segment file: (stored form, whether compressed) of each chunk."""
    found = []
    parts = sections(data, number)
    for index, part in enumerate(parts):
        if part.kind != "sectors":
            continue
        table, twin = parts[index + 1 : index + 3]
        assert (table.kind, twin.kind, table.body) == ("table", "table2", twin.body)
        count, base, _ = struct.unpack("<I4xQ4xI", table.body[:24])
        checked(table.body[:24])
        assert base == part.offset
        entries = struct.unpack(f"<{count}I", checked(table.body[24:]))
        starts = [entry & 0x7FFFFFFF for entry in entries]
        ends = [*starts[1:], 76 + len(part.body)]
        assert starts[0] == 76
        found.append(
            [
                (data[base + start : base + end], bool(entry >> 31))
                for entry, start, end in zip(entries, starts, ends, strict=True)
            ]
        )
    return found
