"""Durable files: all writes that must survive a power cut go through here.

Every step that changes the disk is announced through `step` before it happens, so that a test can
stop the process at the n-th one and replay what a power loss leaves behind. A finished file appears
under its name complete or not at all: temporary file in the same folder, fsync, link or rename,
fsync of the folder. Nothing here ever replaces a file unless the function is called `replace`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from typing import TYPE_CHECKING, Self

from evkit.core.errors import RefusedError, StorageError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

PART = ".part"
_NO_MODES = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_observer: Callable[[str, bytes], None] | None = None


def observe(observer: Callable[[str, bytes], None] | None) -> None:
    """Set or clear the function that sees each durable step before it is taken (fault tests)."""
    global _observer  # noqa: PLW0603 - one hook for the whole process, set by tests only
    _observer = observer


def step(kind: str, path: str | bytes) -> None:
    """Announce an operation: `create write fsync rename link unlink mkdir dirsync commit`."""
    if _observer is not None:
        _observer(kind, os.fsencode(path))


@contextlib.contextmanager
def storage_errors(path: str | bytes) -> Iterator[None]:
    """Turn an OSError of a destination into StorageError or RefusedError that names the path."""
    shown = escape_bytes(os.fsencode(path))
    try:
        yield
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise StorageError(
            f"cannot write `{shown}`: {error.strerror or error}",
            hint="free space on the destination and try again" if full else None,
        ) from error


def need_absent(path: str | bytes) -> None:
    """Refuse a name that something has already; asked before the work, not after it.

    Raises:
        RefusedError: it is taken.
    """
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: str | bytes) -> RefusedError:
    return RefusedError(
        f"`{escape_bytes(os.fsencode(path))}` exists already",
        hint="evkit never overwrites; choose another name",
    )


def fsync_dir(folder: str | bytes) -> None:
    """Make the names in `folder` durable (Windows has no such call and keeps names itself).

    Raises:
        StorageError: the destination fails.
    """
    with storage_errors(folder):
        _fsync_dir(folder)


def _fsync_dir(folder: str | bytes) -> None:
    step("dirsync", folder)
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def make_dir(path: str | bytes, mode: int = 0o755, *, exist_ok: bool = True) -> None:
    """Create a folder and its missing parents, each made durable in its own parent.

    A parent that is there may be from a process that was stopped before its name was durable; that
    is made up for before anything is put into it.
    """
    path = os.fsencode(path)
    if os.path.isdir(path):
        if exist_ok:
            return
        raise _exists(path)
    parent = os.path.dirname(path.rstrip(b"/")) or b"."
    if not os.path.isdir(parent):
        make_dir(parent, mode)
    else:
        with storage_errors(path), contextlib.suppress(PermissionError):  # of another user
            _fsync_dir(os.path.dirname(os.path.abspath(parent)))
    with storage_errors(path):
        step("mkdir", path)
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            if not (exist_ok and os.path.isdir(path)):
                raise
        fsync_dir(parent)


def set_mode(target: int | bytes, mode: int) -> None:
    """Set the mode of a file, open or by its path, where the file system keeps modes.

    FAT and exFAT keep none; what they answer depends on the driver.
    """
    if isinstance(target, int) and not hasattr(os, "fchmod"):
        return  # Windows
    try:
        os.chmod(target, mode)
    except OSError as error:
        if error.errno not in _NO_MODES:
            raise


class NewFile:
    """A file that appears under its name only when `commit` is called; used as a context manager.

    Leaving the block without `commit` removes the temporary file. The temporary name is
    `<name>.<random>.part` in the same folder.
    """

    def __init__(self, path: str | bytes, *, mode: int = 0o644) -> None:
        self.path = os.fsencode(path)
        self.part = self.path + b"." + secrets.token_hex(4).encode() + PART.encode()
        self._mode = mode
        self._done = False
        with storage_errors(self.path):
            if os.path.lexists(self.path):
                raise FileExistsError(errno.EEXIST, "exists", self.path)
            step("create", self.part)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            self._fd = os.open(self.part, flags, 0o600)

    def __enter__(self) -> Self:
        return self

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append all of `data`."""
        view = memoryview(data)
        with storage_errors(self.path):
            step("write", self.part)
            while view:
                view = view[os.write(self._fd, view) :]

    def commit(self) -> None:
        """Give the file its name: fsync, mode, link without overwriting, fsync of the folder."""
        with storage_errors(self.path):
            set_mode(self._fd, self._mode)
            step("fsync", self.part)
            os.fsync(self._fd)
            descriptor, self._fd = self._fd, -1  # closed even where closing says that it failed
            os.close(descriptor)
            rename_new(self.part, self.path)
            self._done = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
        if not self._done:
            with contextlib.suppress(OSError):
                os.unlink(self.part)


def write_new(path: str | bytes, data: bytes, *, mode: int = 0o644) -> None:
    """Create `path` with `data`, durable and complete, or raise RefusedError when it exists."""
    with NewFile(path, mode=mode) as handle:
        handle.write(data)
        handle.commit()


def replace(path: str | bytes, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a mutable state file (never evidence): old or new content, nothing in between."""
    path = os.fsencode(path)
    part = path + b"." + secrets.token_hex(4).encode() + PART.encode()
    with storage_errors(path):
        step("create", part)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            try:
                view = memoryview(data)
                step("write", part)
                while view:
                    view = view[os.write(descriptor, view) :]
                step("fsync", part)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            os.unlink(part)
            raise
        step("rename", path)
        os.replace(part, path)
        fsync_dir(os.path.dirname(path) or b".")


def rename_new(source: str | bytes, target: str | bytes) -> None:
    """Rename without ever replacing `target` (link and unlink; rename where links are missing)."""
    source, target = os.fsencode(source), os.fsencode(target)
    step("link", target)
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # FAT, exFAT and some network file systems have no hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists", target) from None
        os.rename(source, target)
    else:
        fsync_dir(os.path.dirname(target) or b".")
        step("unlink", source)
        os.unlink(source)
    fsync_dir(os.path.dirname(target) or b".")
