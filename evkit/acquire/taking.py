"""Taking in files: each thing below the given paths, its facts, its content copied and digested.

Links and special files are facts, never followed or opened. What cannot be read is a row. A file
whose length, times or identity move while it is read is `changed`: its digest is of no one state.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import engine
from evkit.core import durable
from evkit.core.aligned import AlignedWriter
from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.hashing.digests import MultiDigest
from evkit.hashing.pieces import PieceHasher, PieceTree
from evkit.hashing.reading import open_evidence, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LARGE = 8 << 20  # from here on with the threads of the engine
PIECES_OVER = 1 << 20
FILE, SYMLINK, SPECIAL, FOLDER = "file", "symlink", "special", "dir"
OK, UNREADABLE, CHANGED = "ok", "unreadable", "changed"
_KINDS = (
    (stat.S_ISFIFO, "fifo"), (stat.S_ISSOCK, "socket"), (stat.S_ISBLK, "block device"),
    (stat.S_ISCHR, "character device"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing on the way: where it is, its name in the record, its facts if they can be had."""

    path: bytes
    name: bytes
    type: str
    facts: os.stat_result | None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """The content of one file as read.

    Attributes:
        state: `ok`, `unreadable` or `changed`.
        size, digests: of what was read; nothing when unreadable.
        pieces: piece tree of a file over 1 MiB.
        reason: why it is not `ok`.
    """

    state: str
    size: int = 0
    digests: dict[str, str] | None = None
    pieces: PieceTree | None = None
    reason: str | None = None


def survey(paths: Sequence[bytes]) -> Iterator[Found]:
    """Yield everything below the paths, folders first, names of a folder sorted as bytes.

    The name in the record starts with the last part of the given path; where two paths end alike,
    all names are whole paths.

    Raises:
        InputError: a path does not exist.
    """
    absolute = [os.path.abspath(path) for path in paths]
    ends = [os.path.basename(path) for path in absolute]
    distinct = len(set(ends)) == len(ends) and all(ends)
    for path, end in zip(absolute, ends, strict=True):
        try:
            os.lstat(path)
        except OSError as error:
            raise InputError(
                f"cannot read `{escape_bytes(path)}`: {error.strerror or error}",
                hint="check the name; give the path of a file or folder that exists",
            ) from error
        yield from _below(path, end if distinct else path.lstrip(b"/"))


def _below(top: bytes, name: bytes) -> Iterator[Found]:
    stack = [(top, name)]
    while stack:
        path, shown = stack.pop()
        found = look(path, shown)
        if found.type != FOLDER:
            yield found
            continue
        try:
            children = sorted(names_in(path), reverse=True)
        except OSError as error:
            yield Found(path=path, name=shown, type=FOLDER, facts=found.facts, error=reason(error))
            continue
        yield found
        stack += [(os.path.join(path, child), shown + b"/" + child) for child in children]


def names_in(folder: bytes) -> list[bytes]:
    """Return the names in a folder; its access time is left alone where the system allows it."""
    if os.listdir not in os.supports_fd:
        return os.listdir(folder)
    descriptor = open_evidence(folder)
    try:
        return [os.fsencode(name) for name in os.listdir(descriptor)]
    finally:
        os.close(descriptor)


def look(path: bytes, name: bytes) -> Found:
    """Return what a path is; a link is itself, and without facts there is an error."""
    try:
        facts = os.lstat(path)
    except OSError as error:
        return Found(path=path, name=name, type=SPECIAL, facts=None, error=reason(error))
    if stat.S_ISREG(facts.st_mode):
        kind = FILE
    elif stat.S_ISDIR(facts.st_mode):
        kind = FOLDER
    else:
        kind = SYMLINK if stat.S_ISLNK(facts.st_mode) else SPECIAL
    return Found(path=path, name=name, type=kind, facts=facts)


def special_kind(facts: os.stat_result) -> str:
    """Name what kind of special file this is."""
    return next((text for test, text in _KINDS if test(facts.st_mode)), "special file")


def take(
    path: bytes, target: bytes | None, names: Sequence[str], *, reread: bool = False
) -> Content:
    """Read one file once, copy it to `target` when there is one, digest it on the way.

    Args:
        path: a regular file of the source.
        target: the new file; removed again when the source cannot be read to its end.
        names: digest algorithms.
        reread: read the source a second time and compare.

    Raises:
        StorageError: the target could not be written. What is wrong with the source is in the
            answer.
    """
    try:
        descriptor = open_evidence(path)
    except OSError as error:
        return Content(state=UNREADABLE, reason=reason(error))
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Content(state=UNREADABLE, reason="it is no longer a regular file")
        content = _read(descriptor, before.st_size, target, names)
        if content.state == OK:
            content = _settled(path, descriptor, before, content)
        if content.state == OK and reread:
            content = _again(descriptor, content, names)
        return content
    finally:
        os.close(descriptor)


class _Descriptor:
    """The engine's view of a file: read in order, errors pass through."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._at = 0

    def fill(self, view: memoryview) -> int:
        filled = 0
        while filled < len(view):
            count = os.preadv(self._fd, [view[filled:]], self._at)
            if not count:
                break
            filled += count
            self._at += count
        return filled


def _read(descriptor: int, size: int, target: bytes | None, names: Sequence[str]) -> Content:
    writer = AlignedWriter(target, size, direct=size >= LARGE) if target is not None else None
    try:
        content = (_large if size >= LARGE else _small)(descriptor, writer, names)
        if writer is not None:
            writer.finish()
            with durable.storage_errors(writer.path):
                os.chmod(writer.path, 0o444)
    except OSError as error:
        if writer is not None:
            writer.close()
            with durable.storage_errors(writer.path):
                os.unlink(writer.path)
        return Content(state=UNREADABLE, reason=reason(error))
    finally:
        if writer is not None:
            writer.close()
    return content


def _large(descriptor: int, writer: AlignedWriter | None, names: Sequence[str]) -> Content:
    outcome = engine.read_all(_Descriptor(descriptor), engine.Order(names=names, target=writer))
    tree = outcome.pieces if outcome.size > PIECES_OVER else None
    return Content(state=OK, size=outcome.size, digests=dict(outcome.digests), pieces=tree)


def _small(descriptor: int, writer: AlignedWriter | None, names: Sequence[str]) -> Content:
    digest, tree, size = MultiDigest(names), PieceHasher(), 0
    while block := os.pread(descriptor, 1 << 20, size):
        size += len(block)
        digest.update(block)
        tree.update(block)
        if writer is not None:
            writer.write(block)
    pieces = tree.finish() if size > PIECES_OVER else None
    return Content(state=OK, size=size, digests=digest.digests(), pieces=pieces)


def _settled(path: bytes, descriptor: int, before: os.stat_result, content: Content) -> Content:
    """Compare the facts before and after; also whether the name still means this file."""
    after = os.fstat(descriptor)
    changed = [
        text
        for text, differs in (
            ("its size", before.st_size != after.st_size or content.size != after.st_size),
            ("its time of modification", before.st_mtime_ns != after.st_mtime_ns),
            ("its time of change", before.st_ctime_ns != after.st_ctime_ns),
            ("the file of that name", not _same(path, after)),
        )
        if differs
    ]
    if not changed:
        return content
    return _changed(content, f"{', '.join(changed)} changed while it was read")


def _same(path: bytes, facts: os.stat_result) -> bool:
    try:
        now = os.lstat(path)
    except OSError:
        return False
    return (now.st_dev, now.st_ino) == (facts.st_dev, facts.st_ino)


def _again(descriptor: int, content: Content, names: Sequence[str]) -> Content:
    try:
        second = _large(descriptor, None, names)
    except OSError as error:
        return _changed(content, f"the second reading failed: {reason(error)}")
    if (second.size, second.digests) != (content.size, content.digests):
        return _changed(content, "a second reading gave other content")
    return content


def _changed(content: Content, why: str) -> Content:
    return Content(
        state=CHANGED,
        size=content.size,
        digests=content.digests,
        pieces=content.pieces,
        reason=why,
    )


def name_folder(part: bytes, folder: bytes) -> None:
    """Give a finished folder its name; its files are durable already.

    Raises:
        RefusedError: the name is taken.
        StorageError: the destination fails.
    """
    durable.fsync_dir(part)
    with durable.storage_errors(folder):
        if os.path.lexists(folder):
            raise FileExistsError(17, "exists", folder)
        durable.step("rename", folder)
        os.rename(part, folder)
        durable.fsync_dir(os.path.dirname(folder))
