"""The audit of a tree against a list: seven categories, each name in exactly one.

ok, modified, moved, copied, new, missing, unreadable. Pure: rows in, findings out.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import ExitCode, InputError, worst
from evkit.core.text import escape_bytes
from evkit.hashing.rows import CHANGED, FILE, FOLDER, OK, SYMLINK, UNREADABLE, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CATEGORIES = ("ok", "modified", "moved", "copied", "new", "missing", "unreadable")
NOT_COMPARED = "not-compared"  # links and special files when the list has no way to name them
_STRONGEST = ("sha512", "sha256", "sha1", "md5")


class Finding(NamedTuple):
    """What the audit says about one name.

    Attributes:
        category: one of `CATEGORIES`, or `NOT_COMPARED`.
        path: absolute path of the file, or where the list says that it should be.
        known: the name in the list, None when it is not there.
        expected: digests of the list.
        found: digests of the file.
        detail: a short remark for people, escaped.
    """

    category: str
    path: bytes
    known: bytes | None = None
    expected: Mapping[str, str] = {}
    found: Mapping[str, str] = {}
    detail: str | None = None


def compare(
    known: Mapping[bytes, Row], found: Mapping[bytes, Row], *, typed: bool
) -> list[Finding]:
    """Compare the rows of a list with those of a tree.

    Args:
        known: rows of the list by absolute path; `Row.path` is the name in the list.
        found: rows of the tree by absolute path.
        typed: the list can name links and special files.

    Returns:
        One finding per name, sorted by path. Every row of both sides is in one.
    """
    return sorted(_Audit(known, found, typed=typed).findings(), key=lambda finding: finding.path)


def by_place(pairs: Iterable[tuple[bytes, Row]]) -> dict[bytes, Row]:
    """Return rows of a list by absolute path.

    Raises:
        InputError: two names of the list mean one file and differ in content.
    """
    result: dict[bytes, Row] = {}
    for path, row in pairs:
        other = result.setdefault(path, row)
        if other is not row and other._replace(path=row.path) != row:
            raise InputError(
                f"the list gives two contents for `{escape_bytes(path)}`",
                hint="audit with a list in which each file stands once",
            )
    return result


def exit_code(counts: Mapping[str, int]) -> int:
    """Return 0, 3 (something could not be read) or 4 (something differs); 4 wins."""
    differs = any(counts.get(name) for name in CATEGORIES if name not in {OK, UNREADABLE})
    return worst(
        ExitCode.FAILED_CHECK if differs else ExitCode.OK,
        ExitCode.INCOMPLETE if counts.get(UNREADABLE) else ExitCode.OK,
    )


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings in each category, all categories present."""
    tally = Counter(finding.category for finding in findings)
    return {name: tally[name] for name in (*CATEGORIES, NOT_COMPARED)}


class _Audit:
    """The state of one comparison."""

    def __init__(
        self, known: Mapping[bytes, Row], found: Mapping[bytes, Row], *, typed: bool
    ) -> None:
        self.known = known
        self.found = found
        self.typed = typed
        self.absent = {path for path in known if path not in found}
        self.index: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self.free: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        for path in sorted(known, reverse=True):
            for item in known[path].digests.items():
                self.index[item].append(path)
                if path in self.absent:
                    self.free[item].append(path)

    def findings(self) -> Iterator[Finding]:
        for path in sorted(self.found):
            row = self.found[path]
            if path in self.known:
                yield self._same_name(path, self.known[path], row)
            else:
                yield self._other_name(path, row)
        yield from self._missing()

    def _same_name(self, path: bytes, known: Row, row: Row) -> Finding:
        base = Finding(OK, path, known.path, known.digests, row.digests)
        unsure = _unsure(row)
        if unsure:
            return base._replace(category=UNREADABLE, detail=unsure)
        if known.type != row.type:
            return self._other_type(base, known, row)
        if row.type == SYMLINK:
            same = known.target in {None, row.target}
            return base if same else base._replace(category="modified", detail="target differs")
        if row.type != FILE:
            return base
        if not known.digests:
            return base._replace(category=UNREADABLE, detail="the list holds no digest of it")
        return base if _equal(known, row) else base._replace(category="modified")

    def _other_type(self, base: Finding, known: Row, row: Row) -> Finding:
        if known.type == FILE and row.type == SYMLINK and not self.typed:
            behind = self.found.get(os.path.realpath(base.path))
            if behind is not None and behind.type == FILE and not _unsure(behind):
                category = OK if _equal(known, behind) else "modified"
                return base._replace(
                    category=category, found=behind.digests, detail="read through the link"
                )
        return base._replace(category="modified", detail=f"was a {known.type}, is a {row.type}")

    def _other_name(self, path: bytes, row: Row) -> Finding:
        unsure = _unsure(row)
        if unsure:
            return Finding(UNREADABLE, path, found=row.digests, detail=unsure)
        if row.type != FILE:
            return Finding("new" if self.typed else NOT_COMPARED, path, detail=row.type)
        origin = self._origin(row)
        if origin is None:
            return Finding("new", path, found=row.digests)
        known = self.known[origin]
        moved = origin in self.absent
        self.absent.discard(origin)
        return Finding("moved" if moved else "copied", path, known.path, known.digests, row.digests)

    def _origin(self, row: Row) -> bytes | None:
        """Return where the list has this content: an absent name first. Empty files have none."""
        if not row.size:
            return None
        for item in ((name, row.digests[name]) for name in _STRONGEST if name in row.digests):
            free = self.free[item]
            while free and free[-1] not in self.absent:
                free.pop()
            for path in itertools.chain(reversed(free), reversed(self.index[item])):
                if _equal(self.known[path], row):
                    return path
        return None

    def _missing(self) -> Iterator[Finding]:
        closed = tuple(
            path + b"/"
            for path, row in self.found.items()
            if row.type == FOLDER and row.state == UNREADABLE
        )
        for path in sorted(self.absent):
            row = self.known[path]
            if row.type == FOLDER:
                continue
            hidden = bool(closed) and path.startswith(closed)
            yield Finding(
                UNREADABLE if hidden else "missing",
                path,
                row.path,
                row.digests,
                detail="its folder cannot be listed" if hidden else None,
            )


def _unsure(row: Row) -> str | None:
    """Return why nothing can be said about a row of the tree, None when something can."""
    if row.state == UNREADABLE:
        return row.error or "cannot be read"
    return "changed while it was read" if row.state == CHANGED else None


def _equal(known: Row, row: Row) -> bool:
    """Say whether size and every digest that both sides hold agree, at least one of them."""
    if known.size is not None and known.size != row.size:
        return False
    common = known.digests.keys() & row.digests.keys()
    return bool(common) and all(known.digests[name] == row.digests[name] for name in common)
