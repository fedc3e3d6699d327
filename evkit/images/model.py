"""The one shape of an image: a medium of known size with random access, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

MAX_MEDIUM = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file of an image: its path and its length in bytes."""

    path: bytes
    size: int


class Image(Protocol):
    """An opened image; used as a context manager. One thread at a time."""

    @property
    def format(self) -> str:
        """Return `raw`, `split-raw`, `ewf`, `ewf2`, `qcow`, `vmdk`, `vhd` or `vhdx`."""

    @property
    def size(self) -> int:
        """Return the bytes of the decoded medium."""

    @property
    def sector_size(self) -> int | None:
        """Return the bytes of a sector where the container states it."""

    @property
    def segments(self) -> Sequence[Segment]:
        """Return the files of the image in order."""

    @property
    def stored_digests(self) -> Mapping[str, str]:
        """Return the digests of the medium that the container states, lower-case hex."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return what the container says about itself; text from outside."""

    @property
    def declared_gaps(self) -> Sequence[tuple[int, int]]:
        """Return the ranges (offset, length) that its maker says could not be read."""

    @property
    def remarks(self) -> Sequence[str]:
        """Return oddities of the container that a reader of the record must know."""

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium, fewer only at its end.

        Raises:
            OSError: the file could not be read.
            InputError: the container is damaged there.
        """

    def close(self) -> None:
        """Close all files."""

    def __enter__(self) -> Self:
        """Return the image itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all files."""
