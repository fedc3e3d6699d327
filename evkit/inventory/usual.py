"""Directory entries as nearly all of them are, in one pass over each (child only).

Files and directories in use with all four times and a name in UTF-8, on file systems without
sequence numbers. What is said of them is what `Names` and the driver say of any entry, in a third
of the time; whatever is not like that is left to these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory import dircheck, native, times
from evkit.inventory.names import quote
from evkit.inventory.volume import MAX_INODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.driver import Answer, Folder
    from evkit.inventory.names import Names
    from evkit.inventory.native import Native
    from evkit.inventory.volume import Volume

_DOTS = frozenset({b".", b".."})
_KINDS = {
    (5, native.META_REGULAR): "file",
    (native.NAME_DIRECTORY, native.META_DIRECTORY): "directory",
}
_SECOND, _LATEST = times.SECOND, times.LIMIT
_MOST = 256  # rows that are sent together


class Usual:
    """Gives the rows of usual entries of one volume.

    Args:
        volume: the file system.
        names: writes what the names of a directory have in common.
        collect: gives the record of a file.
    """

    def __init__(
        self, volume: Volume, names: Names, collect: Callable[[Native, Native, int, Answer], None]
    ) -> None:
        self._applies = volume.kind in dircheck.DOTTED and not volume.has_sequence
        self._names = names
        self._collect = collect
        self._head = f'{{"allocated":true,"fs":{volume.job.fs},"gid":'
        self._parent = self._after = ""
        self._tail = f',"zone":"{volume.zone}"}}'
        self._rows: list[str] = []

    def begin(self, folder: Folder) -> bool:
        """Begin a directory; False when none of its entries can be usual."""
        self._rows = []
        prefix = self._names.prefix(folder)
        if not self._applies or not prefix or not folder.allocated:
            return False
        self._parent = f',"parent":{folder.inode},"path":"{prefix}'
        self._after = f'{self._names.resolution("abcm")},"row":"name","seq":0,"state":"ok","times":'
        return True

    def take(self, file: Native, out: Answer) -> bool:
        """Give the row of an entry and what it leads to; False when it is not a usual one."""
        info = file.info
        entry, meta = info.name, info.meta
        raw = entry.name
        if meta is None or not raw or raw in _DOTS or entry.shrt_name or meta.link:
            return False
        kind = _KINDS.get((entry.type, meta.type))
        if kind is None or not entry.flags & meta.flags & native.META_ALLOCATED:
            return False
        inode, links = entry.meta_addr, meta.nlink
        if inode != meta.addr or not 0 <= inode <= MAX_INODE or links < 0:
            return False
        accessed = meta.atime * _SECOND + meta.atime_nano
        born = meta.crtime * _SECOND + meta.crtime_nano
        changed = meta.ctime * _SECOND + meta.ctime_nano
        modified = meta.mtime * _SECOND + meta.mtime_nano
        if not (0 < accessed <= _LATEST and 0 < born <= _LATEST):
            return False
        if not (0 < changed <= _LATEST and 0 < modified <= _LATEST):
            return False
        try:
            name = quote(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return False
        self._rows.append(
            f'{self._head}{meta.gid},"inode":{inode},"links":{links},"mode":{meta.mode & 0o7777}'
            f',"name":{name}{self._parent}{name[1:]}{self._after}{{"a":"{accessed}","b":"{born}"'
            f',"c":"{changed}","m":"{modified}"}},"type":"{kind}","uid":{meta.uid}{self._tail}'
        )
        if kind == "file":
            self._collect(file, meta, inode, out)
        else:
            out.folder(inode, 0, raw, allocated=True)
        if len(self._rows) >= _MOST:
            self.flush(out)
        return True

    def flush(self, out: Answer) -> None:
        """Send what was collected."""
        if self._rows:
            out.line("\n".join(self._rows).encode())
            self._rows = []
