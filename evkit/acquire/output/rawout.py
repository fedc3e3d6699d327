"""A raw image as it is written: one file or numbered parts, in order or at any place."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any

from evkit.acquire.output.branch import Fan, Written, cut_all
from evkit.acquire.output.names import NEUTRAL
from evkit.core import aligned, durable
from evkit.core.aligned import ALIGNMENT
from evkit.core.errors import StorageError
from evkit.core.text import escape_bytes

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
        """Cut the files to what is known to be good."""
        names = self.names
        self.close()
        keep, left = {}, int(state.get("at", 0))
        for part in self.done:
            keep[part.name] = min(left, part.size)
            left -= keep[part.name]
        if self._fan is not None:
            keep[self._fan.name] = left
        cut_all(self.branches, names, keep)

    def _open(self, at: int | None = None) -> Fan:
        names = self._names
        name = names.whole if self._split is None else names.part(len(self.done) + 1)
        hint = self._size if self._split is None else self._split
        return Fan(self.branches, name, size_hint=hint, digest=self._split is not None, at=at)


def parts_of(size: int, split: int | None) -> Iterator[tuple[str, int]]:
    """Yield name and length of every file of a raw image, named as one written in order."""
    step = split or max(size, 1)
    for number, start in enumerate(range(0, max(size, 1), step), 1):
        yield IMAGE if split is None else f"image.{number:03d}", min(step, size - start)


_ZEROS = memoryview(bytes(1 << 20))


def _held(descriptor: int, start: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a part of a file in which it may hold something else than zeros."""
    end = start + length
    if not hasattr(os, "SEEK_DATA"):
        yield start, length
        return
    while start < end:
        try:
            first = os.lseek(descriptor, start, os.SEEK_DATA)
            last = os.lseek(descriptor, first, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: nothing but a hole up to the end
                yield start, end - start
            return
        if first >= end:
            return
        yield first, min(last, end) - first
        start = last


class Places:
    """The files of a raw image of known size, written at any place; what is not written is zeros.

    Args:
        branches: where to.
        size: bytes of the medium.
        split: most bytes of a part.
        again: go on with the files that are there; one that is not, or has another length, has lost
            what was read.

    Raises:
        StorageError: no branch is left.
    """

    def __init__(
        self,
        branches: Sequence[Branch],
        size: int,
        split: int | None = None,
        *,
        again: bool = False,
    ) -> None:
        self.size = size
        self._again = again
        self._split = split or max(size, 1)
        self._one = split is None
        self._files: list[tuple[Branch, list[tuple[int, int]]]] = []
        self._named = False
        live = [branch for branch in branches if branch.error is None]
        for branch in live:
            files: list[tuple[int, int]] = []
            self._files.append((branch, files))
            try:
                for part in parts_of(size, split):
                    files.append(self._open(branch, *part))  # noqa: PERF401 - kept when one fails
            except StorageError as error:
                branch.error = error
                self._drop(branch)
        if not self._files and live:
            raise live[-1].error or StorageError("no destination is left")

    def put(self, offset: int, data: memoryview) -> None:
        """Write bytes where they belong.

        Raises:
            StorageError: no branch is left.
        """
        self._each(lambda branch, files: self._put(branch, files, offset, data))

    def sync(self) -> None:
        """Make everything durable.

        Raises:
            StorageError: no branch is left.
        """
        self._each(self._sync)
        self._named = True

    def clear(self, offset: int, length: int) -> None:
        """Make a range zeros that was not read; only where the files hold anything."""
        end = offset + length
        while offset < end:
            number, inside = divmod(offset, self._split)
            count = min(end - offset, self._split - inside)
            self._each(lambda b, files: self._blank(b, files, number, (inside, count)))  # noqa: B023
            offset += count

    def _blank(
        self,
        branch: Branch,
        files: list[tuple[int, int]],
        number: int,
        where: tuple[int, int],
    ) -> None:
        for start, length in _held(files[number][0], *where):
            first = number * self._split + start
            for at in range(0, length, len(_ZEROS)):
                self._put(branch, files, first + at, _ZEROS[: length - at])

    def _sync(self, branch: Branch, files: list[tuple[int, int]]) -> None:
        with durable.storage_errors(branch.folder):
            for number, (plain, _) in enumerate(files):
                durable.step("fsync", branch.part(self._name(number)))
                os.fsync(plain)
            if not self._named:
                durable.fsync_dir(branch.folder)

    def _each(self, act: Callable[[Branch, list[tuple[int, int]]], None]) -> None:
        """Do it to every branch; one that fails is left out when there is another."""
        for branch, files in list(self._files):
            try:
                act(branch, files)
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
            whole = not (inside | count) % ALIGNMENT and aligned.starts_on_page(data)
            path = branch.part(self._name(number))
            with durable.storage_errors(path):
                durable.step("write", path)
                done = self._pwrite(branch, files, number, (inside, data[:count]), whole=whole)
            offset += done
            data = data[done:]

    def _pwrite(
        self,
        branch: Branch,
        files: list[tuple[int, int]],
        number: int,
        what: tuple[int, memoryview],
        *,
        whole: bool,
    ) -> int:
        plain, direct = files[number]
        inside, data = what
        if whole and direct >= 0:
            try:
                return os.pwrite(direct, data, inside)
            except OSError as error:  # some file systems refuse only now
                if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:
                    raise
            files[number] = plain, -1
            with contextlib.suppress(OSError):
                os.close(direct)
        branch.direct = branch.direct and not whole
        return os.pwrite(plain, data, inside)

    def _name(self, number: int) -> str:
        return IMAGE if self._one else f"image.{number + 1:03d}"

    def _open(self, branch: Branch, name: str, length: int) -> tuple[int, int]:
        path = branch.part(name)
        with durable.storage_errors(path):
            durable.step("create", path)
            flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            plain = os.open(path, flags | (0 if self._again else os.O_CREAT), 0o600)
            try:
                self._fit(path, plain, length)
            except BaseException:
                os.close(plain)
                raise
            try:
                return plain, os.open(
                    path, os.O_WRONLY | _DIRECT | getattr(os, "O_NOFOLLOW", 0)
                ) if _DIRECT else -1
            except OSError:
                return plain, -1

    def _fit(self, path: bytes, descriptor: int, length: int) -> None:
        found = os.fstat(descriptor).st_size
        if self._again and found != length:
            raise StorageError(
                f"`{escape_bytes(path)}` has {found} bytes, {length} were written",
                hint="the file was cut after the work was stopped; start a new acquisition",
            )
        os.ftruncate(descriptor, length)

    def _drop(self, branch: Branch) -> None:
        for mine, files in list(self._files):
            if mine is branch:
                self._files.remove((mine, files))
                for descriptor in (one for both in files for one in both if one >= 0):
                    with contextlib.suppress(OSError):  # what counts was synced before
                        os.close(descriptor)
