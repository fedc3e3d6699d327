"""The further files that a container names: extents and parents, only from its own folder.

Names inside a container are chosen by whoever made it. Of a path only the last part is used; the
file must lie beside the container and be a regular file, no link. A copy that evkit made has
neutral names, `image.vmdk` and `image-001.vmdk`: there the order stands for the names.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Protocol

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILES = 4096
PARENT = "parent"
EXTENT = "extent"


class Files(Protocol):
    """Tells which file a name stands for; asked once for each, in the order of the image."""

    taken: list[bytes]
    remarks: list[str]

    def take(self, names: Sequence[bytes], what: str) -> bytes:
        """Return the path of the next file of the image.

        Args:
            names: how the container calls it, spellings in order of preference.
            what: `extent`, `parent`; for people.

        Raises:
            InputError: it is not there.
        """


class Beside:
    """Looks for each file beside the container.

    Args:
        path: the container.
    """

    def __init__(self, path: bytes) -> None:
        self.taken = [path]
        self.remarks: list[str] = []
        self._folder, name = os.path.split(path)
        self._stem = os.path.splitext(name)[0]

    def take(self, names: Sequence[bytes], what: str) -> bytes:
        """Return the path of the next file; see `Files`."""
        _need_room(self.taken)
        lasts = [last for name in names if (last := _last_part(name))]
        found = next((path for last in lasts if (path := self._regular(last))), None)
        if found is None:
            found = self._neutral()
        if found is None:
            raise _missing(names, what, self._folder)
        if found in self.taken:
            raise InputError(f"`{escape_bytes(found)}` is named twice by the image, as its {what}")
        self.taken.append(found)
        self.remarks += _remarks(self.taken, names[0], what, same=os.path.basename(found) in names)
        return found

    def _regular(self, name: bytes) -> bytes | None:
        path = os.path.join(self._folder, name)
        try:
            mode = os.lstat(path).st_mode
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(mode):
            raise InputError(
                f"`{escape_bytes(path)}`, which the image needs, is no regular file",
                hint="evkit follows no link that lies beside an image; put the file itself there",
            )
        return path

    def _neutral(self) -> bytes | None:
        """Return `image-001.…` beside `image.…`, whatever its extension."""
        prefix = self._stem + b"-%03d." % len(self.taken)
        try:
            found = sorted(n for n in os.listdir(self._folder or b".") if n.startswith(prefix))
        except OSError:
            return None
        return self._regular(found[0]) if len(found) == 1 else None


class Given:
    """Hands out files that are known already.

    Args:
        paths: all files of the image in order.
    """

    def __init__(self, paths: Sequence[bytes]) -> None:
        self.taken = [paths[0]]
        self.remarks: list[str] = []
        self._left = list(paths[1:])

    def take(self, names: Sequence[bytes], what: str) -> bytes:
        """Return the path of the next file; see `Files`."""
        _need_room(self.taken)
        if not self._left:
            raise _missing(names, what, os.path.dirname(self.taken[0]))
        self.taken.append(self._left.pop(0))
        self.remarks += _remarks(self.taken, names[0], what, same=True)
        return self.taken[-1]


def _need_room(taken: Sequence[bytes]) -> None:
    if len(taken) >= MAX_FILES:
        raise InputError(f"the image names over {MAX_FILES} files")


def _last_part(name: bytes) -> bytes:
    """Return the last part of a Unix or Windows path; nothing where it is no file name."""
    last = name.replace(b"\\", b"/").rpartition(b"/")[2].rpartition(b":")[2]
    return b"" if last in {b"", b".", b".."} or b"\0" in last else last


def _remarks(taken: Sequence[bytes], name: bytes, what: str, *, same: bool) -> list[str]:
    """Say what a file was read as; names of files are left out, a copy has others."""
    if what == PARENT:
        text = f"the container holds only what differs from its parent `{escape_bytes(name)}`"
        return [f"{text}; file {len(taken)} of the image was read as that parent"]
    if same:
        return []
    return [f"the {what} `{escape_bytes(name)}` was read from file {len(taken)} of the image"]


def _missing(names: Sequence[bytes], what: str, folder: bytes) -> InputError:
    shown = escape_bytes(names[0]) if names else ""
    return InputError(
        f"the {what} `{shown}` of the image is not beside it",
        hint="bring all files of the image into one folder; evkit reads them from there only, "
        "wherever the container says that they are",
        details={"looked in": escape_bytes(folder or b".")},
    )
