"""What the assertions about acquisition are tried on: generated media, one of them failing.

Everything lies in a temporary folder. The medium is made from a fixed seed and holds data that
compresses, data that does not, and zeros; it ends within a chunk.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from evkit.acquire import imager, imaging, source
from evkit.acquire.output import checkpoint
from evkit.acquire.output.branch import MASTER, Branch
from evkit.acquire.stopping import Stop
from evkit.core.errors import CaseError
from evkit.images.e01.header import Details
from evkit.images.e01.plan import SEGMENT_SIZE, Medium, Plan
from evkit.verify.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.acquire.imaging import Imaging
    from evkit.acquire.source import Opened
    from evkit.station import Station
    from evkit.verify.report import Report

SECTOR: Final = 512
SIZE: Final = 5 * (1 << 20) + 3 * SECTOR
NAMES: Final = ("md5", "sha1", "sha256")


class NotTestedError(Exception):
    """An assertion cannot be tried here; the text says why."""


class DefectError(Exception):
    """An assertion does not hold; the text says what was found."""


def need(holds: object, text: str) -> None:
    """Raise DefectError unless something holds."""
    if not holds:
        raise DefectError(text)


@dataclass(frozen=True, kw_only=True)
class Made:
    """An image that was made: where, and what evkit says of it."""

    folder: bytes
    imaging: Imaging

    @property
    def paths(self) -> list[bytes]:
        """The files of the image, in order."""
        return [os.path.join(self.folder, os.fsencode(file.name)) for file in self.imaging.files]

    @property
    def sizes(self) -> list[int]:
        """The bytes of each, from the file system."""
        return [os.path.getsize(path) for path in self.paths]


class Bench:
    """The temporary folder and what is made in it.

    Args:
        folder: it exists and is empty.
    """

    def __init__(self, folder: bytes) -> None:
        self.folder = folder
        self._number = 0

    @cached_property
    def content(self) -> bytes:
        """The bytes of the medium."""
        noise = hashlib.shake_256(b"evkit selftest").digest(2 << 20)
        text = b"".join(b"%08d line of a file\n" % number for number in range(40_000))
        parts = noise, bytes(2 << 20), text[: 1 << 20]
        return b"".join(parts).ljust(SIZE - 7, b"\0") + b"the end"

    @cached_property
    def medium(self) -> bytes:
        """The path of the medium."""
        return self.write("medium.dd", self.content)

    @cached_property
    def raw(self) -> Made:
        """A raw image of the medium."""
        return self.acquire(imaging.RAW)

    @cached_property
    def e01(self) -> Made:
        """An E01 of the medium."""
        return self.acquire(imaging.E01)

    def write(self, name: str, content: bytes) -> bytes:
        """Write a file and return its path."""
        path = os.path.join(self.folder, os.fsencode(name))
        with open(path, "wb") as handle:
            handle.write(content)
        return path

    def place(self) -> bytes:
        """Make a folder of its own for an image."""
        self._number += 1
        folder = os.path.join(self.folder, b"image-%d" % self._number)
        os.mkdir(folder)
        return folder

    def acquire(
        self,
        form: str,
        path: bytes | None = None,
        *,
        compression: str = "fast",
        split: int | None = None,
        folder: bytes | None = None,
        lose: int | None = None,
    ) -> Made:
        """Make an image as `evkit acquire` does, without a record.

        Args:
            form: `raw` or `e01`.
            path: of the source; None for the medium.
            compression: of an E01.
            split: most bytes of a file.
            folder: where to; None for a folder of its own.
            lose: cut the source to so many bytes after it was opened.
        """
        path = path or self.medium
        opened = source.open_source(path)
        try:
            if lose is not None:
                os.truncate(path, lose)
            plan = None
            if form == imaging.E01:
                plan = Plan(
                    medium=Medium(size=opened.facts.size or 0),
                    details=Details(acquired=0),
                    guid=bytes(range(16)),
                    compression=compression,
                    segment_size=split or SEGMENT_SIZE,
                )
            return self._make(opened, folder or self.place(), plan, split)
        finally:
            opened.close()

    def piped(self) -> Made:
        """Make a raw image of the medium as it comes through a pipe."""
        reader, writer = os.pipe()

        def feed() -> None:
            with open(writer, "wb") as handle, contextlib.suppress(OSError):
                handle.write(self.content)

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        facts = source.Facts(path=source.STDIN, kind="stream", size=None)
        opened = source.Opened(descriptor=reader, facts=facts, direct=False)
        try:
            return self._make(opened, self.place(), None, None)
        finally:
            os.close(reader)
            feeder.join()

    def _make(self, opened: Opened, folder: bytes, plan: Plan | None, split: int | None) -> Made:
        order = imaging.Order(
            folder=folder,
            branches=(Branch(copy=MASTER, folder=folder),),
            names=NAMES,
            format=imaging.RAW if plan is None else imaging.E01,
            plan=plan,
            split=split if plan is None else None,
            block_nodes=True,
        )
        with Stop() as stop:
            made = imager.make(opened, order, stop)
        if made.outcome is not None:  # as when the end is recorded
            checkpoint.remove(folder)
        return Made(folder=folder, imaging=made)

    def verify(self, path: bytes) -> Report:
        """Return what `evkit verify` says of one file by itself."""
        from evkit.actions.verify_image import verify_data

        return verify_data(path, [], no_station, Supplied())

    def changed(self, made: Made, offset: int, *, name: str = "changed") -> bytes:
        """Copy the first file of an image with one bit flipped; a negative offset counts back."""
        with open(made.paths[0], "rb") as handle:
            data = bytearray(handle.read())
        data[offset] ^= 1
        ending = os.path.splitext(os.fsdecode(made.paths[0]))[1]
        return self.write(name + ending, bytes(data))


def no_station() -> Station:
    """Stand for the station that a verifier may have; the selftest has none."""
    raise CaseError("there is no station in a selftest")


def content_of(made: Made) -> bytes:
    """Return the medium that an image holds, decoded in one thread."""
    from evkit.images.e01.reader import E01Image
    from evkit.images.raw import RawImage

    form = E01Image if made.imaging.format == imaging.E01 else RawImage
    with form(made.paths) as image:
        return image.read(0, image.size)


class FailingMedium:
    """A medium whose sectors in some ranges cannot be read, as a failing disk answers.

    Args:
        content: what a sound one would give.
        bad: (offset, length) in whole sectors.
    """

    sector_size = SECTOR

    def __init__(self, content: bytes, bad: tuple[tuple[int, int], ...]) -> None:
        self.size = len(content)
        self._content = content
        self._bad = bad

    def read(self, offset: int, view: memoryview) -> int:
        """Read many sectors; a bad one among them fails the read."""
        end = min(offset + len(view), self.size)
        if any(start < end and offset < start + length for start, length in self._bad):
            raise OSError(errno.EIO, "Input/output error")
        view[: end - offset] = self._content[offset:end]
        return end - offset

    def read_sector(self, offset: int, view: memoryview) -> int:
        """Read one sector."""
        return self.read(offset, view)


@contextlib.contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Let the system refuse to write any file beyond a length, for a moment.

    Raises:
        NotTestedError: this system has no such limit.
    """
    try:
        import resource
        import signal
    except ImportError:
        raise NotTestedError("this system cannot limit the length of files") from None
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.getsignal(signal.SIGXFSZ)
    if heard is not signal.SIG_IGN:
        raise NotTestedError("the signal of that limit is not ignored in this process")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
