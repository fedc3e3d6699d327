"""What all images that a libyal library decodes have in common: files, errors, one lock each.

The libraries get opened files and never a name, so that nothing a container says can make them open
another file, and the access time of the files stays as it was.
"""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING, Any

from evkit.core.closing import Closing
from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape, escape_bytes
from evkit.images.files import EXTRA, open_quietly
from evkit.images.model import MAX_MEDIUM, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# everything that the bindings were seen to raise; a bad sector arrives as OSError as well
FAILURES = (OSError, MemoryError, ValueError, OverflowError, SystemError, TypeError)
_locks: dict[str, threading.Lock] = {}
_guard = threading.Lock()


def missing(name: str) -> UsageError:
    """Return the error that says that the extra with the binding `name` is not installed."""
    return UsageError(
        f"this image is decoded by `{name}`, which is not installed",
        hint=f"pip install 'evkit[{EXTRA}]'",
    )


def lock_of(name: str) -> threading.Lock:
    """Return the one lock of a library: their handles share state."""
    with _guard:
        return _locks.setdefault(name, threading.Lock())


def open_file(path: bytes) -> io.FileIO:
    """Open a file for a library.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        return io.FileIO(open_quietly(path), "rb")
    except OSError as error:
        raise InputError(f"cannot read `{escape_bytes(path)}`: {error.strerror or error}") from None


@contextlib.contextmanager
def decoding(name: str, path: bytes, title: str) -> Iterator[None]:
    """Turn what a library raises while it opens a container into an InputError."""
    try:
        yield
    except FAILURES as error:
        raise InputError(
            f"`{escape_bytes(path)}` cannot be opened as a {title}",
            hint="the container is damaged, or of a kind that this library does not know; "
            "take it in with `--kind files` to keep its bytes",
            details={name.replace("py", "lib", 1): _reason(error)},
        ) from error


class NativeImage(Closing):
    """An image whose medium a libyal handle decodes.

    Args:
        name: the binding.
        segments: all files of the image in order.
    """

    format = ""
    sector_size: int | None = None
    decoder = ""  # the library and its version, for the record

    def __init__(self, name: str, segments: Sequence[bytes]) -> None:
        self._name = name
        self._lock = lock_of(name)
        self._handles: list[Any] = []
        self._files: list[io.FileIO] = []
        self.size = 0
        self.segments: Sequence[Segment] = ()
        self._set_segments(segments)
        self.stored_digests: Mapping[str, str] = {}
        self.metadata: Mapping[str, str] = {}
        self.declared_gaps: Sequence[tuple[int, int]] = ()
        self.remarks: Sequence[str] = ()

    def close(self) -> None:
        """Close all handles, then all files."""
        with self._lock:
            for handle in self._handles:
                with contextlib.suppress(*FAILURES):
                    handle.close()
            self._handles = []
            for opened in self._files:
                opened.close()
            self._files = []

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the medium, fewer only at its end.

        Raises:
            InputError: the library cannot decode them.
        """
        size = max(0, min(size, self.size - offset))
        found: list[bytes] = []
        with self._lock:
            if not self._handles:
                raise InputError("the image is closed")
            while size:
                block = self._block(offset, size)
                if not block:
                    raise InputError(f"the image ends early, at byte {offset} of the medium")
                found.append(block)
                offset += len(block)
                size -= len(block)
        return found[0] if len(found) == 1 else b"".join(found)

    def _block(self, offset: int, size: int) -> bytes:
        try:
            return bytes(self._handles[0].read_buffer_at_offset(size, offset) or b"")
        except FAILURES as error:
            raise InputError(
                f"the image cannot be decoded at byte {offset} of the medium",
                details={self._name.replace("py", "lib", 1): _reason(error)},
            ) from error

    def _set_segments(self, paths: Sequence[bytes]) -> None:
        self.segments = tuple(Segment(path=path, size=_length(path)) for path in paths)

    def _keep_size(self, size: object) -> None:
        """Take over the length of the medium.

        Raises:
            InputError: the library tells none, or more than evkit records.
        """
        if not isinstance(size, int) or size < 0:
            raise InputError("the container does not say how long its medium is")
        if size > MAX_MEDIUM:
            raise InputError("the image is larger than evkit records (2^53 bytes)")
        self.size = size


def _length(path: bytes) -> int:
    with open_file(path) as opened:
        return opened.seek(0, io.SEEK_END)


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return escape(lines[0][:300])
