"""Digesting plain streams, which are exactly their extents, from large reads of the medium.

libtsk is not asked: the streams of a task come in the order of their places, so what lies close
together is read at once and cut up (child only). Whatever does not go as the extents promise is
left to the driver of the file system, which says why.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from evkit.core.errors import EvkitError
from evkit.hashing.digests import ThreadedDigest, new
from evkit.inventory.digesting import Digester
from evkit.inventory.streamrow import completed, digests_text, refused
from evkit.inventory.types.filetype import HEAD
from evkit.inventory.wire import OFFER, encode
from evkit.manifest.rows import HOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evkit.inventory.driver import Answer
    from evkit.inventory.offers import Offer, Six
    from evkit.inventory.source import Source
    from evkit.inventory.types.filetype import FileTypes

READ = 1 << 20
THREADED_FROM = 8 << 20
_DEPTH = 8  # blocks that wait for the threads
_GAP = 32 << 10  # bytes between two streams that are read rather than skipped
_NOTHING = memoryview(b"")
_ZEROS = memoryview(bytes(READ))
_ERRORS = (OSError, EvkitError, ValueError)


class Plain:
    """Reads offers.

    Args:
        source: the medium.
        names: digest algorithms.
        types: tells file types, None when they are not wanted.
    """

    def __init__(self, source: Source, names: Sequence[str], types: FileTypes | None) -> None:
        self._source = source
        self._names = tuple(names)
        self._types = types
        self._digester = Digester(names)
        self._marked = [
            (name, f'{"," if index else ""}"{name}":"', new(name).copy)
            for index, name in enumerate(sorted(self._names))
        ]
        self._ahead: list[tuple[int, int]] = []
        self._next = 0
        self._start, self._block = 0, _NOTHING
        into = getattr(source, "read_into", None) if hasattr(os, "preadv") else None
        self._into: Callable[[int, memoryview], int] | None = into
        size = READ if into is not None else 0
        self._buffer, self._second = memoryview(bytearray(size)), memoryview(bytearray(size))

    def plan(self, places: list[tuple[int, int]]) -> None:
        """Take the extents of a task, in order, so that reads can be put together."""
        self._ahead, self._next = places, 0

    def many(self, fs: int, found: Sequence[Six], out: Answer) -> int:
        """Read streams one after the other and give their rows and types.

        Args:
            fs: number of the file system.
            found: the numbers of `offers.Simple`.
            out: takes the rows.

        Returns:
            How many were read; the one after them is not to be read in this way.
        """
        rows: list[str] = []
        count = total = 0
        types, fresh, budget = self._types, self._marked, out.budget
        for place, inode, size, attr, number, seq in found:
            if size > READ or total + size > budget:
                break
            begin = place - self._start
            try:
                if begin >= 0 and begin + size <= len(self._block):
                    data = self._block[begin : begin + size]
                else:
                    data = self._near(place, size)
            except _ERRORS:
                break
            digests = sha256 = ""
            for name, mark, copy in fresh:
                under = copy()
                under.update(data)
                text = under.hexdigest()
                digests += f'{mark}{text}"'
                if name == "sha256":
                    sha256 = text
            rows.append(
                f'{{"attr":{attr},"attr_id":{number},"basis":"allocated","bytes_digested":{size}'
                f',"digests":{{{digests}}},"extents":[[{place},{size}]],"fs":{fs},"inode":{inode}'
                f',"row":"stream","seq":{seq},"size":{size},"state":"ok"}}'
            )
            if types is not None:
                mime = types.of(bytes(data[:HEAD]), sha256 if sha256 and size <= HEAD else None)
                if mime is not None:
                    rows.append(encode(("type", mime)).decode())
            total += size
            count += 1
        if rows:
            out.line("\n".join(rows).encode())
        out.done += total
        out.budget -= total
        out.beat()
        return count

    def offer(self, offer: Offer, out: Answer) -> None:
        """Hand an offer on to the parent."""
        if offer.size > out.budget:
            out.line(refused(offer.line, "unreadable", "read-budget"))
            return
        out.line(OFFER + offer.line)
        out.done += offer.size
        out.budget -= offer.size
        out.beat()

    def read(self, offer: Offer, out: Answer) -> bool:
        """Read an offer and give its row and type; False when the driver must do it."""
        if offer.size > out.budget:
            out.line(refused(offer.line, "unreadable", "read-budget"))
            return True
        try:
            digests, head = self._digest(offer, out)
        except _ERRORS:
            return False
        out.line(completed(offer.line, offer.size, digests_text(digests)))
        out.done += offer.size
        out.budget -= offer.size
        if self._types is not None:
            small = digests.get("sha256") if offer.size <= HEAD else None
            out.type(self._types.of(bytes(head), small))
        out.beat()
        return True

    def _digest(self, offer: Offer, out: Answer) -> tuple[dict[str, str], bytes | memoryview]:
        if len(offer.extents) == 1 and offer.size <= READ:
            data = self._near(*offer.extents[0])
            return self._digester.of(data), data[:HEAD]
        if offer.size < THREADED_FROM:
            return self._in_turn(offer)
        first: list[memoryview] = []
        at = 0
        free = threading.Semaphore(_DEPTH)
        with ThreadedDigest(self._names, lambda _: free.release()) as digest:
            for block in self._blocks(offer):
                if at < HEAD:
                    first.append(block)
                free.acquire()
                digest.update(block)
                at += len(block)
                out.beat(at)
            return digest.digests(), _head(first)

    def _in_turn(self, offer: Offer) -> tuple[dict[str, str], bytes]:
        """Digest blocks that are read into the same memory, one after the other."""
        running, head = self._digester.begin(), b""
        for block in self._blocks(offer, self._second):
            running.update(block)
            if self._types is not None and len(head) < HEAD:
                head += block[: HEAD - len(head)]
        return running.digests(), head

    def _near(self, place: int, length: int) -> memoryview:
        """Return bytes of the medium, read together with what comes next."""
        begin = place - self._start
        if begin >= 0 and begin + length <= len(self._block):
            return self._block[begin : begin + length]
        end = place + length
        ahead, index = self._ahead, self._next
        while index < len(ahead) and ahead[index][0] < place:
            index += 1
        while index < len(ahead):
            at, more = ahead[index]
            if at > end + _GAP or at + more > place + READ:
                break
            end = max(end, at + more)
            index += 1
        self._next = index
        self._start, self._block = 0, _NOTHING
        self._block = self._exact(place, end - place, self._buffer)
        self._start = place
        return self._block[:length]

    def _blocks(self, offer: Offer, buffer: memoryview = _NOTHING) -> Iterator[memoryview]:
        for place, length in offer.extents:
            at = 0
            while at < length:
                count = min(READ, length - at)
                yield _ZEROS[:count] if place == HOLE else self._exact(place + at, count, buffer)
                at += count

    def _exact(self, place: int, length: int, buffer: memoryview = _NOTHING) -> memoryview:
        """Return bytes of the medium; they lie in the buffer when it is large enough."""
        if self._into is not None and len(buffer) >= length:
            view = buffer[:length]
            if self._into(place, view) == length:
                return view
        else:
            data = self._source.read(place, length)
            if len(data) == length:
                return memoryview(data)
        raise OSError("the medium ends early")


def _head(blocks: Sequence[memoryview]) -> bytes:
    return b"".join(blocks)[:HEAD]
