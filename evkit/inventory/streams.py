"""Stream rows: the attributes of a metadata record, read once, digested, typed (child only)."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.hashing.digests import MultiDigest
from evkit.inventory import native
from evkit.inventory.filetype import HEAD
from evkit.manifest.rows import HOLE, MAX_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.filetype import FileTypes
    from evkit.inventory.native import Native
    from evkit.inventory.offerable import Offerable
    from evkit.inventory.volume import Volume
    from evkit.inventory.wire import Sender

READ = 1 << 20  # larger than libtsk's cache block, so a read is one call for each run
MAX_SIZE = 2**53 - 1
_DATA = {
    native.ATTR_DEFAULT,
    native.NTFS_DATA,
    native.HFS_DATA,
    native.HFS_RESOURCE,
    native.HFS_EXTENDED,
}
_DATA |= {192, 208, 224, 256}  # NTFS reparse point, EA_INFORMATION, EA, LOGGED_UTILITY_STREAM
_DECMPFS = b"com.apple.decmpfs"


def wanted(attribute: Native, meta_type: int) -> bool:
    """Say whether an attribute is a stream of its own: data, not a file system's bookkeeping."""
    kind = int(attribute.info.type)
    if kind == native.ATTR_DEFAULT or (kind == native.HFS_DATA and meta_type == native.META_LINK):
        return meta_type == native.META_REGULAR
    return kind in _DATA


def first_block(file: Native) -> int:
    """Return the block where the first stream of a record begins, for reading in disk order."""
    for attribute in list(file):  # an iteration that stops half-way would go on there next time
        if (
            int(attribute.info.type) in _DATA
            and int(attribute.info.flags) & native.ATTR_NONRESIDENT
        ):
            for run in attribute:
                if not int(run.flags) & native.RUN_HOLE:
                    return int(run.addr)
    return 0


class Streams:
    """Makes the stream rows of one volume.

    Args:
        volume: the file system.
        sender: takes the rows.
        types: tells file types, None when they are not wanted.
        offerable: judges which streams are offered to the parent instead of being read; None to
            read all.

    Attributes:
        done: bytes digested or offered so far.
    """

    def __init__(
        self,
        volume: Volume,
        sender: Sender,
        types: FileTypes | None,
        offerable: Offerable | None = None,
    ) -> None:
        self._volume = volume
        self._send = sender
        self._types = types
        self._offerable = offerable
        self._left = volume.job.budget
        self.done = 0

    def record(self, inode: int, only: tuple[int, int] | None = None) -> None:
        """Send a row for each stream of a metadata record, or for one: (type, number)."""
        try:
            file = self._volume.handle.open_meta(inode)
            meta = file.info.meta
            attributes = list(file)
        except native.ERRORS as error:
            self._send.row(self._problem(inode, "record-not-readable", error))
            return
        kind = int(meta.type)
        compressed = self._volume.kind.startswith("hfs") and (
            int(meta.flags) & native.META_COMPRESSED
            or any(
                int(item.info.type) == native.HFS_COMPRESSION or item.info.name == _DECMPFS
                for item in attributes
            )
        )
        for attribute in attributes:
            chosen = only is None or only == (int(attribute.info.type), int(attribute.info.id))
            if chosen and wanted(attribute, kind):
                row = self._row(inode, meta, attribute)
                hidden = bool(compressed) and row["attr"] == native.HFS_DATA
                self._digest(file, attribute, row, hidden=hidden)

    def _row(self, inode: int, meta: Native, attribute: Native) -> dict[str, Any]:
        volume, info = self._volume, attribute.info
        row: dict[str, Any] = {
            "row": "stream",
            "fs": volume.job.fs,
            "inode": inode,
            "seq": int(meta.seq) if volume.has_sequence else 0,
            "attr": int(info.type),
            "attr_id": int(info.id),
            "bytes_digested": 0,
        }
        size = int(info.size)
        if 0 <= size <= MAX_SIZE:
            row["size"] = size
        if info.name:
            row |= to_fields(bytes(info.name), "name")
        flags, bits = set(), int(info.flags)
        if bits & native.ATTR_RESIDENT:
            flags.add("resident")
        if bits & native.ATTR_COMPRESSED:
            flags.add("compressed")
        if bits & native.ATTR_ENCRYPTED:
            flags.add("encrypted")
        extents, left_out = self._extents(attribute, size)
        if bits & native.ATTR_SPARSE or any(place == HOLE for place, _ in extents):
            flags.add("sparse")
        if extents:
            row["extents"] = extents
        if left_out:
            row["extents_left_out"] = left_out
        if flags:
            row["flags"] = sorted(flags)
        allocated = bool(int(meta.flags) & native.META_ALLOCATED)
        placed = any(place != HOLE for place, _ in extents) or "resident" in flags
        certain = volume.kind == "ntfs" or volume.kind.startswith("fat") or volume.kind == "exfat"
        row["basis"] = volume.basis(allocated=allocated, recorded=placed or (size == 0 and certain))
        return row

    def _extents(self, attribute: Native, size: int) -> tuple[list[list[int]], int]:
        """Return [image offset or -1, length] in file order, and how many were left out."""
        found: list[list[int]] = []
        left_out = 0
        bits = int(attribute.info.flags)
        if bits & native.ATTR_RESIDENT or not self._volume.plain_blocks:
            return found, 0
        stored = bool(bits & native.ATTR_COMPRESSED)
        for place, length in self._runs(attribute, MAX_SIZE if stored else size):
            last = found[-1] if found else None
            if last and _continues(last, place):
                last[1] += length
            elif len(found) < MAX_EXTENTS:
                found.append([place, length])
            else:
                left_out += 1
        return found, left_out

    def _runs(self, attribute: Native, size: int) -> Iterator[tuple[int, int]]:
        block, start, at = self._volume.block_size, self._volume.job.offset, 0
        for run in attribute:
            if at >= size:  # ext ends its runs with filler beyond the end
                return
            length, where = int(run.len) * block, int(run.offset) * block
            if where > at:
                yield HOLE, min(where, size) - at
                at = min(where, size)
            length = min(length, size - at)
            if length <= 0 or at + length > MAX_SIZE:
                return
            place = HOLE if int(run.flags) & native.RUN_HOLE else start + int(run.addr) * block
            yield place, length
            at += length

    def _digest(
        self, file: Native, attribute: Native, row: dict[str, Any], *, hidden: bool
    ) -> None:
        head = b""
        reason = _refusal(row, self._left, hidden=hidden)
        if reason is None and self._touches_unread(row):
            reason = ("damaged", "unread-sectors")
        if reason is None and self._offerable is not None and self._offerable.says(attribute, row):
            self._offer(row)
            return
        if reason is None:
            head, reason = self._read(file, attribute, row)
        if reason is not None:
            row["state"], row["reason"] = reason
            self._send.row(row)
            return
        self._send.row(row)
        if self._types is not None:
            small = row["digests"].get("sha256") if row["size"] <= HEAD else None
            mime = self._types.of(head, small)
            if mime is not None:
                self._send.send("type", mime)

    def _offer(self, row: dict[str, Any]) -> None:
        """Send a row without digests; the parent completes it, or asks for it again."""
        self._send.send("offer", row)
        self.done += row["size"]
        self._left -= row["size"]
        self._send.beat(self.done)

    def _read(
        self,
        file: Native,
        attribute: Native,
        row: dict[str, Any],
    ) -> tuple[bytes, tuple[str, str] | None]:
        """Read a stream to its end; sets `bytes_digested` and `digests` or returns why not."""
        size, at, head = row["size"], 0, b""
        digest = MultiDigest(self._volume.job.hashes)
        kind, number = int(attribute.info.type), int(attribute.info.id)
        failures = self._volume.image.failures
        try:
            while at < size:
                block = file.read_random(at, min(READ, size - at), kind, number)
                if not block:
                    break
                if at < HEAD:
                    head += block[: HEAD - at]
                digest.update(block)
                at += len(block)
                self._send.beat(self.done + at)
        except (*native.ERRORS, InputError) as error:
            row["detail"] = native.clean(error)
        self.done += at
        self._left -= at
        row["bytes_digested"] = at
        if at == size and "detail" not in row:
            row["digests"] = digest.digests()
            row["state"] = "ok"
            return head, None
        if row["basis"] != "allocated" and failures == self._volume.image.failures:
            return head, ("skipped", "deleted-content-lost")
        return head, ("unreadable", "read-error") if "detail" in row else ("damaged", "short-read")

    def _touches_unread(self, row: dict[str, Any]) -> bool:
        unread = self._volume.job.unread
        for place, span in row.get("extents", ()) if unread else ():
            if place == HOLE:
                continue
            after = bisect.bisect_left(unread, (place + span, 0))
            if after and sum(unread[after - 1]) > place:
                return True
        return False

    def _problem(self, inode: int, reason: str, error: BaseException) -> dict[str, Any]:
        return {
            "row": "error",
            "fs": self._volume.job.fs,
            "inode": inode,
            "stage": "streams",
            "reason": reason,
            "detail": native.clean(error),
        }


def _continues(last: list[int], place: int) -> bool:
    return last[0] == place == HOLE or (HOLE not in {last[0], place} and sum(last) == place)


def _refusal(row: dict[str, Any], left: int, *, hidden: bool) -> tuple[str, str] | None:
    """Say why a stream is not even read: (state, reason), or None."""
    size = row.get("size")
    if hidden:  # libtsk shows a size of zero and would give the digest of nothing
        return "unsupported", "hfs-compression"
    if size is None:
        return "damaged", "size-out-of-range"
    if row["basis"] == "none":
        return "skipped", "deleted-content-lost"
    if row.get("name") == "$Bad" and row["inode"] == 8:  # noqa: PLR2004 - $BadClus of NTFS
        return "skipped", "bad-cluster-list"
    if size > left:
        return "unreadable", "read-budget"
    return None
