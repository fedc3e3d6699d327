"""Backups: a tar file or a folder with everything but the log key.

The log key stays behind on purpose: whoever puts a backup back cannot go on under the old name by
mistake, which would make two histories. Going on is `station recover`, under a new name. The format
is `docs/spec/backup-and-recover.md`.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import sqlite3
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from evkit.core import clock, durable, ejson
from evkit.core.errors import StorageError
from evkit.core.paths import to_fields
from evkit.core.text import escape, escape_bytes
from evkit.station import layout, lock
from evkit.station.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.station.layout import Layout
    from evkit.station.store import Head

SCHEMA = "evkit/backup/1"
LIST = b"backup.json"
_BLOCK = 1 << 20
_LARGE = frozenset({layout.CASES, layout.HASH_SETS})
_LEFT_OUT = {layout.LEDGER, layout.LOG_KEY, layout.INDEX, layout.LOCK}


class Member(NamedTuple):
    """One file of a backup: name inside it, size, SHA-256."""

    name: bytes
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a backup holds.

    Attributes:
        path: where it was written.
        head: the head of the ledger in it.
        files, bytes: what was written, the list not counted.
        left_out: files of evidence that stayed behind.
    """

    path: bytes
    head: Head
    files: int
    bytes: int
    left_out: int


class _Sink(Protocol):
    def add(self, name: bytes, source: bytes) -> Member:
        """Copy the file `source` under `name`."""
        ...

    def finish(self, listing: bytes) -> None:
        """Write the list and make the backup appear."""
        ...

    def drop(self) -> None:
        """Remove what was written, if it did not appear."""
        ...


def files_of(home: bytes, *, evidence: bool) -> Iterator[bytes]:
    """Yield the names of the files that belong in a backup, sorted, without the ledger itself."""
    for folder, folders, names in os.walk(home):
        folders.sort()
        relative = os.path.relpath(folder, home)
        relative = b"" if relative == b"." else relative
        if not relative and not evidence:
            folders[:] = [name for name in folders if name not in _LARGE]
        for name in sorted(names):
            path = os.path.join(folder, name)
            passing = name.endswith((durable.PART.encode(), b"-journal"))
            if os.path.isfile(path) and not os.path.islink(path) and not passing:
                inside = os.path.join(relative, name)
                if inside not in _LEFT_OUT:
                    yield inside


def make(place: Layout, origin: str, target: bytes, *, evidence: bool) -> Made:
    """Write a backup of a station; a target ending in `.tar` becomes a tar file, else a folder.

    Args:
        place: the station.
        origin: the name of its ledger.
        target: must not exist.
        evidence: also copy the evidence below `cases/`.

    Raises:
        RefusedError: the target exists.
        StorageError: it cannot be written.
    """
    durable.need_absent(target)
    scratch = target + b"." + secrets.token_hex(4).encode() + durable.PART.encode()
    sink: _Sink = _Tar(target) if target.lower().endswith(b".tar") else _Folder(target)
    try:
        with durable.storage_errors(target):
            with lock.hold(place.path(layout.LOCK)):  # so that its head is signed
                head = _snapshot(place.path(layout.LEDGER), scratch)
            members = [sink.add(layout.LEDGER, scratch)]
            members += [
                sink.add(name, place.path(name)) for name in files_of(place.home, evidence=evidence)
            ]
            sink.finish(_listing(origin, head, members))
    finally:
        sink.drop()
        if os.path.lexists(scratch):
            os.unlink(scratch)
    everything = sum(1 for _ in files_of(place.home, evidence=True)) + 1
    return Made(
        path=target,
        head=head,
        files=len(members),
        bytes=sum(member.size for member in members),
        left_out=everything - len(members),
    )


def _snapshot(ledger: bytes, target: bytes) -> Head:
    """Copy the ledger as one consistent state, also while others append; return its head."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        source = sqlite3.connect(ledger, timeout=30.0)
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)
        finally:
            source.close()
            copy.close()
    except sqlite3.Error as error:
        raise StorageError(
            f"cannot copy `{escape_bytes(ledger)}`: {escape(str(error))}",
            hint="free space on the destination and try again",
        ) from error
    store = SqliteStore.open(target)
    try:
        return store.head()
    finally:
        store.close()


def _listing(origin: str, head: Head, members: Sequence[Member]) -> bytes:
    files: list[ejson.Json] = [
        {**to_fields(name), "size": size, "sha256": digest} for name, size, digest in members
    ]
    value: dict[str, ejson.Json] = {
        "schema": SCHEMA,
        "created": clock.now().text(),
        "origin": origin,
        "size": head.size,
        "root": head.root.hex(),
        "files": files,
    }
    if head.note is not None:
        value["checkpoint"] = head.note.decode("utf-8")
    return ejson.dumps(value)


class _Folder:
    """A backup as a folder, built under another name and renamed when it is complete."""

    def __init__(self, target: bytes) -> None:
        self._target = target
        self._part = target + b"." + secrets.token_hex(4).encode() + durable.PART.encode()
        durable.make_dir(self._part, 0o700)

    def add(self, name: bytes, source: bytes) -> Member:
        path = os.path.join(self._part, name)
        durable.make_dir(os.path.dirname(path), 0o700)
        mode = os.stat(source).st_mode & 0o777
        digest, size = hashlib.sha256(), 0
        with open(source, "rb") as reader, durable.NewFile(path, mode=mode) as writer:
            while block := reader.read(_BLOCK):
                digest.update(block)
                size += len(block)
                writer.write(block)
            writer.commit()
        return Member(name, size, digest.hexdigest())

    def finish(self, listing: bytes) -> None:
        durable.write_new(os.path.join(self._part, LIST), listing)
        durable.step("rename", self._target)
        os.rename(self._part, self._target)
        durable.fsync_dir(os.path.dirname(os.path.abspath(self._target)))

    def drop(self) -> None:
        shutil.rmtree(self._part, ignore_errors=True)


class _Tar:
    """A backup as one tar file that appears when it is complete."""

    def __init__(self, target: bytes) -> None:
        self._file = durable.NewFile(target, mode=0o600)
        self._file.__enter__()
        self._tar = tarfile.open(  # noqa: SIM115 - closed in finish
            fileobj=_Writer(self._file), mode="w|", format=tarfile.PAX_FORMAT
        )
        self._done = False

    def add(self, name: bytes, source: bytes) -> Member:
        with open(source, "rb") as reader:
            facts = os.fstat(reader.fileno())
            info = tarfile.TarInfo(os.fsdecode(name))
            info.size, info.mode, info.mtime = facts.st_size, facts.st_mode & 0o777, facts.st_mtime
            digesting = _Digesting(reader)
            self._tar.addfile(info, digesting)
        return Member(name, digesting.size, digesting.digest.hexdigest())

    def finish(self, listing: bytes) -> None:
        info = tarfile.TarInfo(LIST.decode())
        info.size, info.mode = len(listing), 0o644
        self._tar.addfile(info, io.BytesIO(listing))
        self._tar.close()
        self._file.commit()
        self._done = True

    def drop(self) -> None:
        self._file.__exit__(None, None, None)


class _Writer(io.RawIOBase):
    """Lets `tarfile` write into a durable file."""

    def __init__(self, file: durable.NewFile) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile passes bytes only
        self._file.write(data)
        return len(data)


class _Digesting(io.RawIOBase):
    """Digests what `tarfile` reads, so that the list tells what really went in."""

    def __init__(self, reader: io.BufferedReader) -> None:
        super().__init__()
        self._reader = reader
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self._reader.read(size)
        self.digest.update(block)
        self.size += len(block)
        return block
