"""Marks of hash sets on the streams of an inventory, as the page and `find` need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KNOWN, NOTABLE = "known", "notable"


class Mark(Protocol):
    """One stream in one set."""

    @property
    def set(self) -> str:
        """Name of the set."""

    @property
    def category(self) -> str:
        """`known` or `notable`."""

    @property
    def digest(self) -> str:
        """The strongest algorithm whose digest is in the set."""


class Marks(Protocol):
    """The marks of one inventory."""

    def of(self, stream_row: int) -> Sequence[Mark]:
        """Return the marks of a stream row."""

    def streams(self, category: str | None = None) -> Iterable[int]:
        """Yield the stream rows that a set of this category holds, ascending, each once."""


def category(marks: Marks | None, stream: int | None) -> str:
    """Return `notable` when any notable set holds the stream, else `known`, or empty."""
    if marks is None or stream is None:
        return ""
    found = {mark.category for mark in marks.of(stream)}
    return NOTABLE if NOTABLE in found else (KNOWN if found else "")


def load(database: bytes) -> Marks | None:  # noqa: ARG001 - hash sets are to come
    """Return the newest marks of an inventory file, None when it has none."""
    return None
