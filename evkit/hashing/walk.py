"""Walking trees by bytes in a stable order, never through a link.

Names of a folder are sorted as bytes, and a folder's content stands where its name sorts. The walk
needs no stat: the type comes with the folder entry.
"""

from __future__ import annotations

import os
import stat
from operator import attrgetter
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.hashing.reading import reason
from evkit.hashing.rows import FOLDER, SPECIAL, SYMLINK, UNREADABLE, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_NAME = attrgetter("name")


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
        for item in stack[-1]:
            if isinstance(item, os.DirEntry):
                stack.append(_listing(item.path))
                break
            yield item
        else:
            stack.pop()


def _listing(folder: bytes) -> Iterator[bytes | Row | os.DirEntry[bytes]]:
    """Return the content of one folder in order; a DirEntry stands for a folder to go into."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=_NAME)
    except OSError as error:
        return iter([Row(folder, FOLDER, UNREADABLE, error=reason(error))])
    return iter([_item(entry) for entry in found])


def _item(entry: os.DirEntry[bytes]) -> bytes | Row | os.DirEntry[bytes]:
    try:
        if entry.is_file(follow_symlinks=False):
            return entry.path
        if entry.is_dir(follow_symlinks=False):
            return entry
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError as error:
        return Row(entry.path, SPECIAL, UNREADABLE, error=reason(error))
    return _other(entry.path, mode) or entry.path


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
