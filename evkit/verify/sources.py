"""Where the files of acquisitions are: in a bundle, or in folders that the verifier names."""

from __future__ import annotations

import hashlib
import io
import os
import re
from typing import TYPE_CHECKING, Final, Protocol

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import contents, layout
from evkit.manifest.tree import FolderTree, Unreadable, blocks
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.manifest.tree import Tree
    from evkit.verify.files import Consumer, Files
    from evkit.verify.report import Report

MAX_LIST: Final = 1 << 30
MAX_PIECES: Final = 1 << 28
_FOLDERS: Final = (  # of a case, whose name has a number in it; of an exhibit; of an acquisition
    re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9._-]*"),
    re.compile(r"E[1-9][0-9]*"),
    re.compile(r"A[1-9][0-9]*"),
)


class Source(Protocol):
    """Files of acquisitions by acquisition and name."""

    def place(self, acquisition: str, name: str) -> str | None:
        """Return the name of a file for messages, None when it is not there."""
        ...

    def size(self, acquisition: str, name: str) -> int:
        """Return its size in bytes."""
        ...

    def digest(self, acquisition: str, name: str, *consumers: Consumer) -> str | None:
        """Read it, feed the consumers, return SHA-256 in hex; None when it cannot be read."""
        ...

    def path(self, acquisition: str, name: str) -> bytes | None:
        """Return where it lies as a file of its own, None when it does not (in a zip)."""
        ...


class Keeper:
    """A consumer that keeps a file up to a limit, once."""

    def __init__(self, limit: int) -> None:
        self._kept: io.BytesIO | None = io.BytesIO()
        self._left = limit

    def update(self, block: bytes) -> None:
        """Keep the block unless the limit is reached."""
        self._left -= len(block)
        if self._left < 0:
            self._kept = None
        elif self._kept is not None:
            self._kept.write(block)

    @property
    def data(self) -> bytes | None:
        """The file, None when it was over the limit."""
        return None if self._kept is None else self._kept.getvalue()


class BundleSource:
    """The exhibits inside a bundle."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def place(self, acquisition: str, name: str) -> str | None:
        """Return the name of the file in the bundle."""
        path = layout.exhibit_path(acquisition, name)
        return path if path in self._files.tree.sizes else None

    def size(self, acquisition: str, name: str) -> int:
        """Return its size."""
        return self._files.tree.sizes[layout.exhibit_path(acquisition, name)]

    def digest(self, acquisition: str, name: str, *consumers: Consumer) -> str | None:
        """Read it and compare it with the list of the bag as well."""
        return self._files.stream(layout.exhibit_path(acquisition, name), *consumers)

    def path(self, acquisition: str, name: str) -> bytes | None:
        """Return its path when the bundle is a folder."""
        return _below(self._files.tree, layout.exhibit_path(acquisition, name))


class TreeSource:
    """Files below a folder, found by the end of their path.

    `CASE/E1/A1/name` is looked for first, then `E1/A1/name`, `A1/name`, and at last `name` when the
    folder holds only one file of that name and no other acquisition has one. A file that lies in
    the folder of another case, exhibit or acquisition is never taken for it.
    """

    def __init__(self, tree: Tree, report: Report, *, shared: Mapping[str, int]) -> None:
        """Take the files, the report for what cannot be read, and how often a name is recorded."""
        self._tree = tree
        self._report = report
        self._shared = shared
        self._ends: dict[str, list[str]] = {}
        for path in tree.sizes:
            parts = path.split("/")
            for count in range(1, len(parts) + 1):
                self._ends.setdefault("/".join(parts[-count:]), []).append(path)

    def place(self, acquisition: str, name: str) -> str | None:
        """Return the path of the file below the folder."""
        return self._find(acquisition, name)

    def size(self, acquisition: str, name: str) -> int:
        """Return its size."""
        return self._tree.sizes[self._find(acquisition, name) or ""]

    def digest(self, acquisition: str, name: str, *consumers: Consumer) -> str | None:
        """Read it."""
        path = self._find(acquisition, name) or ""
        total = hashlib.sha256()
        try:
            with self._tree.open(path) as handle:
                for block in blocks(handle, path):
                    total.update(block)
                    for consumer in consumers:
                        consumer.update(block)
        except (Unreadable, InputError) as error:
            self._report.unreadable += 1
            text = escape(error.message)
            self._report.undecided(CONTENT, "file-unreadable", text, escape(path))
            return None
        return total.hexdigest()

    def path(self, acquisition: str, name: str) -> bytes | None:
        """Return its path."""
        return _below(self._tree, self._find(acquisition, name))

    def _find(self, acquisition: str, name: str) -> str | None:
        parts = acquisition.split("/")
        for start in range(len(parts) + 1):
            if start == len(parts) and self._shared.get(name, 1) != 1:
                break
            end = "/".join([*parts[start:], name])
            paths = self._ends.get(end, [])
            found = [path for path in paths if not (start and _of_another(path, end, start))]
            if len(found) == 1:
                return found[0]
        return None


class ChainSource:
    """Several sources, asked in order."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def place(self, acquisition: str, name: str) -> str | None:
        """Return the first place."""
        found = self._first(acquisition, name)
        return None if found is None else found.place(acquisition, name)

    def size(self, acquisition: str, name: str) -> int:
        """Return the size there."""
        found = self._first(acquisition, name)
        return -1 if found is None else found.size(acquisition, name)

    def digest(self, acquisition: str, name: str, *consumers: Consumer) -> str | None:
        """Read it there."""
        found = self._first(acquisition, name)
        return None if found is None else found.digest(acquisition, name, *consumers)

    def path(self, acquisition: str, name: str) -> bytes | None:
        """Return its path there."""
        found = self._first(acquisition, name)
        return None if found is None else found.path(acquisition, name)

    def _first(self, acquisition: str, name: str) -> Source | None:
        for source in self._sources:
            if source.place(acquisition, name) is not None:
                return source
        return None


def _of_another(path: str, end: str, start: int) -> bool:
    """Say whether the folder in front of a shortened end names another case, exhibit or attempt."""
    folder = path.removesuffix(end).rstrip("/").rpartition("/")[2]
    return _FOLDERS[start - 1].fullmatch(folder) is not None


def _below(tree: Tree, name: str | None) -> bytes | None:
    """Return the path of a regular file of a folder; what is packed or in memory has none."""
    if not isinstance(tree, FolderTree) or name is None or name not in tree.sizes:
        return None
    return os.path.join(tree.path, os.fsencode(name))


def recorded_names(facts: Mapping[str, object]) -> dict[str, int]:
    """Return how many acquisitions record a file of each name."""
    counts: dict[str, int] = {}
    for acquisition in contents.acquisitions(facts).values():
        for artifact in acquisition.artifacts:
            counts[artifact.name] = counts.get(artifact.name, 0) + 1
    return counts
