"""A tree of files to be checked: a folder, a zip, or memory. Reading never follows a link.

Names are text with `/`. What is neither a regular file nor a folder, and names that are not UTF-8,
are kept apart in `odd` with the reason: the check reports them and never opens them.
"""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, Protocol, Self

from evkit.core.errors import InputError, StorageError
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

MAX_FILES = 1_000_000
MAX_DEPTH = 64
BLOCK = 1 << 20


class Unreadable(StorageError):  # noqa: N818 - a fact about a file, reported as a finding
    """A file is there but cannot be read now."""


class Source(Protocol):
    """An open file: read forwards, then close."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, empty at the end."""
        ...

    def __enter__(self) -> Self:
        """Return the file itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None:
        """Close the file."""
        ...


class Tree(Protocol):
    """Files by name with their sizes."""

    @property
    def label(self) -> str:
        """What this is, for messages, already escaped."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Size in bytes of every regular file."""
        ...

    @property
    def odd(self) -> Mapping[str, str]:
        """Name (escaped) and reason of everything else."""
        ...

    def open(self, name: str) -> Source:
        """Open a file for reading; `Unreadable` when that fails, `InputError` for damaged zips."""
        ...


def read(tree: Tree, name: str, limit: int) -> bytes:
    """Return a whole small file.

    Raises:
        InputError: it is not there or longer than `limit` bytes.
        Unreadable: it cannot be read now.
    """
    size = tree.sizes.get(name)
    if size is None:
        raise InputError(f"`{escape(name)}` is missing")
    if size > limit:
        raise InputError(f"`{escape(name)}` has {size} bytes; at most {limit} are allowed")
    with reading(name), tree.open(name) as handle:
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise InputError(f"`{escape(name)}` grew over {limit} bytes while it was read")
    return data


class reading:  # noqa: N801 - reads as a statement: `with reading(name):`
    """Turn an OSError of a source into `Unreadable` that names the file."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise Unreadable(
                f"cannot read `{escape(self._name)}`: {error.strerror or error}"
            ) from error


def blocks(handle: Source, name: str) -> Iterator[bytes]:
    """Yield the content in blocks of 1 MiB; `Unreadable` when a read fails."""
    with reading(name):
        while block := handle.read(BLOCK):
            yield block


class MemoryTree:
    """Files held in memory."""

    def __init__(self, files: Mapping[str, bytes], label: str = "memory") -> None:
        self.label = label
        self.files = files
        self.sizes = {name: len(data) for name, data in files.items()}
        self.odd: dict[str, str] = {}

    def open(self, name: str) -> Source:
        """Open a file of the mapping."""
        return io.BytesIO(self.files[name])


class FolderTree:
    """A folder on disk, listed once when it is opened."""

    def __init__(self, path: str | bytes) -> None:
        """List the folder; `InputError` when it is none, too deep, or holds too many files."""
        self.path = os.fsencode(path)
        self.label = escape_bytes(self.path)
        self.sizes: dict[str, int] = {}
        self.odd: dict[str, str] = {}
        if not os.path.isdir(self.path):
            raise InputError(f"`{self.label}` is not a folder")
        self._list(b"", 0)

    def _list(self, below: bytes, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise InputError(f"`{self.label}` has folders nested deeper than {MAX_DEPTH}")
        where = os.path.join(self.path, below) if below else self.path
        with reading(escape_bytes(where)), os.scandir(where) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            raw = below + b"/" + entry.name if below else entry.name
            if entry.is_dir(follow_symlinks=False) and not entry.is_symlink():
                self._list(raw, depth + 1)
            else:
                self._add(raw, entry)
        if len(self.sizes) + len(self.odd) > MAX_FILES:
            raise InputError(f"`{self.label}` holds more than {MAX_FILES} files")

    def _add(self, raw: bytes, entry: os.DirEntry[bytes]) -> None:
        with reading(escape_bytes(raw)):
            state = entry.stat(follow_symlinks=False)
        try:
            name = raw.decode("utf-8", "strict")
        except UnicodeDecodeError:
            self.odd[escape_bytes(raw)] = "its name is not UTF-8"
            return
        if stat.S_ISREG(state.st_mode):
            self.sizes[name] = state.st_size
        else:
            kind = "a symbolic link" if stat.S_ISLNK(state.st_mode) else "not a regular file"
            self.odd[escape(name)] = f"it is {kind}"

    def open(self, name: str) -> Source:
        """Open a regular file; a link put in its place since the listing is refused."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        with reading(name):
            descriptor = os.open(os.path.join(self.path, os.fsencode(name)), flags)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.fdopen(descriptor, "rb")
            os.close(descriptor)
        raise Unreadable(f"`{escape(name)}` is no longer a regular file")
