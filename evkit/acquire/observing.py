"""Somebody who looks on while an image is read back, before its files have their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.engine import Target
    from evkit.core.ranges import Range


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished image that is going to be read back.

    Attributes:
        paths: its files in order, as they are called now.
        names: paths that the files have afterwards.
        size: bytes of the medium.
        digests: of the medium, as it was read from the source.
        unread: ranges of the medium that could not be read from the source.
    """

    paths: tuple[bytes, ...]
    names: tuple[bytes, ...]
    size: int
    digests: Mapping[str, str]
    unread: tuple[Range, ...] = ()


class Observer(Protocol):
    """Sees the blocks of an image in order; what goes wrong with it is its own affair."""

    def begin(self, image: Finished) -> Target | None:
        """Get ready for an image; the answer takes its blocks and never raises."""

    def end(self, *, match: bool) -> None:
        """All blocks have passed; `match` says whether they are those that were acquired."""
