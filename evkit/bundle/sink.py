"""Where a bundle is written: a folder or a zip, complete under its name or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Protocol

from evkit.bundle.part import FLUSH, MODE, exactly, part_of
from evkit.core import durable
from evkit.core.errors import RefusedError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable


class Sink(Protocol):
    """Takes the files of a bundle one after the other."""

    def add(self, name: str, blocks: Iterable[bytes], size: int, *, pack: bool = True) -> None:
        """Write one file of exactly `size` bytes; `pack` allows compression.

        Raises:
            InputError: the blocks are more or less than `size` bytes.
            StorageError: the destination is full or fails.
        """

    def commit(self) -> None:
        """Make everything durable and give the bundle its name."""

    def abandon(self) -> None:
        """Remove what was written so far."""


def open_sink(path: str | bytes) -> Sink:
    """Return a zip sink when the name ends in `.zip`, else a folder sink.

    Raises:
        RefusedError: the name is taken.
    """
    raw = os.fsencode(path)
    refuse_taken(raw)
    if raw.endswith(b".zip"):
        from evkit.bundle.zipwrite import ZipSink

        return ZipSink(raw)
    return FolderSink(raw)


def refuse_taken(path: str | bytes) -> None:
    """Raise RefusedError when something has this name, or an unfinished bundle lies beside it."""
    raw = os.path.abspath(os.fsencode(path))
    durable.need_absent(raw)
    part = part_of(raw)
    if os.path.lexists(part):
        raise RefusedError(
            f"`{escape_bytes(part)}` is left from a bundle that was not finished",
            hint="remove it, then try again",
        )
    if not os.path.isdir(os.path.dirname(raw)):
        raise RefusedError(f"there is no folder `{escape_bytes(os.path.dirname(raw))}`")


class FolderSink:
    """A folder `<name>.part` that is renamed when it is complete."""

    def __init__(self, path: bytes) -> None:
        self._path = os.path.abspath(path)
        self._part = part_of(self._path)
        self._folders = {b""}
        with durable.storage_errors(self._part):
            durable.step("mkdir", self._part)
            os.mkdir(self._part, 0o755)

    def add(self, name: str, blocks: Iterable[bytes], size: int, *, pack: bool = True) -> None:
        """Write one file and sync it; `pack` says nothing here."""
        del pack
        raw = name.encode("utf-8")
        self._make(os.path.dirname(raw))
        path = os.path.join(self._part, raw)
        with durable.storage_errors(path):
            durable.step("create", path)
            with open(path, "xb") as handle:
                done = 0
                for block in exactly(name, blocks, size):
                    if done % FLUSH == 0:
                        durable.step("write", path)
                    handle.write(block)
                    done += len(block)
                handle.flush()
                with contextlib.suppress(OSError):  # FAT keeps no modes
                    os.fchmod(handle.fileno(), MODE)
                durable.step("fsync", path)
                os.fsync(handle.fileno())

    def commit(self) -> None:
        """Sync all folders and rename."""
        for folder in sorted(self._folders, reverse=True):
            durable.fsync_dir(os.path.join(self._part, folder) if folder else self._part)
        with durable.storage_errors(self._path):
            if os.path.lexists(self._path):
                raise FileExistsError
            durable.step("rename", self._path)
            os.rename(self._part, self._path)
            durable.fsync_dir(os.path.dirname(self._path))

    def abandon(self) -> None:
        """Remove the unfinished folder."""
        shutil.rmtree(self._part, ignore_errors=True)

    def _make(self, folder: bytes) -> None:
        if folder in self._folders:
            return
        self._make(os.path.dirname(folder))
        path = os.path.join(self._part, folder)
        with durable.storage_errors(path):
            durable.step("mkdir", path)
            os.mkdir(path, 0o755)
        self._folders.add(folder)
