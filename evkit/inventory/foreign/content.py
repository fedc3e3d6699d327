"""Stream rows from libraries that give a content as a size and a function to read (child only)."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.hashing.digests import MultiDigest
from evkit.inventory import native
from evkit.inventory.types.filetype import HEAD
from evkit.manifest.rows import HOLE, MAX_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evkit.inventory.driver import Answer
    from evkit.inventory.tsk import Image
    from evkit.inventory.types.filetype import FileTypes
    from evkit.inventory.volume import Job

READ = 1 << 20
MAX_SIZE = 2**53 - 1


@dataclass(frozen=True, kw_only=True)
class Content:
    """One content of a record.

    Attributes:
        attr, attr_id: as in a stream row.
        name: of a named stream, else None.
        size: bytes it should have.
        extents: [offset in the image or -1, length] in the order of the content.
        left_out: extents that are not listed.
        behind: (offset in the image, length) between its end and the end of its blocks.
        flags: of a stream row.
        basis: what the content rests on.
        refusal: (state, reason) when it must not be read.
        read: gives (offset, length).
    """

    attr: int
    attr_id: int
    size: int
    read: Callable[[int, int], bytes]
    name: bytes | None = None
    extents: Sequence[Sequence[int]] = ()
    left_out: int = 0
    behind: Sequence[tuple[int, int]] = ()
    flags: frozenset[str] = frozenset()
    basis: str = "allocated"
    refusal: tuple[str, str] | None = None


@dataclass
class Contents:
    """Makes the stream rows of one volume.

    Args:
        job: the request.
        image: counts the reads that failed.
        types: tells file types, None when they are not wanted.
    """

    job: Job
    image: Image
    types: FileTypes | None

    def send(self, inode: int, seq: int, content: Content, out: Answer) -> None:
        """Read a content to its end and send its row, and its type when that is wanted."""
        row = self._row(inode, seq, content)
        refusal = content.refusal or self._refusal(row, out.budget)
        head = b""
        if refusal is None:
            head, refusal = self._read(content, row, out)
        if refusal is not None:
            row["state"], row["reason"] = refusal
        out.row(row)
        if refusal is None and self.types is not None:
            small = row["digests"].get("sha256") if row["size"] <= HEAD else None
            mime = self.types.of(head, small)
            out.type(mime)

    def _row(self, inode: int, seq: int, content: Content) -> dict[str, Any]:
        row: dict[str, Any] = {
            "row": "stream",
            "fs": self.job.fs,
            "inode": inode,
            "seq": seq,
            "attr": content.attr,
            "attr_id": content.attr_id,
            "bytes_digested": 0,
            "basis": content.basis,
        }
        if 0 <= content.size <= MAX_SIZE:
            row["size"] = content.size
        if content.name is not None:
            row |= to_fields(content.name, "name")
        if content.extents:
            row["extents"] = [list(item) for item in content.extents]
        if content.left_out:
            row["extents_left_out"] = content.left_out
        flags = set(content.flags)
        if any(place == HOLE for place, _ in content.extents):
            flags.add("sparse")
        if flags:
            row["flags"] = sorted(flags)
        return row

    def _refusal(self, row: dict[str, Any], budget: int) -> tuple[str, str] | None:
        if "size" not in row:
            return "damaged", "size-out-of-range"
        if row["basis"] == "none":
            return "skipped", "deleted-content-lost"
        if row["size"] > budget:
            return "unreadable", "read-budget"
        if self._touches_unread(row):
            return "damaged", "unread-sectors"
        return None

    def _read(
        self, content: Content, row: dict[str, Any], out: Answer
    ) -> tuple[bytes, tuple[str, str] | None]:
        size, at, head = content.size, 0, b""
        digest = MultiDigest(self.job.hashes)
        failures = self.image.failures
        try:
            while at < size:
                block = content.read(at, min(READ, size - at))
                if not block:
                    break
                head += block[: max(0, HEAD - at)]
                digest.update(block)
                at += len(block)
                out.beat(at)
        except (*native.ERRORS, InputError, MemoryError) as error:
            row["detail"] = native.clean(error)
        out.done += at
        out.budget -= at
        row["bytes_digested"] = at
        if at == size and "detail" not in row:
            row["digests"] = digest.digests()
            row["state"] = "ok"
            return head, None
        if content.basis != "allocated" and failures == self.image.failures:
            return head, ("skipped", "deleted-content-lost")
        if "compressed" in content.flags and failures == self.image.failures:
            return head, ("unsupported", "compression-unknown")
        return head, ("unreadable", "read-error") if "detail" in row else ("damaged", "short-read")

    def _touches_unread(self, row: dict[str, Any]) -> bool:
        unread = self.job.unread
        for place, span in row.get("extents", ()) if unread else ():
            if place == HOLE:
                continue
            after = bisect.bisect_left(unread, (place + span, 0))
            if after and sum(unread[after - 1]) > place:
                return True
        return False


class Placed(NamedTuple):
    """Where a content lies in the image: `extents`, `left_out` and `behind` of `Content`."""

    extents: list[list[int]]
    left_out: int
    behind: list[tuple[int, int]]


def place_extents(parts: Iterable[tuple[int, int, int]], start: int, size: int) -> Placed:
    """Turn the extents of a library into those of a row.

    Args:
        parts: (offset in the volume, length, flags with 1 for a hole).
        start: offset of the volume in the image.
        size: bytes of the content; what lies beyond is behind it.
    """
    found: list[list[int]] = []
    behind: list[tuple[int, int]] = []
    left_out = at = 0
    for offset, whole, flags in parts:
        length = max(0, min(whole, size - at))
        place = HOLE if flags & 1 else start + offset
        if whole > length and place != HOLE:
            behind.append((place + length, whole - length))
        if not length:
            continue
        last = found[-1] if found else None
        if last and (last[0] == place == HOLE or (HOLE not in {last[0], place}
                                                  and sum(last) == place)):  # fmt: skip
            last[1] += length
        elif len(found) < MAX_EXTENTS:
            found.append([place, length])
        else:
            left_out += 1
        at += length
    return Placed(found, left_out, behind)
