"""What a builder puts into an image: the truth that `expected.json` is compared with."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Item:
    """One name in an image.

    `path` is the true name in bytes, `/` between folders, UTF-8 where the file system stores
    UTF-16 (a lone surrogate as three bytes). `stream` is an alternate data stream of that path.
    """

    path: bytes
    data: bytes = b""
    kind: str = "file"  # file, folder, symlink, fifo
    when: str = "2025-03-09T14:30:00"
    deleted: bool = False
    stream: str = ""
    target: bytes = b""  # of a symlink; of a hard link the path that it shares
    hard_link: bool = False
    shown: bytes = b""  # the name as The Sleuth Kit lists it, where that is not the true one
    remark: str = ""

    @property
    def listed(self):
        """The path as `fls` prints it: it replaces control characters with `^`."""
        path = self.shown or self.path
        path += b":" + self.stream.encode() if self.stream else b""
        return bytes(0x5E if byte < 0x20 or byte == 0x7F else byte for byte in path)

    @property
    def time(self):
        """The modification time as a naive datetime."""
        return datetime.datetime.fromisoformat(self.when)

    @property
    def seconds(self):
        """The modification time in seconds since 1970, taken as UTC."""
        return int(self.time.replace(tzinfo=datetime.UTC).timestamp())
