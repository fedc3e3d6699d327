"""Archives in memory, listed without a child, every message judged as the parent judges it."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib

from evkit.core.paths import from_fields
from evkit.inventory.archives.caps import Budget, CapError, Caps
from evkit.inventory.archives.content import Content
from evkit.inventory.archives.forms import reader_of
from evkit.inventory.archives.job import Job
from evkit.inventory.archives.kinds import kind_of
from evkit.inventory.archives.listing import Archive
from evkit.inventory.coverage import Coverage, problems
from evkit.inventory.trees.insidetaker import InsideTaker
from evkit.inventory.wire import Message, encode, row_bytes
from evkit.manifest import rows
from evkit.manifest.rowaccept import facts_of

WITHIN = 7  # number of the stream row that holds the archive of a test


class Listed:
    """Rows of one archive and of those in it.

    Attributes:
        rows: all rows in order; the number of row `n` is `WITHIN + 1 + n`.
        coverage: counted from them.
    """

    def __init__(self, data, kind=None, name=b"x", *, caps=None, hashes=("md5", "sha256")):
        self.rows: list[dict] = []
        self.count = Coverage()
        kind = kind or kind_of(data[:4096], name)
        assert kind is not None, data[:40]
        batch = [(WITHIN, {"type": kind, "size": len(data)})]
        self._taker = InsideTaker(self, self.count.take_all, 2, batch)
        job = Job(self, hashes, None, 2, Budget(caps or Caps(), len(data)), reader_of)
        content = Content(name, len(data), lambda: io.BytesIO(data), seeking=True)
        self.capped = False
        try:
            Archive(job, content, kind).run()
        except CapError:
            self.capped = True
        self._taker.whole()
        assert problems(self.count.row()) == []

    def add_bytes(self, data, facts):
        row = rows.parse(data)
        assert facts_of(row) == facts
        self.rows.append(row)
        return WITHIN + len(self.rows)

    def checkpoint(self):
        pass

    def add_type(self, stream, mime):
        raise AssertionError("no types were asked for")

    def send(self, kind, *content):
        self._taker.take(Message.parse(encode((kind, *content))))

    def row(self, fields):
        self._taker.take(Message.parse(row_bytes(fields)))

    def beat(self, done):
        pass

    def kind(self, kind, fs=None):
        return [row for row in self.rows if row["row"] == kind and fs in {None, row["fs"]}]

    @property
    def systems(self):
        return sorted(self.kind("filesystem"), key=lambda row: row["fs"])

    @property
    def top(self):
        return self.systems[0]

    def names(self, fs=2):
        return {from_fields(row): row for row in self.kind("name", fs)}

    def streams(self, fs=2):
        """Path -> stream row (the last one of a name)."""
        paths = {row["inode"]: from_fields(row) for row in self.kind("name", fs)}
        return {paths[row["inode"]]: row for row in self.kind("stream", fs)}


def zipped(members, method=zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of {name: content}."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in dict(members).items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members, form=tarfile.PAX_FORMAT, mode="w") -> bytes:
    """Return a tar of {name: content or TarInfo}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
        for name, data in dict(members).items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def local(
    name: bytes, data: bytes, *, flags=0, method=0, crc=None, size=None, packed=None
) -> bytes:
    """Return a local header with its content."""
    crc = zlib.crc32(data) if crc is None else crc
    head = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, flags, method, 0, 0x21, crc,
        len(data) if packed is None else packed, len(data) if size is None else size, len(name), 0,
    )  # fmt: skip
    return head + name + data


def central(name: bytes, data: bytes, start: int, *, flags=0, method=0, crc=None, size=None,
            packed=None, extra=b"", made=0, outside=0) -> bytes:  # fmt: skip
    """Return an entry of a directory."""
    crc = zlib.crc32(data) if crc is None else crc
    return struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", made << 8 | 20, 20, flags, method, 0, 0x21, crc,
        len(data) if packed is None else packed, len(data) if size is None else size,
        len(name), len(extra), 0, 0, 0, outside, start,
    ) + name + extra  # fmt: skip


def end(count: int, length: int, start: int, comment=b"") -> bytes:
    """Return an end record."""
    return struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, length, start, len(comment)
    ) + comment  # fmt: skip


def assembled(locals_: list[bytes], entries: list[bytes], *, count=None, before=b"") -> bytes:
    """Return a zip from its parts; the places in `entries` count from behind `before`."""
    body, directory = b"".join(locals_), b"".join(entries)
    number = len(entries) if count is None else count
    return before + body + directory + end(number, len(directory), len(body))
