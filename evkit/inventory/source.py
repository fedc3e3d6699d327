"""The decoded medium that the engine reads: size and random access, nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence


class Source(Protocol):
    """A medium of `size` bytes; `read` gives fewer bytes than asked for only at its end."""

    @property
    def size(self) -> int:
        """Bytes of the medium."""

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium; raises OSError or InputError when they cannot be read."""


class RawSource:
    """One raw file, or several that follow each other.

    Args:
        paths: absolute paths in order.
    """

    def __init__(self, paths: Sequence[bytes]) -> None:
        self._parts: list[tuple[int, int, int]] = []
        self.size = 0
        for path in paths:
            try:
                descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
                length = os.lseek(descriptor, 0, os.SEEK_END)
            except OSError as error:
                raise InputError(
                    f"cannot read `{escape_bytes(path)}`: {error.strerror or error}"
                ) from error
            self._parts.append((self.size, length, descriptor))
            self.size += length

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes at `offset`."""
        found: list[bytes] = []
        for start, length, descriptor in self._parts:
            while size and start <= offset < start + length:
                block = os.pread(descriptor, min(size, start + length - offset), offset - start)
                if not block:
                    raise OSError(f"the image ended early at byte {offset}")
                found.append(block)
                offset += len(block)
                size -= len(block)
        return found[0] if len(found) == 1 else b"".join(found)


def open_source(paths: Sequence[bytes]) -> Source:
    """Open an image read-only.

    Raises:
        InputError: it cannot be opened or decoded.
    """
    return RawSource(paths)
