"""Writing large files with O_DIRECT from page-aligned buffers, buffered where that is refused.

Direct writes spare the page cache and cost a fraction of the kernel time of buffered ones. File
systems refuse them at two moments: when the file is opened (tmpfs) or at the first write (some FUSE
and network file systems). Both end in buffered writing of the same bytes. The file has exactly the
length of what was written, also when that is not a multiple of anything.

The file is a temporary one: giving it its name is the caller's step (`durable.rename_new`).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os

from evkit.core import durable
from evkit.core.closing import Closing
from evkit.core.errors import StorageError
from evkit.core.text import escape_bytes

ALIGNMENT = 4096
BLOCK = 4 << 20
_STAGE = 1 << 20
_O_DIRECT = getattr(os, "O_DIRECT", 0)


def buffers(count: int, size: int = BLOCK) -> list[mmap.mmap]:
    """Return `count` page-aligned writable buffers of `size` bytes, kept for the whole run."""
    return [mmap.mmap(-1, size) for _ in range(count)]


def starts_on_page(view: memoryview) -> bool:
    """Say whether memory starts on a page, as direct writing needs it."""
    if view.readonly or not view:
        return False
    return ctypes.addressof(ctypes.c_char.from_buffer(view)) % ALIGNMENT == 0


class AlignedWriter(Closing):
    """Writes one new file in order; direct where the blocks and the file system allow it.

    Blocks of any length are accepted. Those that start on a page and have a length of whole pages
    are written without being copied; the rest passes through a small aligned buffer.

    Args:
        path_part: the temporary path; it must not exist.
        size_hint: expected length in bytes, or None. Short files are not worth direct writing.
        direct: False writes buffered from the start.
        at: go on with the file that is there after this many bytes; what lies behind is cut off.

    Attributes:
        written: bytes accepted so far.
        direct: whether blocks are written with O_DIRECT at present.
        fell_back: why direct writing was given up before the end, or None.
    """

    def __init__(
        self,
        path_part: bytes,
        size_hint: int | None = None,
        *,
        direct: bool = True,
        at: int | None = None,
    ) -> None:
        self.path = os.fsencode(path_part)
        self.written = at or 0
        self.direct = False
        self.fell_back: str | None = None
        self._stage: mmap.mmap | None = None
        self._staged = 0
        self._padded = False
        self._fd = _create(self.path) if at is None else _reopen(self.path, at)
        try:
            if at is not None:
                self._staged = at % ALIGNMENT
            if at is not None and self._staged:
                self._stage = mmap.mmap(-1, _STAGE)
                self._stage[: self._staged] = _tail(self.path, at)
            if at is not None:
                os.lseek(self._fd, at - self._staged, os.SEEK_SET)
            if direct and _O_DIRECT and (size_hint is None or size_hint >= ALIGNMENT):
                self._try_direct()
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes | bytearray | memoryview | mmap.mmap) -> None:
        """Append all of `data`; the buffer may be reused when this returns.

        Raises:
            StorageError: the destination is full or fails.
        """
        view = memoryview(data).cast("B")
        self.written += len(view)
        if self._staged:
            view = view[self._join(view) :]
        if self._staged:
            view = view[self._fill(view) :]
        if not self._staged and len(view) >= ALIGNMENT and self._fits(view):
            whole = len(view) if not self.direct else len(view) & ~(ALIGNMENT - 1)
            self._flush(view[:whole])
            view = view[whole:]
        while view:
            view = view[self._fill(view) :]

    def sync(self) -> None:
        """Make everything that was written durable; writing goes on afterwards.

        A last block that is not whole is written with zeros behind it, and again when more comes.

        Raises:
            StorageError: the destination is full or fails.
        """
        if self._staged and self._stage is not None:
            with memoryview(self._stage) as stage:
                whole = self._staged & ~(ALIGNMENT - 1)
                self._flush(stage[:whole])
                rest = self._staged - whole
                stage[:rest] = stage[whole : self._staged]
                stage[rest:ALIGNMENT] = bytes(ALIGNMENT - rest)
                self._staged = rest
                if rest:
                    self._pad(stage[:ALIGNMENT])
        with durable.storage_errors(self.path):
            durable.step("fsync", self.path)
            os.fsync(self._fd)

    def finish(self) -> int:
        """Write what is staged, check the length, make the content durable, close.

        Returns:
            The length of the file in bytes.

        Raises:
            StorageError: the destination is full or fails, or holds another length.
        """
        if self._staged and self._stage is not None:
            with memoryview(self._stage) as stage:
                whole = self._staged & ~(ALIGNMENT - 1) if self.direct else self._staged
                self._flush(stage[:whole])
                if whole < self._staged:
                    self._drop_direct(None)
                    self._flush(stage[whole : self._staged])
            self._staged = 0
        with durable.storage_errors(self.path):
            if self._padded and os.fstat(self._fd).st_size > self.written:
                durable.step("write", self.path)
                os.ftruncate(self._fd, self.written)
            durable.step("fsync", self.path)
            os.fsync(self._fd)
            size = os.fstat(self._fd).st_size
            descriptor, self._fd = self._fd, -1  # closed even where closing says that it failed
            os.close(descriptor)
        self.close()
        if size != self.written:
            raise StorageError(
                f"`{escape_bytes(self.path)}` has {size} bytes after {self.written} were written"
            )
        return self.written

    def close(self) -> None:
        """Close without finishing; what was staged is lost, the temporary file stays."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # nothing of it is relied on
                os.close(self._fd)
            self._fd = -1
        self._stage = None  # freed when no error holds a view of it any more

    def _try_direct(self) -> None:
        """Open the new file once more with O_DIRECT (a refused open would leave a file behind)."""
        flags = os.O_WRONLY | _O_DIRECT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self.path, flags)
        except OSError as error:
            self.fell_back = f"open: {error.strerror or error}"
            return
        os.lseek(descriptor, os.lseek(self._fd, 0, os.SEEK_CUR), os.SEEK_SET)
        os.close(self._fd)
        self._fd = descriptor
        self.direct = True

    def _pad(self, block: memoryview) -> None:
        """Write one whole block where the next bytes belong, without moving on."""
        place = os.lseek(self._fd, 0, os.SEEK_CUR)
        with durable.storage_errors(self.path):
            durable.step("write", self.path)
            try:
                os.pwrite(self._fd, block, place)
            except OSError as error:
                if not (self.direct and error.errno in {errno.EINVAL, errno.EOPNOTSUPP}):
                    raise
                self._drop_direct(f"write: {error.strerror or error}")
                os.pwrite(self._fd, block, place)
        self._padded = True

    def _drop_direct(self, why: str | None) -> None:
        """Go on buffered; `why` is kept when it was not the plan."""
        if not self.direct:
            return
        import fcntl

        state = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        with durable.storage_errors(self.path):
            fcntl.fcntl(self._fd, fcntl.F_SETFL, state & ~_O_DIRECT)
        self.direct = False
        self.fell_back = why or self.fell_back

    def _fits(self, view: memoryview) -> bool:
        """Say whether `view` can be written as it lies in memory."""
        if not self.direct:
            return True
        return starts_on_page(view)

    def _join(self, view: memoryview) -> int:
        """Flush the stage before it is full where the rest of `view` then fits as it lies.

        Returns:
            How many bytes of `view` went into the stage.
        """
        missing = -self._staged % ALIGNMENT
        if not self.direct or len(view) < missing + _STAGE or not self._fits(view[missing:]):
            return 0
        self._fill(view[:missing])
        if self._staged and self._stage is not None:
            with memoryview(self._stage) as stage:
                self._flush(stage[: self._staged])
            self._staged = 0
        return missing

    def _fill(self, view: memoryview) -> int:
        """Copy the start of `view` to the stage, flush the stage when full, return the length."""
        if self._stage is None:
            self._stage = mmap.mmap(-1, _STAGE)
        count = min(len(view), _STAGE - self._staged)
        self._stage[self._staged : self._staged + count] = view[:count]
        self._staged += count
        if self._staged == _STAGE:
            with memoryview(self._stage) as stage:
                self._flush(stage)
            self._staged = 0
        return count

    def _flush(self, view: memoryview) -> None:
        """Hand all of `view` to the kernel, whatever it takes at a time."""
        if not view:
            return
        with durable.storage_errors(self.path):
            durable.step("write", self.path)
            while view:
                try:
                    count = os.write(self._fd, view)
                except OSError as error:
                    if not (self.direct and error.errno in {errno.EINVAL, errno.EOPNOTSUPP}):
                        raise
                    self._drop_direct(f"write: {error.strerror or error}")
                    continue
                view = view[count:]
                if self.direct and view and count % ALIGNMENT:
                    self._drop_direct("short write off the alignment")


def _create(path: bytes) -> int:
    with durable.storage_errors(path):
        durable.step("create", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        return os.open(path, flags, 0o600)


def _reopen(path: bytes, at: int) -> int:
    """Open the file of work that was stopped and cut it to the length that is known to be good."""
    with durable.storage_errors(path):
        flags = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags)
    size = os.fstat(descriptor).st_size
    if size < at:
        os.close(descriptor)
        raise StorageError(
            f"`{escape_bytes(path)}` has {size} bytes, {at} were written",
            hint="the file was cut after the work was stopped; start a new acquisition",
        )
    try:
        with durable.storage_errors(path):
            durable.step("write", path)
            os.ftruncate(descriptor, at)
    except StorageError:
        os.close(descriptor)
        raise
    return descriptor


def _tail(path: bytes, at: int) -> bytes:
    """Return the bytes behind the last whole block before `at`."""
    with durable.storage_errors(path), open(path, "rb") as handle:
        handle.seek(at - at % ALIGNMENT)
        return handle.read(at % ALIGNMENT)
