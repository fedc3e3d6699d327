"""The decoded medium that the engine reads: size and random access, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.model import Image


class Source(Protocol):
    """A medium of `size` bytes; `read` gives fewer bytes than asked for only at its end."""

    @property
    def size(self) -> int:
        """Bytes of the medium."""

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium; raises OSError or InputError when they cannot be read."""


def open_source(paths: Sequence[bytes]) -> Image:
    """Open an image read-only, given all its files in order (child only: decoders are native).

    Raises:
        InputError: it cannot be opened or decoded.
    """
    from evkit.images.opening import open_image

    return open_image(paths[0], list(paths))
