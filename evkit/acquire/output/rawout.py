"""A raw image as it is written: one file or numbered parts, in order or at any place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.acquire.output.branch import Fan, Written
from evkit.acquire.output.names import NEUTRAL
from evkit.core import durable
from evkit.core.aligned import ALIGNMENT
from evkit.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evkit.acquire.output.branch import Branch
    from evkit.acquire.output.names import Names

IMAGE = NEUTRAL.whole
_DIRECT = getattr(os, "O_DIRECT", 0)


class RawOut:
    """Takes the bytes of a medium.

    Args:
        branches: where to.
        size: bytes of the medium, None when they are not known.
        split: most bytes of a part, None for one file.
        at: go on after this many bytes.
        done: parts that are complete already.
        names: of the files.

    Attributes:
        at: bytes written in order.
        done: parts that are complete.
    """

    format = "raw"

    def __init__(
        self,
        branches: Sequence[Branch],
        size: int | None,
        split: int | None = None,
        *,
        at: int = 0,
        done: Sequence[Written] = (),
        names: Names = NEUTRAL,
    ) -> None:
        self.branches = branches
        self.at = at
        self.done = list(done)
        self.on_write: Callable[[], None] | None = None
        self._size = size
        self._split = split
        self._names = names
        self._fan: Fan | None = None
        inside = at - sum(part.size for part in done)
        if at and inside:
            self._fan = self._open(at=inside)

    @property
    def names(self) -> list[str]:
        """Names of all files so far, in order."""
        return [part.name for part in self.done] + ([self._fan.name] if self._fan else [])

    def write(self, data: memoryview) -> None:
        """Append all of `data`.

        Raises:
            StorageError: no branch is left.
        """
        while data:
            if self._fan is None:
                self._fan = self._open()
            room = len(data) if self._split is None else self._split - self._fan.size
            self._fan.write(data[:room])
            self.at += min(room, len(data))
            data = data[room:]
            if self._split is not None and self._fan.size == self._split:
                self.done.append(self._fan.finish())
                self._fan = None
        if self.on_write is not None:
            self.on_write()

    def sync(self) -> None:
        """Make everything durable."""
        if self._fan is not None:
            self._fan.sync()

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on, as JSON."""
        return {"at": self.at, "done": [part.to_json() for part in self.done]}

    def finish(self) -> list[Written]:
        """Complete the last file and return all of them."""
        if self._fan is None and not self.done:
            self._fan = self._open()
        if self._fan is not None:
            self.done.append(self._fan.finish())
            self._fan = None
        return self.done

    def close(self) -> None:
        """Close without finishing."""
        if self._fan is not None:
            self._fan.close()

    def give_room_back(self, state: dict[str, Any]) -> None:
        """Cut the unfinished file to what is known to be good."""
        if self._fan is not None:
            keep = int(state.get("at", 0)) - sum(part.size for part in self.done)
            self._fan.cut(max(0, keep))

    def _open(self, at: int | None = None) -> Fan:
        names = self._names
        name = names.whole if self._split is None else names.part(len(self.done) + 1)
        hint = self._size if self._split is None else self._split
        return Fan(self.branches, name, size_hint=hint, digest=self._split is not None, at=at)


class Places:
    """The files of a raw image of known size, written at any place; what is not written is zeros.

    Args:
        branches: where to.
        size: bytes of the medium.
        split: most bytes of a part.

    Raises:
        StorageError: no branch is left.
    """

    def __init__(self, branches: Sequence[Branch], size: int, split: int | None = None) -> None:
        self.size = size
        self._split = split or max(size, 1)
        self._files: list[tuple[Branch, list[tuple[int, int]]]] = []
        live = [branch for branch in branches if branch.error is None]
        for branch in live:
            try:
                self._files.append((branch, [self._open(branch, *part) for part in self.parts()]))
            except StorageError as error:
                branch.error = error
        if not self._files and live:
            raise live[-1].error or StorageError("no destination is left")

    def parts(self) -> Iterator[tuple[str, int]]:
        """Yield name and length of every file."""
        one = self._split >= self.size
        for number, start in enumerate(range(0, max(self.size, 1), self._split), 1):
            name = IMAGE if one else f"image.{number:03d}"
            yield name, min(self._split, self.size - start)

    def put(self, offset: int, data: memoryview) -> None:
        """Write bytes where they belong.

        Raises:
            StorageError: no branch is left.
        """
        for branch, files in list(self._files):
            try:
                self._put(branch, files, offset, data)
            except StorageError as error:
                if len(self._files) == 1:
                    raise
                branch.error = error
                self._drop(branch)

    def sync(self) -> None:
        """Make everything durable.

        Raises:
            StorageError: no branch is left.
        """
        for branch, files in list(self._files):
            try:
                with durable.storage_errors(branch.folder):
                    durable.step("fsync", branch.part(self._name(0)))
                    for plain, _ in files:
                        os.fsync(plain)
            except StorageError as error:
                if len(self._files) == 1:
                    raise
                branch.error = error
                self._drop(branch)

    def close(self) -> None:
        """Close all files."""
        for branch, _ in list(self._files):
            self._drop(branch)

    def _put(
        self, branch: Branch, files: list[tuple[int, int]], offset: int, data: memoryview
    ) -> None:
        while data:
            number, inside = divmod(offset, self._split)
            count = min(len(data), self._split - inside)
            plain, direct = files[number]
            fits = direct >= 0 and not (inside | count) % ALIGNMENT
            path = branch.part(self._name(number))
            with durable.storage_errors(path):
                durable.step("write", path)
                done = os.pwrite(direct if fits else plain, data[:count], inside)
            offset += done
            data = data[done:]

    def _name(self, number: int) -> str:
        return IMAGE if self._split >= self.size else f"image.{number + 1:03d}"

    def _open(self, branch: Branch, name: str, length: int) -> tuple[int, int]:
        path = branch.part(name)
        with durable.storage_errors(path):
            durable.step("create", path)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            plain = os.open(path, flags, 0o600)
            os.ftruncate(plain, length)
            try:
                return plain, os.open(path, os.O_WRONLY | _DIRECT) if _DIRECT else -1
            except OSError:
                return plain, -1

    def _drop(self, branch: Branch) -> None:
        for mine, files in list(self._files):
            if mine is branch:
                for plain, direct in files:
                    os.close(plain)
                    if direct >= 0:
                        os.close(direct)
                self._files.remove((mine, files))
