"""Walking trees by bytes in a stable order, never through a link.

Names of a folder are sorted as bytes, and a folder's content stands where its name sorts. The walk
needs no stat: the type comes with the folder entry.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.hashing.reading import reason
from evkit.hashing.rows import FOLDER, SPECIAL, SYMLINK, UNREADABLE, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def walk(roots: Sequence[bytes]) -> Iterator[bytes | Row]:
    """Yield the path of each regular file, and a row for each name that is something else.

    Links and special files are rows of their type; a folder that cannot be listed is a row
    `unreadable`. Roots are taken in the order given.

    Raises:
        InputError: a root does not exist.
    """
    for root in roots:
        yield from _walk_root(root)


def _walk_root(root: bytes) -> Iterator[bytes | Row]:
    try:
        mode = os.lstat(root).st_mode
        if root.endswith(b"/") and stat.S_ISLNK(mode):
            mode = os.stat(root).st_mode
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(root)}`: {error.strerror or error}",
            hint="give the path of a file or folder that exists",
        ) from error
    if not stat.S_ISDIR(mode):
        yield _other(root, mode) or root
        return
    stack = [_listing(root)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, os.DirEntry):
            stack.append(_listing(item.path))
        else:
            yield item


def _listing(folder: bytes) -> Iterator[bytes | Row | os.DirEntry[bytes]]:
    """Yield the content of one folder in order; a DirEntry stands for a folder to go into."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=_name)
    except OSError as error:
        yield Row(folder, FOLDER, UNREADABLE, error=reason(error))
        return
    for entry in found:
        try:
            if entry.is_file(follow_symlinks=False):
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                yield entry
            else:
                mode = entry.stat(follow_symlinks=False).st_mode
                yield _other(entry.path, mode) or entry.path
        except OSError as error:
            yield Row(entry.path, SPECIAL, UNREADABLE, error=reason(error))


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _other(path: bytes, mode: int) -> Row | None:
    """Return the row of a link or special file, None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    if not stat.S_ISLNK(mode):
        return Row(path, SPECIAL)
    try:
        return Row(path, SYMLINK, target=os.readlink(path))
    except OSError as error:
        return Row(path, SYMLINK, UNREADABLE, error=reason(error))
