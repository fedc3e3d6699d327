"""Caps against archives that are made to exhaust their reader.

What a cap leaves out is never silent: the listing of the archive ends with a row of state
`unreadable` that names the cap.
"""

from __future__ import annotations

from dataclasses import dataclass

from evkit.core import clock
from evkit.core.text import escape


@dataclass(frozen=True, kw_only=True)
class Caps:
    """What the content of one file of the tree may cost.

    Attributes:
        members: members of all archives in the file together.
        depth: archives in archives; the file itself is at depth 1.
        name: bytes of one member's name that are shown.
        base, ratio: bytes that may be unpacked: `base` and `ratio` times the file's size.
        memory: bytes of an inner archive that are kept in memory because it cannot be read in
            one pass where it lies.
        seconds, rate: time in seconds, and one second more for each `rate` bytes of the file.
        dictionary: bytes of memory that a decompressor may ask for.
        directory: bytes of the directory of a zip.
    """

    members: int = 2_000_000
    depth: int = 6
    name: int = 1 << 16
    base: int = 1 << 30
    ratio: int = 200
    memory: int = 128 << 20
    seconds: float = 600.0
    rate: int = 1 << 20
    dictionary: int = 1 << 30
    directory: int = 512 << 20


class ReadError(Exception):
    """Something in an archive cannot be read to its end.

    Attributes:
        state: `damaged`, `unreadable`, `unsupported` or `encrypted`.
        reason: a slug.
        detail: text for people, escaped.
    """

    def __init__(self, reason: str, detail: str = "", state: str = "damaged") -> None:
        super().__init__(reason)
        self.state, self.reason, self.detail = state, reason, detail

    def fields(self) -> dict[str, str]:
        """Return the fields of a row."""
        found = {"state": self.state, "reason": self.reason}
        return found | ({"detail": self.detail} if self.detail else {})


class CapError(ReadError):
    """A cap was reached: nothing more of this file is read."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail, "unreadable")


def words_of(error: Exception) -> str:
    """Return what a library says about its failure, escaped and not too long."""
    return escape(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


class Budget:
    """What is left of the caps while one file of the tree is read.

    Args:
        caps: the caps.
        size: bytes of the file.
    """

    def __init__(self, caps: Caps, size: int) -> None:
        self.caps = caps
        self._members = caps.members
        self._allowed = caps.base + caps.ratio * size
        self._bytes = self._allowed
        self._seconds = caps.seconds + size / caps.rate
        self._end = clock.monotonic() + self._seconds
        self.done = 0

    def member(self) -> None:
        """Take one member.

        Raises:
            CapError: too many, or too late.
        """
        self._members -= 1
        if self._members < 0:
            raise CapError("too-many-members", f"more than {self.caps.members} members")
        self.time()

    def deep(self, depth: int) -> None:
        """Refuse an archive in too many others.

        Raises:
            ReadError: it is.
        """
        if depth > self.caps.depth:
            raise ReadError("too-deep", "an archive in too many others", "unreadable")

    def unpacked(self, count: int) -> None:
        """Take bytes that were unpacked.

        Raises:
            CapError: too many, or too late.
        """
        self._bytes -= count
        self.done += count
        if self._bytes < 0:
            raise CapError("too-many-bytes", f"more than {self._allowed} bytes when unpacked")
        self.time()

    def time(self) -> None:
        """Look at the clock.

        Raises:
            CapError: too late.
        """
        if clock.monotonic() > self._end:
            raise CapError("too-slow", f"not done after {self._seconds:.0f} seconds")
