"""`evkit hash`: digests of files and folders, written as a list."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.core import clock, durable, ejson
from evkit.core.errors import ExitCode, UsageError
from evkit.core.progress import SILENT
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.hashing.digests import WEAK
from evkit.hashing.lists import formats
from evkit.hashing.rows import FILE, OK, SPECIAL, SYMLINK, Row, to_fields
from evkit.hashing.tree_hash import Plan, hash_tree
from evkit.hashing.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.core.progress import Progress

SCHEMA = "evkit/hash/1"
_CHUNK = 1 << 20
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to digest and how to write it.

    Attributes:
        paths: files and folders.
        algorithms: digests to make.
        form: list format, one of `formats.WRITABLE`.
        output: the list file to create, or None for the sink.
        relative: hashdeep lists keep the names as given instead of absolute ones.
        jobs: worker processes.
        rows: keep the rows in the result instead of writing a list.
    """

    paths: tuple[bytes, ...]
    algorithms: tuple[str, ...]
    form: str = "hashdeep"
    output: bytes | None = None
    relative: bool = False
    jobs: int = 1
    rows: bool = False


@dataclass(kw_only=True)
class HashResult:
    """What was digested.

    Attributes:
        request: the request.
        tally: rows by (type, state).
        size: bytes digested.
        problems: rows that are not `ok`.
        rows: all rows when the request keeps them.
        list_sha256: digest of the list file that was created, or None.
    """

    request: Request
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    size: int = 0
    problems: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    list_sha256: str | None = None

    @property
    def exit_code(self) -> int:
        """3 when something could not be read, else 0."""
        return int(ExitCode.INCOMPLETE if self.problems else ExitCode.OK)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        result: dict[str, Any] = {
            "schema": SCHEMA,
            "result": "incomplete" if self.problems else "complete",
            "algorithms": list(self.request.algorithms),
            "files": self.files,
            "bytes": self.size,
            "links": self.tally[SYMLINK, OK],
            "special": self.tally[SPECIAL, OK],
            "unreadable": len(self.problems),
        }
        if self.request.output is not None:
            result["list"] = {
                "path": escape_bytes(self.request.output),
                "format": self.request.form,
                "sha256": self.list_sha256,
            }
        shown = self.rows if self.request.rows else self.problems
        result["rows"] = [to_fields(row, row.path) for row in shown]
        return result

    @property
    def files(self) -> int:
        """Files with digests."""
        return self.tally[FILE, OK]

    def lines(self) -> list[str]:
        """Return what goes to stdout: nothing beside a list that went there itself."""
        if self.request.output is None or self.request.rows:
            return []
        name = escape_bytes(self.request.output)
        return [f"{self.summary()}; list `{name}` sha256:{self.list_sha256}"]

    def summary(self) -> str:
        """Return the counts in one line."""
        parts = [f"digested files: {self.files:,} of {in_words(self.size)}"]
        links, special = self.tally[SYMLINK, OK], self.tally[SPECIAL, OK]
        if links or special:
            parts.append(f"not followed: {links:,} links, {special:,} special files")
        if self.problems:
            parts.append(f"unreadable: {len(self.problems):,}")
        return "; ".join(parts)

    def remarks(self) -> Iterator[str]:
        """Yield what a person should know besides the list, escaped."""
        for row in self.problems[:_SHOWN]:
            yield f"{row.state}: `{escape_bytes(row.path)}`: {row.error or 'changed while read'}"
        if len(self.problems) > _SHOWN:
            yield f"and {len(self.problems) - _SHOWN:,} more unreadable names"
        lost = len(self.problems) + self.tally[SYMLINK, OK] + self.tally[SPECIAL, OK]
        if self.request.form == "bagit" and lost:
            yield f"a BagIt manifest holds readable files only; names left out: {lost:,}"
        if set(self.request.algorithms) <= WEAK:
            yield "MD5 and SHA-1 alone match or not; they say nothing about tampering"


def run(request: Request, sink: Callable[[bytes], None], progress: Progress = SILENT) -> HashResult:
    """Digest everything under the paths and write the list.

    Args:
        request: what and how.
        sink: takes the bytes of the list when no file is named.
        progress: told the bytes.

    Raises:
        UsageError: the format cannot hold these digests, or takes one path only.
        InputError: a path does not exist.
        RefusedError: the list file exists.
    """
    formats.check_algorithms(request.form, request.algorithms)
    result = HashResult(request=request)
    if request.output is None or request.rows:
        _digest(request, result, sink, progress)
        return result
    checksum = hashlib.sha256()
    with durable.NewFile(request.output) as handle:
        kept = bytearray()

        def write(data: bytes) -> None:
            kept.extend(data)
            if len(kept) >= _CHUNK:
                flush()

        def flush() -> None:
            checksum.update(kept)
            handle.write(kept)
            kept.clear()

        _digest(request, result, write, progress, without=os.path.abspath(handle.part))
        flush()
        handle.commit()
    result.list_sha256 = checksum.hexdigest()
    return result


def _digest(
    request: Request,
    result: HashResult,
    write: Callable[[bytes], None],
    progress: Progress,
    *,
    without: bytes | None = None,
) -> None:
    roots, strip = _roots(request)
    encode = formats.ListEncoder(form=request.form, algorithms=request.algorithms, strip=strip)
    plan = Plan(
        algorithms=request.algorithms,
        jobs=request.jobs,
        encode=None if request.rows else encode,
    )
    if not request.rows:
        write(formats.header(request.form, request.algorithms, _said()))
    items = (item for item in walk(roots) if not _is(item, without))
    for part in hash_tree(items, plan, progress, total=_total(roots)):
        write(part.data)
        result.tally += part.tally
        result.size += part.size
        result.problems += [row for row in part.rows if row.state != OK]
        if request.rows:
            result.rows += part.rows


def _is(item: bytes | Row, without: bytes | None) -> bool:
    """Say whether an item of the walk is the list that is being written."""
    if without is None or isinstance(item, Row) or not item.endswith(durable.PART.encode()):
        return False
    return os.path.abspath(item) == without


def _roots(request: Request) -> tuple[list[bytes], bytes]:
    """Return the paths to walk and what to take off the names: absolute as hashdeep has them."""
    if request.form == "hashdeep" and not request.relative and not request.rows:
        return [_absolute(path) for path in request.paths], b""
    if request.form != "bagit" or request.rows:
        return list(request.paths), b""
    if len(request.paths) != 1:
        raise UsageError(
            "a BagIt manifest is made of one folder", hint="name the `data` folder of the bag"
        )
    path = os.path.abspath(request.paths[0])
    return [path], os.path.join(os.path.dirname(path), b"")


def _absolute(path: bytes) -> bytes:
    """Return an absolute name; links on the way to it are resolved, the last one is not."""
    if path.endswith(b"/"):
        return os.path.realpath(path)
    whole = os.path.abspath(path)
    return os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))


def _said() -> list[str]:
    """Return the comment lines of a hashdeep list."""
    return [f"Made by evkit {__version__} at {clock.now().local()}"]


def _total(roots: list[bytes]) -> int | None:
    """Return the bytes to read when only files are named."""
    total = 0
    for root in roots:
        with contextlib.suppress(OSError):
            value = os.lstat(root)
            if os.path.isdir(root):
                return None
            total += value.st_size
    return min(total, ejson.MAX_INT)
