"""The content of one file: digested, typed and sent as a stream row (child only)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core.text import escape
from evkit.hashing.digests import MultiDigest
from evkit.hashing.reading import open_evidence
from evkit.inventory.filetype import HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.filetype import FileTypes
    from evkit.inventory.wire import Sender

READ = 1 << 20
_RECALL = 0x0040_0000 | 0x0004_0000  # Windows: reading would fetch the content from a cloud


class Files:
    """Digests and types files and sends their stream rows.

    Args:
        sender: takes the rows.
        hashes: digest names.
        types: tells file types, None when they are not wanted.
    """

    def __init__(self, sender: Sender, hashes: Sequence[str], types: FileTypes | None) -> None:
        self._send = sender
        self._hashes = tuple(hashes)
        self._types = types
        self.done = 0

    def stream(
        self, path: bytes, inode: int, expected: dict[str, str] | None = None, detail: str = ""
    ) -> None:
        """Read a file once and send its stream row.

        Args:
            path: where the content lies.
            inode: number of the entry.
            expected: digests that were recorded before; a difference makes the row `damaged`.
            detail: what a reader of the row must know, if anything.
        """
        row: dict[str, Any] = {
            "row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0,
            "bytes_digested": 0, "basis": "allocated",
        }  # fmt: skip
        try:
            head = self._read(path, row)
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
        self._send.row(row)
        if row["state"] == "ok" and self._types is not None:
            digest = row["digests"].get("sha256") if row["size"] <= HEAD else None
            mime = self._types.of(head, digest)
            if mime is not None:
                self._send.send("type", mime)

    def _read(self, path: bytes, row: dict[str, Any]) -> bytes:
        descriptor = open_evidence(path)
        try:
            before = os.fstat(descriptor)
            row["size"] = before.st_size
            if getattr(before, "st_blocks", 0) * 512 < before.st_size and before.st_size > HEAD:
                row["flags"] = ["sparse"]
            if getattr(before, "st_file_attributes", 0) & _RECALL:
                row |= {"state": "skipped", "reason": "cloud-placeholder"}
                return b""
            digest, head, at = MultiDigest(self._hashes), b"", 0
            while block := os.read(descriptor, READ):
                if at < HEAD:
                    head += block[: HEAD - at]
                digest.update(block)
                at += len(block)
                self._send.beat(self.done + at)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self.done += at
        row["bytes_digested"] = at
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            row |= {"state": "damaged", "reason": "changed-while-read"}
        elif at != before.st_size:
            row |= {"state": "damaged", "reason": "short-read"}
        else:
            row |= {"state": "ok", "digests": digest.digests()}
        return head
