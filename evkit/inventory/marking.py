"""What the marks of hash sets say about one stream, as the page and `find` need it."""

from __future__ import annotations

from evkit.inventory.hashsets.marks import Mark, Marks

KNOWN, NOTABLE = "known", "notable"

__all__ = ["KNOWN", "NOTABLE", "Mark", "Marks", "category"]


def category(marks: Marks | None, stream: int | None) -> str:
    """Return `notable` when any notable set holds the stream, else `known`, or empty."""
    if marks is None or stream is None:
        return ""
    found = {mark.category for mark in marks.of(stream)}
    return NOTABLE if NOTABLE in found else (KNOWN if found else "")
