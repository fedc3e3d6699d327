"""Directory entries as nearly all of them are, in one pass over each (child only).

Files and directories in use with all four times and a name in UTF-8, in the file systems that disks
have most. What is said of them is what `Names` and the driver say of any entry, in a third
of the time; whatever is not like that is left to these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory import dircheck, native, times
from evkit.inventory.names import quote, text_field
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
_MOST = 256  # rows that are sent together


class Usual:
    """Gives the rows of usual entries of one volume.

    Args:
        volume: the file system.
        names: writes what the names of a directory have in common.
        collect: gives a record whose streams are wanted.
        all_streamed: those of directories are wanted too.
    """

    def __init__(
        self,
        volume: Volume,
        names: Names,
        collect: Callable[[Native, Native, int, Answer], None],
        *,
        all_streamed: bool,
    ) -> None:
        self._ntfs = volume.kind == "ntfs"
        self._applies = self._ntfs or (volume.kind in dircheck.DOTTED and not volume.has_sequence)
        self._names = names
        self._collect = collect
        self._all_streamed = all_streamed
        self._head = f'{{"allocated":true,"fs":{volume.job.fs},"gid":'
        self._tail = f',"zone":"{volume.zone}"}}'
        self._parent = self._after = ""
        self._inode = 0
        self._rows: list[str] = []

    def begin(self, folder: Folder) -> bool:
        """Begin a directory; False when none of its entries can be usual."""
        self._rows = []
        prefix = self._names.prefix(folder)
        if not self._applies or not prefix or not folder.allocated:
            return False
        self._inode = folder.inode
        number = f',"parent_seq":{folder.seq}' if self._ntfs else ""
        self._parent = f',"parent":{folder.inode}{number},"path":"{prefix}'
        self._after = f'{self._names.resolution("abcm")},"row":"name","seq":'
        return True

    def take(self, file: Native, out: Answer) -> bool:
        """Give the row of an entry and what it leads to; False when it is not a usual one."""
        info = file.info
        entry, meta = info.name, info.meta
        raw = entry.name
        if meta is None or not raw or raw in _DOTS or meta.link:
            return False
        kind = _KINDS.get((entry.type, meta.type))
        if kind is None or not entry.flags & meta.flags & native.META_ALLOCATED:
            return False
        inode, links, stamps = entry.meta_addr, meta.nlink, times.usual(meta)
        if inode != meta.addr or not 0 <= inode <= MAX_INODE or links < 0 or not stamps:
            return False
        try:
            name = quote(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return False
        more = self._more(file, inode) if self._ntfs else ("", 0, "")
        if more is None:
            return False
        after, seq, short = more
        self._rows.append(
            f'{self._head}{meta.gid},"inode":{inode},"links":{links},"mode":{meta.mode & 0o7777}'
            f',"name":{name}{after}{self._parent}{name[1:]}{self._after}{seq}{short},"state":"ok"'
            f',"times":{{{stamps}}},"type":"{kind}","uid":{meta.uid}{self._tail}'
        )
        if kind == "file" or self._all_streamed:
            self._collect(file, meta, inode, out)
        if kind == "directory":
            out.folder(inode, seq, raw, allocated=True)
        if len(self._rows) >= _MOST:
            self.flush(out)
        return True

    def _more(self, file: Native, inode: int) -> tuple[str, int, str] | None:
        """Return what NTFS adds: fields behind the name, sequence number, fields behind that."""
        info = file.info
        entry = info.name
        seq, named, short = info.meta.seq, entry.meta_seq, entry.shrt_name
        if seq != named:
            return None
        after = self._names.name_times(self._inode, file, inode, bytes(entry.name))
        return (
            f',"name_seq":{named}{after}', seq,
            f",{text_field('short', bytes(short))}" if short else "",
        )  # fmt: skip

    def flush(self, out: Answer) -> None:
        """Send what was collected."""
        if self._rows:
            out.line("\n".join(self._rows).encode())
            self._rows = []
