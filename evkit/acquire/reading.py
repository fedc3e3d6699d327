"""Readers for the engine: large reads, and single sectors where a large read fails.

A sector that cannot be read becomes zeros and a range in `gaps`; its neighbours are read. Through
the page cache one bad sector would take its whole page with it, so the small reads go past the
cache where the system allows that.
"""

from __future__ import annotations

import errno
import mmap
import os
from typing import TYPE_CHECKING, Self

from evkit.acquire.medium import GONE, vanished
from evkit.acquire.source import SECTOR, Facts, Opened, is_gone
from evkit.acquire.storm import Stretch
from evkit.core import clock
from evkit.core.errors import InputError, StorageError
from evkit.core.ranges import Range, merge
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.acquire.storm import Watch
    from evkit.images.model import Image

_DOUBT = 32  # failures in a row
_STEP = 65536  # after a failed large read, before single sectors
_DIRECT = getattr(os, "O_DIRECT", 0)


class MediumReader:
    """Reads a regular file or a block device in order, from a place to its end.

    Args:
        opened: the source.
        at: where to begin, in bytes.
        fixed: read exactly the length that was stated when it was opened; what a file has lost
            since then is a gap. A device is always read so.
        wary: end at the first block in which something cannot be read, and say so in `trouble`.
        storm: the rule that says when errors have become too many.
        on_storm: called once when they have; reading ends likewise when it answers True.

    Attributes:
        done: bytes from the start on that were read or filled.
        retries: small reads that were made after a failed large one.
        trouble: reading ended early, at `done`, because of errors.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        at: int = 0,
        fixed: bool = False,
        wary: bool = False,
        storm: Watch | None = None,
        on_storm: Callable[[], bool] | None = None,
    ) -> None:
        self._fd = opened.descriptor
        self._facts = opened.facts
        self._base = opened.facts.base
        self._fixed = fixed or opened.facts.kind == "block" or opened.facts.window is not None
        self._wary = wary
        self._storm = storm
        self._on_storm = on_storm
        self._gaps: list[Range] = []
        self._bad = 0
        self._row = 0  # single sectors that failed since one could be read
        self._good: int | None = None  # a byte that could be read
        self._known = 0
        self._sector: mmap.mmap | None = None
        self._small = -1
        self.done = at
        self.retries = 0
        self.trouble = False

    @property
    def gaps(self) -> list[Range]:
        """The ranges that could not be read, in order."""
        return merge(self._gaps)

    def recall(self, lost: Sequence[Range]) -> Self:
        """Take up the ranges that could not be read before, in work that goes on."""
        self._gaps += lost
        return self

    def close(self) -> None:
        """Close what was opened for small reads."""
        if self._small not in {-1, self._fd}:
            os.close(self._small)
        self._small = -1

    def fill(self, view: memoryview) -> int:
        """Fill `view` from where the reader stands; fewer bytes only at the end.

        A regular file is read to where it ends now, unless its length is fixed.

        Raises:
            StorageError: the device is gone.
        """
        start, wanted, began = self.done, len(view), clock.monotonic()
        self._known = len(self._gaps)
        if self._fixed and self._facts.size is not None:
            wanted = max(0, min(wanted, self._facts.size - start))
        if self.trouble:
            return 0
        filled = bad = 0
        while filled < wanted:
            try:
                count = os.preadv(self._fd, [view[filled:wanted]], self._base + start + filled)
            except OSError as error:
                self._check_gone(error)
                if self._wary:
                    self.trouble = True
                    return 0
                before = self._bad
                count = self._by_steps(view[filled:wanted], start + filled)
                bad += self._bad - before
            if not count:
                if is_gone(self._fd, self._facts):
                    raise self._gone("it has another size now")
                break
            filled += count
            if not self._row:
                self._good = start + filled - 1
        if filled < wanted and self._fixed:
            self._lose(view[filled:wanted], start + filled)  # it ended before its length
            filled = wanted
        self.done += filled
        if self._storm is not None:
            self._note(filled, bad, clock.monotonic() - began)
        return filled

    def _note(self, length: int, bad: int, seconds: float) -> None:
        """Remember a stretch with errors; in a storm the next `fill` may give nothing."""
        stretch = Stretch(length=length, bad=bad // self._facts.sector_size, seconds=seconds)
        if self._storm is not None and self._storm.add(stretch):
            self._storm = None
            self.trouble = self._on_storm is not None and self._on_storm()

    def _by_steps(self, view: memoryview, start: int) -> int:
        """Read a range of which something failed: 64 KiB at a time, then single sectors."""
        end = len(view)
        if self._facts.kind == "file":
            end = min(end, max(0, os.fstat(self._fd).st_size - self._base - start))
        for at in range(0, end, _STEP):
            part = view[at : min(at + _STEP, end)]
            try:
                count = os.preadv(self._fd, [part], self._base + start + at)
            except OSError as error:
                self._check_gone(error)
                count = 0
            if count < len(part):
                self._by_sectors(part[count:], start + at + count)
        return end

    def _by_sectors(self, view: memoryview, start: int) -> None:
        size = self._facts.sector_size
        at = 0
        while at < len(view):
            # up to the next sector of the medium, wherever the range began
            length = min(size - (self._base + start + at) % size, len(view) - at)
            self._one(view[at : at + length], start + at)
            at += length

    def _one(self, view: memoryview, start: int) -> None:
        self.retries += 1
        descriptor, buffer = self._for_small()
        sector = self._facts.sector_size
        place = self._base + start
        first = place - place % sector
        try:
            with memoryview(buffer) as whole:
                count = os.preadv(descriptor, [whole[:sector]], first)
                got = whole[place - first : count][: len(view)]
                view[: len(got)] = got
                short = len(got) < len(view)
                got.release()
        except OSError as error:
            self._check_gone(error)
            self._lose(view, start)
            self._row += 1
            if not self._row % _DOUBT:
                self._doubt(error)
            return
        self._row, self._good = 0, start
        if short:
            self._lose(view, start)

    def _for_small(self) -> tuple[int, mmap.mmap]:
        if self._sector is None:
            self._sector = mmap.mmap(-1, max(mmap.PAGESIZE, self._facts.sector_size))
        if self._small < 0:
            self._small = self._fd
            if _DIRECT and self._facts.kind == "file":
                try:
                    # by descriptor, so that it is the same file whatever its name means now
                    self._small = os.open(
                        f"/proc/self/fd/{self._fd}", os.O_RDONLY | _DIRECT | os.O_CLOEXEC
                    )
                    os.preadv(self._small, [memoryview(self._sector)[:SECTOR]], 0)
                except OSError as error:
                    if error.errno != errno.EIO:
                        self.close()
                        self._small = self._fd
        return self._small, self._sector

    def _lose(self, view: memoryview, start: int) -> None:
        view[:] = bytes(len(view))
        self._gaps.append((start, len(view)))
        self._bad += len(view)

    def _doubt(self, error: OSError) -> None:
        """See whether the medium answers at all: one that is gone may call every sector bad."""
        if self._good is None:
            return
        descriptor, buffer = self._for_small()
        place = self._base + self._good
        try:
            with memoryview(buffer) as whole:
                os.preadv(
                    descriptor,
                    [whole[: self._facts.sector_size]],
                    place - place % self._facts.sector_size,
                )
        except OSError:
            del self._gaps[self._known :]
            raise self._gone("it answers no more, also where it could be read before") from error

    def _check_gone(self, error: OSError) -> None:
        if error.errno in GONE or vanished(self._fd, self._facts):
            del self._gaps[self._known :]
            raise self._gone(error.strerror or str(error)) from error

    def _gone(self, why: str) -> StorageError:
        return StorageError(
            f"the source `{escape_bytes(self._facts.path)}` is gone: {why}",
            hint="what was read so far is kept; connect it again and go on with `--resume`",
        )


class StreamReader:
    """Reads standard input to its end; the length is known afterwards."""

    retries = 0
    trouble = False

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self.done = 0
        self.gaps: list[Range] = []

    def close(self) -> None:
        """Leave the descriptor open: it is not ours."""

    def fill(self, view: memoryview) -> int:
        """Fill `view`; fewer bytes only at the end of the stream.

        Raises:
            InputError: the stream failed. It cannot be read again, so this is no gap.
        """
        filled = 0
        while filled < len(view):
            try:
                count = os.readv(self._fd, [view[filled:]])
            except OSError as error:
                raise InputError(
                    f"standard input failed after {in_words(self.done + filled)}: "
                    f"{error.strerror or error}"
                ) from error
            if not count:
                break
            filled += count
        self.done += filled
        return filled


class ImageReader:
    """Reads the decoded medium of an image; parts that cannot be decoded are gaps."""

    retries = 0

    def __init__(self, image: Image) -> None:
        self._image = image
        self._gaps: list[Range] = []
        self.done = 0

    @property
    def gaps(self) -> list[Range]:
        """The ranges that could not be decoded, in order."""
        return merge(self._gaps)

    def fill(self, view: memoryview) -> int:
        """Fill `view`; fewer bytes only at the end of the medium."""
        wanted = max(0, min(len(view), self._image.size - self.done))
        step = 1 << 20
        for at in range(0, wanted, step):
            part = view[at : min(at + step, wanted)]
            self._take(part, self.done + at, 32768)
        self.done += wanted
        return wanted

    def _take(self, view: memoryview, start: int, unit: int) -> None:
        try:
            view[:] = self._image.read(start, len(view))
        except (OSError, InputError):
            if len(view) <= unit:
                view[:] = bytes(len(view))
                self._gaps.append((start, len(view)))
                return
            for at in range(0, len(view), unit):
                self._take(view[at : at + unit], start + at, unit)


class NothingReader:
    """Stands for the rest of a medium that is not going to be read: zeros, and one gap.

    Args:
        at: where the rest begins.
        size: bytes of the medium.
        lost: ranges before `at` that could not be read.
        head: bytes from `at` on that are known after all; the rest begins behind them.
    """

    retries = 0
    trouble = False

    def __init__(self, at: int, size: int, lost: Sequence[Range] = (), head: bytes = b"") -> None:
        self._size = max(at, size)
        self._head = head
        self.done = at
        self.begins = at + len(head)
        self.gaps: list[Range] = merge([*lost, (self.begins, size - self.begins)])

    def close(self) -> None:
        """Nothing is open."""

    def fill(self, view: memoryview) -> int:
        """Fill `view` with zeros; fewer bytes only at the end."""
        count = min(len(view), self._size - self.done)
        known, self._head = self._head[:count], self._head[count:]
        view[: len(known)] = known
        view[len(known) : count] = bytes(count - len(known))
        self.done += count
        return count


def facts_after(opened: Opened) -> Facts:
    """Describe the whole source once more, through the same descriptor."""
    from evkit.acquire.source import describe

    if opened.facts.kind in {"stream", "absent"}:
        return opened.facts
    try:
        return describe(opened.facts.path, opened.descriptor)
    except (InputError, OSError):  # it is gone
        return opened.facts
