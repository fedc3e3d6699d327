"""A medium in memory with bad ranges: for tests of everything that rescues or reads one."""

from __future__ import annotations

import errno

from evkit.core.errors import StorageError


class FakeMedium:
    """Answers reads as a failing disk does.

    Args:
        content: what a healthy medium would hold.
        bad: ranges (offset, length); every sector that touches one cannot be read.
        sector: bytes of a sector.
        claimed: the size that it states, when that is not the size of the content.
        partial: a large read gives what lies before the first bad sector; else it fails whole.
        healing: a bad sector can be read at its so-many-th try (0 for never).
        gone_after: the device is gone after so many reads.
        dumb_after: after so many reads every one fails, as if all sectors were bad.

    Attributes:
        size, sector_size: as the protocol says.
        log: (kind, offset, length) of every read, kind `read` or `sector`.
    """

    def __init__(
        self, content, bad=(), *, sector=512, claimed=None, partial=False, healing=0,
        gone_after=None, dumb_after=None,
    ):  # fmt: skip
        self.content = bytes(content)
        self.size = len(self.content) if claimed is None else claimed
        self.sector_size = sector
        self.log = []
        self._partial = partial
        self._healing = healing
        self._gone_after = gone_after
        self._dumb_after = dumb_after
        self._tries = {}
        self._bad = {
            number
            for offset, length in bad
            for number in range(offset // sector, -(-(offset + length) // sector))
        }

    def read(self, offset, view):
        """Many sectors."""
        return self._answer("read", offset, view)

    def read_sector(self, offset, view):
        """One sector."""
        assert len(view) == self.sector_size
        return self._answer("sector", offset, view)

    def unreadable(self):
        """Ranges of the stated size that can never be read, in order, joined."""
        found = []
        for number in sorted(self._bad):
            start = number * self.sector_size
            end = min(start + self.sector_size, self.size)
            if start >= end:
                continue
            if found and sum(found[-1]) == start:
                start = found.pop()[0]
            found.append((start, end - start))
        if self.size > len(self.content):
            start, end = len(self.content), self.size
            if found and sum(found[-1]) >= start:
                start = found.pop()[0]
            found.append((start, end - start))
        return found

    def _answer(self, kind, offset, view):
        sector = self.sector_size
        assert offset % sector == 0
        assert len(view) % sector == 0
        assert len(view) > 0
        self.log.append((kind, offset, len(view)))
        if self._gone_after is not None and len(self.log) > self._gone_after:
            raise StorageError("the source is gone")
        if self._dumb_after is not None and len(self.log) > self._dumb_after:
            raise OSError(errno.EIO, "Input/output error")
        data = self.content[offset : offset + len(view)]
        for number in range(offset // sector, (offset + len(data) + sector - 1) // sector):
            if number in self._bad and not self._heals(number):
                at = number * sector - offset
                if not self._partial or at <= 0:
                    raise OSError(errno.EIO, "Input/output error")
                data = data[:at]
                break
        view[: len(data)] = data
        return len(data)

    def _heals(self, number):
        self._tries[number] = self._tries.get(number, 0) + 1
        return bool(self._healing) and self._tries[number] >= self._healing


class Taken:
    """Takes what a rescue reads; every byte may come once only, at a place of its own.

    Attributes:
        image: the bytes at their places, zeros elsewhere.
        order: (offset, length) in the order in which they came.
    """

    def __init__(self, size):
        self.image = bytearray(size)
        self.order = []
        self._have = bytearray(size)

    def __call__(self, offset, view):
        """Take a block."""
        end = offset + len(view)
        assert end <= len(self.image)
        assert not any(self._have[offset:end]), f"{offset}+{len(view)} came twice"
        self._have[offset:end] = b"\x01" * len(view)
        self.image[offset:end] = view
        self.order.append((offset, len(view)))

    def ranges(self):
        """What came, in order of place, joined."""
        found = []
        for offset, length in sorted(self.order):
            if found and sum(found[-1]) == offset:
                found[-1] = (found[-1][0], found[-1][1] + length)
            else:
                found.append((offset, length))
        return found
