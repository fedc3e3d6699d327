"""A medium that answers reads at any place: what a rescue needs of a source."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Protocol

from evkit.acquire.source import is_gone
from evkit.core import aligned
from evkit.core.errors import StorageError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.source import Facts, Opened

GONE = {errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESHUTDOWN, errno.ESTALE, errno.ENOTCONN}
_SYSFS = "/sys/dev/block"
_DEAD = frozenset({"offline", "transport-offline", "cancel", "deleted"})  # states of a SCSI device
_DIRECT = getattr(os, "O_DIRECT", 0)


class Medium(Protocol):
    """What is read. Offsets and lengths that are asked for are whole sectors.

    The last sector may be cut by the end of the medium: the view then reaches past it and fewer
    bytes come back. 0 bytes mean that the medium has no more from there.
    """

    @property
    def size(self) -> int:
        """Bytes, as the medium states it."""

    @property
    def sector_size(self) -> int:
        """Bytes of a logical sector."""

    def read(self, offset: int, view: memoryview) -> int:
        """Read many sectors; fewer than asked when something in them fails.

        Raises:
            OSError: nothing could be read at `offset`, or somewhere in the range.
            StorageError: the device is gone.
        """

    def read_sector(self, offset: int, view: memoryview) -> int:
        """Read one sector past every cache, so that its neighbours do not matter.

        Raises:
            OSError: it cannot be read.
            StorageError: the device is gone.
        """


class OpenedMedium:
    """A regular file or a block device as a medium.

    Args:
        opened: the source; it stays the caller's to close.

    Attributes:
        direct: whether single sectors are read past the page cache; without that a bad sector takes
            its page with it. Known after the first of them.
    """

    def __init__(self, opened: Opened) -> None:
        if opened.facts.size is None:
            raise ValueError("a stream is no medium")
        self._fd = opened.descriptor
        self._base = opened.facts.base
        self._facts = opened.facts
        self._size = opened.facts.size
        self._small = -1
        self.direct = opened.direct

    @property
    def size(self) -> int:
        """Bytes, as it was when the source was opened."""
        return self._size

    @property
    def sector_size(self) -> int:
        """Bytes of a logical sector."""
        return self._facts.sector_size

    def close(self) -> None:
        """Close what was opened for single sectors."""
        if self._small not in {-1, self._fd}:
            with contextlib.suppress(OSError):  # also of a source that is gone
                os.close(self._small)
        self._small = -1

    def read(self, offset: int, view: memoryview) -> int:
        """Read many sectors.

        Raises:
            OSError: something could not be read.
            StorageError: the device is gone.
        """
        return self._read(self._fd, offset, view)

    def read_sector(self, offset: int, view: memoryview) -> int:
        """Read one sector past the page cache, where the system can do that.

        Raises:
            OSError: it could not be read.
            StorageError: the device is gone.
        """
        if self._small < 0:
            self._small = self._open_small()
        return self._read(self._small, offset, view)

    def _read(self, descriptor: int, offset: int, view: memoryview) -> int:
        try:
            count = os.preadv(descriptor, [view], self._base + offset)
            if self._facts.window is not None:  # the source goes on behind the part
                count = min(count, max(0, self._size - offset))
        except OSError as error:
            if error.errno in GONE or vanished(self._fd, self._facts):
                raise self._gone(error.strerror or str(error)) from error
            raise
        if not count and is_gone(self._fd, self._facts):
            raise self._gone("it has another size now")
        return count

    def _gone(self, why: str) -> StorageError:
        return StorageError(
            f"the source `{escape_bytes(self._facts.path)}` is gone: {why}",
            hint="what was read so far is kept; connect it again and go on",
        )

    def _open_small(self) -> int:
        """Open the source once more for single sectors, by descriptor: the same file for sure."""
        if self.direct or not _DIRECT:
            return self._fd
        try:
            small = os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | _DIRECT | os.O_CLOEXEC)
        except OSError:
            return self._fd
        try:
            os.preadv(small, [memoryview(aligned.buffers(1, 4096)[0])[: self.sector_size]], 0)
        except OSError as error:
            if error.errno == errno.EINVAL:  # larger sectors below, or no direct reads at all
                os.close(small)
                return self._fd
        self.direct = True
        return small


def vanished(descriptor: int, facts: Facts) -> bool:
    """Say whether an error is that of a device which is not there, whatever its number is."""
    device = facts.device
    if facts.kind != "block" or device is None:
        return False
    if is_gone(descriptor, facts) or not os.path.exists(f"{_SYSFS}/{device}"):
        return True
    try:
        with open(f"{_SYSFS}/{device}/device/state", encoding="ascii") as handle:
            return handle.read(32).strip() in _DEAD
    except (OSError, ValueError):
        return False


def beyond(medium: Medium) -> int:
    """Return how many bytes can be read behind the stated end of a medium, looking one sector far.

    Raises:
        StorageError: the device is gone.
    """
    sector = medium.sector_size
    start = medium.size - medium.size % sector
    view = memoryview(aligned.buffers(1, max(sector, aligned.ALIGNMENT))[0])
    try:
        count = medium.read_sector(start, view[:sector])
    except OSError:
        return 0
    return max(0, start + count - medium.size)
