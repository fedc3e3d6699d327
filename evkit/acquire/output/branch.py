"""Folders that take the same files at once. When one fails the others go on."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import durable
from evkit.core.aligned import AlignedWriter
from evkit.core.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evkit.core.errors import EvkitError

MASTER, SECOND = "master", "second"
PART = durable.PART.encode()
_NAME = re.compile(r"image\.[0-9A-Za-z]{3,8}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(kw_only=True)
class Branch:
    """One folder that takes a copy of the image.

    Attributes:
        copy: `master` or `second`.
        folder: it exists.
        error: why it failed, or None.
        direct: whether everything was written past the page cache.
        suffix: behind the name of a file that is not finished.
    """

    copy: str
    folder: bytes
    error: EvkitError | None = None
    direct: bool = True
    suffix: bytes = PART

    def path(self, name: str) -> bytes:
        """Return the place of a finished file."""
        return os.path.join(self.folder, os.fsencode(name))

    def part(self, name: str) -> bytes:
        """Return the place of a file that has no name yet."""
        return self.path(name) + self.suffix

    def now(self, name: str) -> bytes:
        """Return where a complete file is now: it may have its name already after a stop."""
        part = self.part(name)
        return part if os.path.lexists(part) else self.path(name)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A complete file of the image.

    Attributes:
        sha256: of the file; None when it is that of the medium.
    """

    name: str
    size: int
    sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Written:
        """Read what `to_json` gave.

        Raises:
            InputError: it is something else.
        """
        name, size, digest = (value.get(key) for key in ("name", "size", "sha256"))
        good = type(size) is int and size >= 0
        good = good and isinstance(name, str) and _NAME.fullmatch(name) is not None
        hexed = digest is None or (isinstance(digest, str) and _DIGEST.fullmatch(digest))
        if not good or not hexed:
            raise InputError("a file in the journal is malformed")
        return cls(name=str(name), size=int(size or 0), sha256=digest)


class Fan:
    """One file, written in order into every branch that has not failed.

    Args:
        branches: where to.
        name: its final name.
        size_hint: its likely length.
        digest: make its SHA-256 on the way.
        at: go on after this many bytes of the files that are there.

    Raises:
        StorageError: no branch is left.
    """

    def __init__(
        self,
        branches: Sequence[Branch],
        name: str,
        *,
        size_hint: int | None = None,
        digest: bool = False,
        at: int | None = None,
    ) -> None:
        self.name = name
        self.size = at or 0
        self._again = at is not None
        self._named = at is not None  # the names of the parts are durable
        self._hash = hashlib.sha256() if digest else None
        self._writers: list[tuple[Branch, AlignedWriter]] = []
        live = [branch for branch in branches if branch.error is None]
        for number, branch in enumerate(live, 1):
            try:
                writer = AlignedWriter(branch.part(name), size_hint, at=at)
            except StorageError as error:
                branch.error = error
                if number == len(live) and not self._writers:
                    raise
                continue
            self._writers.append((branch, writer))

    def write(self, data: memoryview) -> None:
        """Append all of `data` everywhere.

        Raises:
            StorageError: no branch is left.
        """
        self._each(lambda writer: writer.write(data))
        self.size += len(data)
        if self._hash is not None and not self._again:
            self._hash.update(data)

    def sync(self) -> None:
        """Make everything durable, names of the parts too; writing goes on afterwards."""
        self._each(lambda writer: writer.sync())
        self._keep_names()

    def finish(self) -> Written:
        """Make the files complete.

        Raises:
            StorageError: no branch is left.
        """
        self._each(lambda writer: writer.finish())
        self._keep_names()
        if self._hash is not None and self._again:
            self._digest_again()
        digest = None if self._hash is None else self._hash.hexdigest()
        return Written(name=self.name, size=self.size, sha256=digest)

    def close(self) -> None:
        """Close without finishing."""
        for _, writer in self._writers:
            writer.close()

    def _keep_names(self) -> None:
        if not self._named:
            self._each(lambda writer: sync_folder(os.path.dirname(writer.path)))
            self._named = True

    def _each(self, act: Callable[[AlignedWriter], object]) -> None:
        for branch, writer in list(self._writers):
            try:
                act(writer)
            except StorageError as error:
                if len(self._writers) == 1:
                    raise
                branch.error = error
                writer.close()
                self._writers.remove((branch, writer))
                continue
            branch.direct = branch.direct and writer.direct

    def _digest_again(self) -> None:
        """Digest a file that was begun before a stop from its start."""
        digest = hashlib.sha256()
        path = self._writers[0][0].part(self.name)
        with durable.storage_errors(path), open(path, "rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
        self._hash = digest


def name_all(branch: Branch, names: Sequence[str]) -> None:
    """Give finished files of a branch their names, in this order; some may have them already.

    Raises:
        RefusedError: a name is taken.
        StorageError: the destination fails.
    """
    for name in names:
        part, target = branch.part(name), branch.path(name)
        with durable.storage_errors(target):
            if not os.path.lexists(part) and os.path.isfile(target):
                continue
            if os.path.lexists(target) and os.path.samefile(part, target):
                durable.step("unlink", part)  # stopped between the two halves of a renaming
                os.unlink(part)
                durable.fsync_dir(branch.folder)
                continue
            durable.set_mode(part, 0o444)
            durable.rename_new(part, target)


def write_small(branch_folder: bytes, name: bytes, data: bytes) -> None:
    """Write a small finished file beside an image; after a stop the same one may be there.

    Raises:
        RefusedError: another one is there.
        StorageError: the destination fails.
    """
    path = os.path.join(branch_folder, name)
    with durable.storage_errors(path):
        if os.path.isfile(path) and os.path.getsize(path) == len(data):
            with open(path, "rb") as handle:
                if handle.read() == data:
                    return
    durable.write_new(path, data, mode=0o444)


def sync_folder(folder: bytes) -> None:
    """Make the names in a folder durable.

    Raises:
        StorageError: the destination fails.
    """
    with durable.storage_errors(folder):
        durable.fsync_dir(folder)


def cut_all(branches: Sequence[Branch], names: Sequence[str], keep: Mapping[str, int]) -> None:
    """Cut unfinished files to what is kept of them, to give room back on a full disk."""
    for branch in branches:
        for name in names:
            path, size = branch.part(name), keep.get(name, 0)
            with contextlib.suppress(OSError):
                if os.path.getsize(path) > size:
                    durable.step("write", path)
                    os.truncate(path, size)


def remove_all(branch: Branch, names: Sequence[str]) -> None:
    """Remove unfinished files of a branch."""
    for name in names:
        durable.step("unlink", branch.part(name))
        with contextlib.suppress(OSError):
            os.unlink(branch.part(name))
