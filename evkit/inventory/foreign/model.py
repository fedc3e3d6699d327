"""What a library tells about a file system, in one form for all of them (child only)."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.foreign.content import Content
    from evkit.inventory.tsk import Image
    from evkit.inventory.volumes.freeruns import FreeMap

MAX_BROKEN = 1000  # entries of one directory that cannot be read, until it is given up


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A name in a directory, or a record without one.

    Attributes:
        inode, seq: the record it belongs to; `seq` is None when it belongs to none.
        name: bytes as stored.
        type: of a name row.
        allocated: False for a deleted name.
        reallocated: of deleted names: `no` or `unknown`.
        fields: further fields of the name row.
        has_contents: the record may hold contents, whatever its type.
        virtual: made up here.
        place: where the first content begins, for reading in the order of the disk.
        size: bytes that reading its contents takes.
        problem: why the entry could not be read; nothing else but `inode` counts then.
    """

    inode: int = 0
    seq: int | None = 0
    name: bytes = b""
    type: str = "unknown"
    allocated: bool = True
    reallocated: str = "no"
    fields: dict[str, Any] = field(default_factory=dict)
    has_contents: bool = True
    virtual: bool = False
    place: int = 0
    size: int = 0
    problem: str = ""


class Files(Protocol):
    """A file system that a library has opened."""

    kind: str

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message."""

    def missed(self) -> list[dict[str, Any]]:
        """Return error rows for what the library does not give."""

    def root(self) -> Entry:
        """Return the root directory."""

    def entries(self, inode: int) -> Iterator[Entry]:
        """Yield the names in a directory."""

    def contents(self, inode: int) -> Iterator[Content]:
        """Yield the contents of a record."""

    def free(self) -> FreeMap | None:
        """Return which blocks are free, None when that cannot be told."""

    def seq(self, inode: int) -> int:
        """Return the sequence number of a record, 0 where there are none."""


class Slice(io.RawIOBase):
    """A volume of an image as a file object for a library; what cannot be read raises.

    Args:
        image: the medium.
        offset, size: place of the volume.
    """

    def __init__(self, image: Image, offset: int, size: int) -> None:
        super().__init__()
        self._image, self._offset = image, offset
        self._size = max(0, min(size, image.get_size() - offset))
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from here on."""
        left = self._size - self._at
        size = left if size < 0 else min(size, left)
        if size <= 0:
            return b""
        data = bytes(self._image.read(self._offset + self._at, size))
        self._at += len(data)
        return data

    def at(self, offset: int, size: int) -> bytes:
        """Return bytes at an offset of the volume."""
        self._at = offset
        return self.read(size) if offset >= 0 else b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to an offset from the start, from here or from the end."""
        base = (0, self._at, self._size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the offset."""
        return self._at

    def get_size(self) -> int:
        """Return the bytes of the volume."""
        return self._size
