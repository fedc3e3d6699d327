"""The content of one member: digested while it passes, typed, and looked into afterwards."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

from evkit.hashing.digests import MultiDigest
from evkit.inventory.archives.caps import ReadError
from evkit.inventory.archives.content import Content
from evkit.inventory.archives.kinds import STREAMED, kind_of
from evkit.inventory.archives.statements import statement_of
from evkit.inventory.types.filetype import HEAD

if TYPE_CHECKING:
    from evkit.inventory.archives.content import Reader
    from evkit.inventory.archives.entries import Entry, Source
    from evkit.inventory.archives.job import Job
    from evkit.inventory.archives.stated import Stated

_PEEK = 4096
_WHOLE = frozenset({"crc-differs"})  # read to its end, and worth looking into all the same
_NOT_WHOLE = ReadError(
    "nested-too-large", "it lies packed in another and is too large for memory", "unsupported"
)


class Owner(Protocol):
    """The archive, as far as its members need it (see `listing.Archive`)."""

    job: Job
    fs: int
    stated: Stated

    def inside(self, content: Content, kind: str) -> None:
        """List an archive in this one."""


class Sink:
    """Takes the content of one member.

    Args:
        archive: its archive.
        number: its number.
        entry: what the archive says of it.
        source: how it can be read once more.

    Attributes:
        size: bytes so far.
        digests: when it was read whole, else empty.
    """

    def __init__(self, archive: Owner, number: int, entry: Entry, source: Source) -> None:
        self._archive, self._number, self._entry, self._source = archive, number, entry, source
        self._digest = MultiDigest(archive.job.hashes)
        self._head = bytearray()
        self._kept: list[bytes] | None = [] if source.place is None else None
        self._kind: str | None = None
        self._statement = statement_of(entry.path)
        self.size = 0
        self.digests: dict[str, str] = {}

    def write(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            CapError: too many.
        """
        job = self._archive.job
        before = self.size
        if before < HEAD:
            self._head += block[: HEAD - before]
        self.size += len(block)
        if before < _PEEK and not self._source.plain:
            self._kind = kind_of(bytes(self._head[:_PEEK]), self._entry.path)
        self._digest.update(block)
        if self._statement is not None:
            self._statement.feed(block)
        self._keep(block)
        job.budget.unpacked(len(block))
        job.sender.beat(job.budget.done)

    def end(self, problem: ReadError | None = None) -> None:
        """Send the stream row, its type, and the rows of an archive that it is.

        Args:
            problem: why the content is not whole.

        Raises:
            CapError: a cap was reached inside.
        """
        job, entry = self._archive.job, self._entry
        row: dict[str, Any] = {
            "row": "stream", "fs": self._archive.fs, "inode": self._number, "seq": 0, "attr": 1,
            "attr_id": 0, "bytes_digested": self.size, "basis": "allocated",
        }  # fmt: skip
        size = self.size if entry.size is None else entry.size
        if problem is None and size != self.size:
            problem = ReadError("size-differs", f"{self.size} bytes, {size} stated")
        if size < 2**53 and (problem is None or entry.size is not None):
            row["size"] = size
        if problem is None:
            self.digests = self._digest.digests()
            row |= {"state": "ok", "digests": self.digests}
        else:
            row |= problem.fields()
        job.sender.row(row)
        self._compare(problem)
        head = bytes(self._head)
        if problem is None and job.types is not None:
            mime = job.types.of(head, self.digests.get("sha256") if size <= HEAD else None)
            if mime is not None:
                job.sender.send("type", mime)
        if self._kind is not None and (problem is None or problem.reason in _WHOLE):
            self._inside(self._kind)

    def _compare(self, problem: ReadError | None) -> None:
        """Hand on digests, and what the member states of others."""
        stated, path = self._archive.stated, self._entry.path
        if problem is None:
            stated.saw(path, self.digests, self._number)
            if self._statement is not None:
                stated.claim(path, self._statement.close())
                stated.numbered(path, self._number)

    def _keep(self, block: bytes) -> None:
        if self._kept is None:
            return
        again = not self._source.once and self._kind in STREAMED
        over = self.size > self._archive.job.budget.caps.memory
        if over or (self.size > _PEEK and (self._kind is None or again)):
            self._kept = None
        else:
            self._kept.append(block)

    def _inside(self, kind: str) -> None:
        source, name, archive = self._source, self._entry.path, self._archive
        if source.place is not None:
            content = Content(name, self.size, source.place, seeking=True)
        elif self._kept is not None:
            data = b"".join(self._kept)
            self._kept = None
            content = Content(name, self.size, lambda: io.BytesIO(data), seeking=True)
        elif source.open is not None and not source.once and kind in STREAMED:
            content = Content(name, self.size, source.open, seeking=False)
        else:
            content = Content(name, self.size, _refuse, seeking=False)
        archive.inside(content, kind)


def _refuse() -> Reader:
    raise _NOT_WHOLE
