"""Digests of streams from the blocks of an image that pass in order, without reading it again.

Streams are offered with their extents first; then the blocks are written, and each stream is
digested as its bytes come. What is kept in memory never exceeds the window (`window.Places`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from evkit.hashing.digests import ALGORITHMS, MultiDigest
from evkit.inventory.types.filetype import HEAD
from evkit.inventory.window import MOST_EXTENTS, WINDOW, Places

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

_ZEROS = memoryview(bytes(1 << 20))


class Heads(Protocol):
    """Takes the first 256 KiB of streams."""

    def give(self, number: int, head: bytes, digest: str | None) -> None:
        """Take the head of a stream; `digest` is the SHA-256 of one that is all in its head."""


class Offered:
    """Streams of one image; a target that takes its blocks in order.

    Args:
        size: bytes of the image.
        names: digest algorithms.
        heads: takes the heads of streams, None when nobody wants them.
        window: bytes that may be kept in memory.
        most: extents at most.

    Attributes:
        peak: most bytes that were kept at one time.
    """

    def __init__(
        self,
        size: int,
        names: Sequence[str],
        heads: Heads | None = None,
        *,
        window: int = WINDOW,
        most: int = MOST_EXTENTS,
    ) -> None:
        self._names = tuple(names)
        self._heads = heads
        self._window = window
        self._places = Places(size, window, most)
        self._order: array[int] | None = None
        self._next = 0
        self._passed = 0
        self._open: list[int] = []
        self._under: dict[int, _Under] = {}
        self._width = sum(ALGORITHMS[name] for name in self._names)
        self._digests = bytearray()
        self._whole = bytearray()
        self._kept = 0
        self.peak = 0

    def offer(self, extents: Sequence[Sequence[int]], size: int) -> int:
        """Offer a stream before the first block; returns its number, -1 when it is not taken.

        Args:
            extents: (offset in the image or -1 for zeros, length) in the order of the stream.
            size: bytes of the stream.
        """
        if self._order is not None:
            return -1
        return self._places.add(extents, size)

    def write(self, data: memoryview) -> None:
        """Take the next block of the image."""
        order, places = self._begin(), self._places
        start, end = self._passed, self._passed + len(data)
        self._passed = end
        while self._next < len(order) and places.place[order[self._next]] < end:
            self._open.append(order[self._next])
            self._next += 1
        still = []
        for item in self._open:
            place, length = places.place[item], places.length[item]
            low, high = max(place, start), min(place + length, end)
            at = places.at[item] + low - place
            self._take(places.stream[item], at, data[low - start : high - start])
            if place + length > end:
                still.append(item)
        self._open = still

    def digests(self, number: int) -> dict[str, str] | None:
        """Return the digests of a stream, lower-case hex; None when it was not digested here."""
        if not 0 <= number < len(self._whole) or not self._whole[number]:
            return None
        found, at = {}, number * self._width
        for name in self._names:
            found[name] = self._digests[at : at + ALGORITHMS[name]].hex()
            at += ALGORITHMS[name]
        return found

    def _begin(self) -> array[int]:
        if self._order is None:
            self._order = self._places.order()
            count = len(self._places.sizes)
            self._digests, self._whole = bytearray(count * self._width), bytearray(count)
        return self._order

    def _take(self, number: int, at: int, data: memoryview) -> None:
        under = self._under.get(number)
        if under is None:
            under = self._under[number] = _Under(self._names, self._places.first[number])
            self._zeros(number, under)
        if at == under.done:
            self._feed(number, under, data)
        else:
            self._kept += len(data)
            self.peak = max(self.peak, self._kept)
            under.held[at] = bytes(data)
        while (kept := under.held.pop(under.done, None)) is not None:
            self._kept -= len(kept)
            self._feed(number, under, kept)
        if under.done == self._places.sizes[number]:
            del self._under[number]
            self._keep(number, under)

    def _feed(self, number: int, under: _Under, data: memoryview | bytes) -> None:
        """Digest what comes next, and the zeros behind it when it ends an extent."""
        places = self._places
        under.take(data)
        self._head(number, under)
        item = under.item
        if under.done == places.at[item] + places.length[item]:
            under.item += 1
            self._zeros(number, under)

    def _zeros(self, number: int, under: _Under) -> None:
        """Digest the hole up to the extent whose turn it is, or up to the end."""
        places = self._places
        last = under.item == places.first[number + 1]
        until = places.sizes[number] if last else places.at[under.item]
        while under.done < until:
            under.take(_ZEROS[: min(len(_ZEROS), until - under.done)])
        self._head(number, under)

    def _head(self, number: int, under: _Under) -> None:
        if self._heads is None or under.head is None or len(under.head) < HEAD:
            return
        if self._places.sizes[number] > HEAD:
            self._heads.give(number, bytes(under.head), None)
            under.head = None

    def _keep(self, number: int, under: _Under) -> None:
        at, digests = number * self._width, under.digest.digests()
        self._digests[at : at + self._width] = bytes.fromhex("".join(digests.values()))
        self._whole[number] = 1
        if self._heads is not None and under.head is not None:
            self._heads.give(number, bytes(under.head), digests.get("sha256"))


class _Under:
    """A stream of which something has passed."""

    __slots__ = ("digest", "done", "head", "held", "item")

    def __init__(self, names: Sequence[str], item: int) -> None:
        self.digest = MultiDigest(names)
        self.done = 0
        self.head: bytearray | None = bytearray()
        self.held: dict[int, bytes] = {}
        self.item = item

    def take(self, data: memoryview | bytes) -> None:
        """Digest the next bytes."""
        self.digest.update(data)
        self.done += len(data)
        if self.head is not None and len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
