"""The files of a bundle: complete, as listed, nothing else inside, each read exactly once.

Small files are kept in memory as they were digested, so that what is judged later is what was
compared with the list. Long files (exhibits, inventories) are streamed through their checks.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import bag, layout, names
from evkit.manifest.tree import Unreadable, blocks, read
from evkit.verify.report import CONTENT, PASS

if TYPE_CHECKING:
    from evkit.manifest.tree import Tree
    from evkit.verify.report import Report

MAX_SMALL: Final = 64 << 20
LONG: Final = (layout.EXHIBITS, layout.INVENTORIES)


class Consumer(Protocol):
    """Sees the blocks of a long file in order."""

    def update(self, block: bytes, /) -> object:
        """Take the next block."""
        ...


class Files:
    """The files of one bundle while it is verified.

    Attributes:
        tree: where they are.
        bag: what the lists say.
        data: small files as they were read.
        unread: names of files that could not be read.
    """

    def __init__(self, tree: Tree, report: Report) -> None:
        self.tree = tree
        self.report = report
        self.bag = bag.read_bag(tree, unlisted_tags=[layout.SIGNATURE])
        self.listed = {**self.bag.payload, **self.bag.tags}
        self.data: dict[str, bytes] = {}
        self.bad: set[str] = set()
        self.unread: set[str] = set()
        self.streamed: dict[str, str] = {}
        self.matching = 0
        self.bytes = 0

    def check(self) -> None:
        """Check structure, names and the digests of all small files."""
        for problem in self.bag.problems:
            self.bad.add(problem.name)
            self.report.failed(CONTENT, f"bag-{problem.code}", problem.text, problem.name)
        self._layout()
        for name in self.tree.sizes:
            if not name.startswith(LONG):
                self._small(name)

    def passed(self) -> None:
        """Note the pass of everything that was listed, after all files were read."""
        report = self.report
        wrong = any(f.state != PASS and f.code.startswith(_CODES) for f in report.findings)
        if self.matching and not wrong:
            size = f"{self.bytes:,} bytes"
            text = f"{self.matching} files, {size}: complete, as listed, nothing else inside"
            report.passed(CONTENT, "files", text)

    def names(self, folder: str) -> list[str]:
        """Return the names below a folder, sorted."""
        return sorted(name for name in self.tree.sizes if name.startswith(folder))

    def stream(self, name: str, *consumers: Consumer) -> str | None:
        """Read a long file, compare it with the list (the first time), feed the consumers.

        Returns:
            SHA-256 in hex, None when the file is missing or cannot be read.
        """
        if name not in self.tree.sizes or name in self.unread:
            return None
        total = hashlib.sha256()
        try:
            with self.tree.open(name) as handle:
                for block in blocks(handle, name):
                    total.update(block)
                    for consumer in consumers:
                        consumer.update(block)
        except Unreadable as error:
            self._unreadable(name, error)
            return None
        except InputError as error:
            self.unread.add(name)
            self.report.failed(CONTENT, "file-damaged", error.message, escape(name))
            return None
        found = total.hexdigest()
        if name in self.streamed:
            return found
        self.streamed[name] = found
        return self._compare(name, found)

    def _small(self, name: str) -> None:
        try:
            data = read(self.tree, name, MAX_SMALL)
        except Unreadable as error:
            self._unreadable(name, error)
            return
        except InputError as error:
            self.report.failed(CONTENT, "file-damaged", error.message, escape(name))
            return
        self.data[name] = data
        if name in self.listed:
            self._compare(name, hashlib.sha256(data).hexdigest())

    def _compare(self, name: str, found: str) -> str:
        expected = self.listed.get(name)
        if expected is not None and found != expected:
            self.bad.add(name)
            text = f"`{escape(name)}` is not the file that the bag lists"
            self.report.failed(CONTENT, "file-digest", text, escape(name), expected, found)
        elif expected is not None:
            self.matching += 1
            self.bytes += self.tree.sizes[name]
        return found

    def _unreadable(self, name: str, error: Unreadable) -> None:
        self.report.unreadable += 1
        self.unread.add(name)
        self.bad.add(name)
        self.report.undecided(CONTENT, "file-unreadable", error.message, escape(name))

    def _layout(self) -> None:
        report = self.report
        for name in layout.TAGS:
            if name not in self.bag.tags:
                text = f"`{name}` is not in the tag manifest"
                report.failed(CONTENT, "layout-missing", text, name)
        for name in self.listed:
            shown = escape(name)
            known = name in layout.TAGS or layout.is_known(name)
            if not known:
                text = f"`{shown}` is a file that evkit never puts into a bundle"
                report.failed(CONTENT, "layout-unknown", text, shown)
        for name in self.tree.sizes:
            if names.is_runnable(name) and name != layout.PAGE:
                text = f"`{escape(name)}` could be run by opening it; a bundle holds no program"
                report.failed(CONTENT, "runnable", text, escape(name))


_CODES = ("bag-", "file-", "layout-", "runnable")
