"""Digests that an export states of its own files, compared with what was read.

A stream keeps its own digests whatever a statement says: a file in the evidence must not be able to
take them away. What differs is an `error` row and a count in the `export` row of the statement.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.core.text import escape_bytes
from evkit.hashing.digests import ALGORITHMS
from evkit.hashing.reading import open_evidence
from evkit.inventory.archives.packages import packages_of
from evkit.inventory.archives.statements import statement_of
from evkit.inventory.trees.placeholders import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evkit.inventory.archives.claims import Claim
    from evkit.inventory.archives.packages import Package

_ERRORS = 1000  # error rows of one statement; the counts are whole
_REMEMBERED = 200_000  # streams that come before their statement
_STEP = 1 << 20
_TOP = 4 << 30  # bytes of a statement


class _Export:
    """One statement, or one recognised package, with what became of it."""

    def __init__(
        self, kind: str, path: bytes, claim: Claim | None = None, detail: str = ""
    ) -> None:
        self.kind, self.path, self.claim, self.detail = kind, path, claim, detail
        self.inode = 0
        self.agreed = self.differing = self.missing = self.unchecked = 0
        self.stated = len(claim.digests) + claim.left_out if claim else 0


class Stated:
    """Collects statements and digests of one tree or one archive.

    Args:
        hashes: digests that are made of every stream.
        fs: number of the file system.
        known: of an archive, where a statement may come after the files it speaks of: returns the
            number of the member of a name, or 0.
    """

    def __init__(
        self, hashes: Sequence[str], fs: int = 1, known: Callable[[bytes], int] | None = None
    ) -> None:
        self._hashes = tuple(hashes)
        self._fs, self._known = fs, known
        self._exports: list[_Export] = []
        self._by_path: dict[bytes, _Export] = {}
        self._claims: dict[bytes, list[tuple[_Export, str, str]]] = {}
        self._inodes: dict[bytes, int] = {}
        self._seen: dict[bytes, tuple[int, Mapping[str, str]]] = {}
        self._errors: list[dict[str, Any]] = []

    def folder(self, real: bytes, shown: bytes, names: Sequence[bytes]) -> None:
        """Look at the names of a folder before its files are read."""
        for name in names:
            if statement_of(name) is not None:
                self.file(os.path.join(real, name), shown + b"/" + name)
        for package in packages_of(names):
            self.package(package._replace(name=shown + b"/" + package.name))

    def file(self, real: bytes, shown: bytes) -> None:
        """Read a file when its name says that it may state digests; what fails is said later."""
        reader = statement_of(shown)
        if reader is None:
            return
        try:
            if is_placeholder(os.lstat(real)):
                return
            descriptor = open_evidence(real)
            try:
                at = 0
                while at < _TOP and (block := os.read(descriptor, _STEP)):
                    reader.feed(block)
                    at += len(block)
            finally:
                os.close(descriptor)
        except OSError:
            return
        self.claim(shown, reader.close())

    def package(self, package: Package) -> None:
        """Take a package that states no digests; its name is the whole path."""
        if package.name not in self._by_path:
            export = _Export(package.kind, package.name, None, package.detail)
            export.missing = package.missing
            self._by_path[package.name] = export
            self._exports.append(export)

    def claim(self, path: bytes, claim: Claim | None) -> None:
        """Take what the file at `path` states."""
        if claim is None:
            return
        export = _Export(claim.kind, path, claim, claim.detail)
        export.unchecked = claim.left_out + len(claim.unstated)
        self._exports.append(export)
        self._by_path[path] = export
        base = path.rpartition(b"/")[0]
        for name, algorithm, value in claim.digests:
            there = base + b"/" + name if base or path.startswith(b"/") else name
            self._claims.setdefault(there, []).append((export, algorithm, value))

    def numbered(self, path: bytes, inode: int) -> None:
        """Take the number of an entry."""
        if self._exports and inode:
            export = self._by_path.get(path)
            if export is not None:
                export.inode = inode
            if path in self._claims:
                self._inodes.setdefault(path, inode)

    def claims(self, path: bytes) -> bool:
        """Say whether something states a digest of a file."""
        return path in self._claims

    def wanted(self, path: bytes) -> tuple[str, ...]:
        """Return the digests that must be made of a file besides those of every file."""
        claims = self._claims.get(path)
        if not claims:
            return ()
        asked = {algorithm for _, algorithm, _ in claims}
        return tuple(name for name in ALGORITHMS if name in asked - set(self._hashes))

    def saw(self, path: bytes, digests: Mapping[str, str], inode: int = 0) -> None:
        """Take the digests of a stream that was read whole."""
        claims = self._claims.pop(path, None)
        if claims is None:
            if self._known is not None and len(self._seen) < _REMEMBERED:
                self._seen.setdefault(path, (inode, digests))
            return
        number = self._inodes.get(path, inode)
        for export, algorithm, value in claims:
            found = digests.get(algorithm)
            if found is None:
                export.unchecked += 1
            elif found == value:
                export.agreed += 1
            else:
                export.differing += 1
                detail = f"{algorithm} is {found}, `{escape_bytes(export.path)}` states {value}"
                self._error(export, "differs-from-stated", path, detail, number)

    def finish(self) -> Iterator[dict[str, Any]]:
        """Yield the error rows and a row for each export."""
        for path in [path for path in self._claims if path in self._seen]:
            inode, digests = self._seen[path]
            self.saw(path, digests, inode)
        for path, claims in self._claims.items():
            there = self._known(path) if self._known is not None else self._inodes.get(path, 0)
            for export, _, _ in claims:
                if there:
                    export.unchecked += 1
                    continue
                export.missing += 1
                if export.kind == "cellebrite-ufd":
                    detail = f"`{escape_bytes(export.path)}` states a digest of it"
                    self._error(export, "stated-file-missing", path, detail, 0)
        yield from self._errors
        for export in self._exports:
            yield self._row(export)

    def _error(self, export: _Export, reason: str, path: bytes, detail: str, inode: int) -> None:
        if export.differing + export.missing > _ERRORS:
            return
        row: dict[str, Any] = {
            "row": "error", "fs": self._fs, "stage": "stated", "reason": reason,
            **to_fields(self._shown(path)), "detail": detail,
        }  # fmt: skip
        self._errors.append(row | ({"inode": inode} if inode else {}))

    def _row(self, export: _Export) -> dict[str, Any]:
        row: dict[str, Any] = {
            "row": "export", "fs": self._fs, "inode": export.inode, "kind": export.kind,
            **to_fields(self._shown(export.path)), "stated": export.stated, "agreed": export.agreed,
            "differing": export.differing, "missing": export.missing,
            "unchecked": export.unchecked, "state": "ok",
        }  # fmt: skip
        if export.claim is not None and export.claim.tool:
            row["tool"] = export.claim.tool
        if export.detail:
            row["detail"] = export.detail
        if export.differing:
            row |= {"state": "damaged", "reason": "differs-from-stated"}
        elif export.missing:
            row |= {"state": "damaged", "reason": "parts-missing"}
        elif export.stated and not export.agreed:
            row |= {"state": "skipped", "reason": "not-checked"}
        return row

    def _shown(self, path: bytes) -> bytes:
        """Return a path as the name rows have it."""
        return path if self._known is None else b"/" + path.removeprefix(b"/")
