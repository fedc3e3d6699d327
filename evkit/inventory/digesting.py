"""Digests of the many small streams of a volume, and of a few large ones in threads (child only).

Making a hash object by its name costs more than digesting a small file, so one of each is kept and
copied. A large stream has a thread for each algorithm: on idle processors it takes the time of the
slowest, on busy ones it costs nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.hashing.digests import MultiDigest, new

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Bytes = bytes | memoryview


class Digester:
    """Makes digests under the same algorithms again and again.

    Args:
        names: algorithm names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._fresh = [(name, new(name)) for name in sorted(self._names)]
        self._last: dict[str, str] = {}

    def of(self, data: _Bytes) -> dict[str, str]:
        """Return lower-case hex by name of one piece of data."""
        return self.over((data,))

    def over(self, blocks: Iterable[_Bytes]) -> dict[str, str]:
        """Return lower-case hex by name of pieces that follow each other."""
        under = [(name, value.copy()) for name, value in self._fresh]
        for block in blocks:
            for _, value in under:
                value.update(block)
        self._last = {name: value.hexdigest() for name, value in under}
        return self._last

    def last(self, name: str) -> str | None:
        """Return a digest of what was digested last, None when it is not among them."""
        return self._last.get(name)

    def begin(self) -> MultiDigest:
        """Return running digests for a stream that comes in blocks."""
        return MultiDigest(self._names)
