"""The content of one file: digested, typed and sent as a stream row (child only)."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from evkit.core.paths import b64
from evkit.core.text import escape
from evkit.hashing.digests import MultiDigest
from evkit.hashing.reading import open_evidence
from evkit.inventory.archives.kinds import kind_of
from evkit.inventory.trees.placeholders import is_placeholder
from evkit.inventory.types.filetype import HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.inventory.archives.stated import Stated
    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.wire import Sender

READ = 1 << 20
_PEEK = 4096
STORED = "stored"  # reason of a stream row in whose place the parent puts the one that it kept
_ZEROS = memoryview(bytes(READ))


class Rows:
    """Sends rows and counts them, so that a row's number in the inventory is known.

    Args:
        sender: takes the rows.
        number: number of the first one.
    """

    def __init__(self, sender: Sender, number: int = 1) -> None:
        self.sender, self.number = sender, number

    def row(self, fields: Mapping[str, Any]) -> None:
        """Send a row."""
        self.sender.row(fields)
        self.number += 1


class Files:
    """Digests and types files and sends their stream rows.

    Args:
        rows: takes the rows.
        hashes: digest names.
        types: tells file types, None when they are not wanted.
        archives: also say which files are archives or mail.
        stored: rows that the inventory has already; the streams of these are not read again.
        stated: digests that exports state of their files, to be compared.
    """

    def __init__(
        self, rows: Rows, hashes: Sequence[str], types: FileTypes | None, *,
        archives: bool = False, stored: int = 0, stated: Stated | None = None,
    ) -> None:  # fmt: skip
        self._rows = rows
        self._hashes = tuple(hashes)
        self._types = types
        self._archives = archives
        self._stored = stored
        self._stated = stated
        self.done = 0

    def stream(
        self, path: bytes, inode: int, shown: bytes, *,
        expected: dict[str, str] | None = None, detail: str = "",
    ) -> None:  # fmt: skip
        """Read a file once and send its stream row.

        Args:
            path: where the content lies.
            inode: number of the entry.
            shown: its path in the inventory.
            expected: digests that were recorded before; a difference makes the row `damaged`.
            detail: what a reader of the row must know, if anything.
        """
        row: dict[str, Any] = {
            "row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0,
            "bytes_digested": 0, "basis": "allocated",
        }  # fmt: skip
        more = self._stated.wanted(shown) if self._stated is not None else ()
        kept = self._rows.number < self._stored
        facts = None
        digests: dict[str, str] = {}
        try:
            skip = kept and not (self._stated is not None and self._stated.claims(shown))
            facts, head, digests = self._read(path, row, more, skip=skip)
        except OSError as error:
            row |= {"state": "unreadable", "reason": "read-error"}
            row["detail"] = escape(error.strerror or type(error).__name__)
            head = b""
        if detail:
            row.setdefault("detail", detail)
        if row["state"] == "ok" and expected:
            wrong = [n for n, v in expected.items() if row["digests"].get(n, v) != v]
            if wrong:
                row |= {"state": "damaged", "reason": "differs-from-record"}
                row["detail"] = f"{wrong[0]} is {row.pop('digests')[wrong[0]]}"
        if self._stated is not None and row["state"] == "ok":
            self._stated.saw(shown, digests)
        if kept and row.pop("digests", None):
            row |= {"state": "skipped", "reason": STORED, "bytes_digested": 0}
        self._rows.row(row)
        if facts is not None and (row["state"] == "ok" or row.get("reason") == STORED):
            self._after(path, shown, facts, head, row)

    def _after(
        self, path: bytes, shown: bytes, facts: os.stat_result, head: bytes, row: dict[str, Any]
    ) -> None:
        """Say what else is known of a stream that was read whole: an archive, a type."""
        name = shown.rpartition(b"/")[2]
        kind = kind_of(head[:_PEEK], name) if self._archives else None
        if kind is not None:
            found = {"type": kind, "path": b64(path), "name": b64(name), "size": facts.st_size,
                     "mtime": str(facts.st_mtime_ns)}  # fmt: skip
            self._rows.sender.send("archive", found)
        if row["state"] == "ok" and self._types is not None:
            digest = row["digests"].get("sha256") if row["size"] <= HEAD else None
            mime = self._types.of(head, digest)
            if mime is not None:
                self._rows.sender.send("type", mime)

    def _read(
        self, path: bytes, row: dict[str, Any], more: Sequence[str], *, skip: bool
    ) -> tuple[os.stat_result, bytes, dict[str, str]]:
        known = os.lstat(path)
        if is_placeholder(known):
            row |= {"size": known.st_size, "state": "skipped", "reason": "cloud-placeholder"}
            return known, b"", {}
        descriptor = open_evidence(path)
        try:
            before = os.fstat(descriptor)
            row["size"] = size = before.st_size
            if not stat.S_ISREG(before.st_mode):
                row |= {"state": "unreadable", "reason": "changed-while-read"}
                return before, b"", {}
            if skip:
                row |= {"state": "skipped", "reason": STORED}
                return before, os.read(descriptor, _PEEK), {}
            digest = MultiDigest((*self._hashes, *more))
            if size > HEAD and getattr(before, "st_blocks", size) * 512 < size:
                row["flags"] = ["sparse"]
                head, at = self._sparse(descriptor, size, digest)
            else:
                head, at = self._whole(descriptor, size, digest)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self.done += at
        row["bytes_digested"] = at
        digests: dict[str, str] = {}
        if (size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            row |= {"state": "damaged", "reason": "changed-while-read"}
        elif at != size:
            row |= {"state": "damaged", "reason": "short-read"}
        else:
            digests = digest.digests()
            row |= {"state": "ok", "digests": {n: digests[n] for n in self._hashes}}
        return before, head, digests

    def _whole(self, descriptor: int, size: int, digest: MultiDigest) -> tuple[bytes, int]:
        """Read to the end, and no further than one block behind it: a file may grow for ever."""
        head = block = os.read(descriptor, min(READ, size + 1))
        at = 0
        while block:
            digest.update(block)
            at += len(block)
            if at > size:
                break
            self._rows.sender.beat(self.done + at)
            block = os.read(descriptor, READ) if at < size else os.read(descriptor, 1)
        return head[:HEAD], at

    def _sparse(self, descriptor: int, size: int, digest: MultiDigest) -> tuple[bytes, int]:
        """Read the data and take holes for the zeros that they are, without reading them."""
        head, at = b"", 0
        while at < size:
            start, end = _data(descriptor, at, size)
            at, head = self._zeros(at, start, digest, head)
            os.lseek(descriptor, at, os.SEEK_SET)
            while at < end:
                block = os.read(descriptor, min(READ, end - at))
                if not block:
                    return head, at
                if at < HEAD:
                    head += block[: HEAD - at]
                digest.update(block)
                at += len(block)
                self._rows.sender.beat(self.done + at)
        return head, at

    def _zeros(self, at: int, end: int, digest: MultiDigest, head: bytes) -> tuple[int, bytes]:
        if at < HEAD and end > at:
            head += bytes(min(end, HEAD) - at)
        while at < end:
            block = _ZEROS[: min(READ, end - at)]
            digest.update(block)
            at += len(block)
            self._rows.sender.beat(self.done + at)
        return at, head


def _data(descriptor: int, at: int, size: int) -> tuple[int, int]:
    """Return where the next data of a file begin and end; all of it where that is not known."""
    find = getattr(os, "SEEK_DATA", None)
    if find is None:
        return at, size
    try:
        start = min(size, os.lseek(descriptor, at, find))
        return start, min(size, os.lseek(descriptor, start, os.SEEK_HOLE))
    except OSError as error:
        return (size, size) if error.errno == errno.ENXIO else (at, size)
