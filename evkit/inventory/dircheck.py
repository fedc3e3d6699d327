"""Whether a directory shows what it must hold: libtsk passes over what it cannot read (child only).

Every directory of ext and UFS, and every one of FAT but the root, begins with an entry for itself;
where another block stands in its place there is none. In FAT directories the entries in use are
counted, because libtsk leaves out those whose size or cluster cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory import native

if TYPE_CHECKING:
    from evkit.inventory.driver import Folder
    from evkit.inventory.native import Native
    from evkit.inventory.volume import Volume

DOTTED = frozenset({"ext2", "ext3", "ext4", "ufs1", "ufs1b", "ufs2"})
_FAT = frozenset({"fat12", "fat16", "fat32"})
_ENTRY = 32
_ATTRIBUTES, _LONG_NAME = 11, 0x0F
_END, _DELETED = 0, 0xE5
_MOST = 64 << 20  # bytes of a FAT directory; it may have 2 MiB


class Check:
    """Watches the listing of one directory.

    Args:
        volume: the file system.
        folder: the directory.
    """

    def __init__(self, volume: Volume, folder: Folder) -> None:
        self._volume = volume
        self._inode = folder.inode
        real = folder.allocated and not folder.most
        self._fat = real and volume.kind in _FAT
        self._dotted = real and (volume.kind in DOTTED or (self._fat and folder.depth > 0))
        self._used = 0
        self.needed = self._fat or self._dotted

    def saw(self, entry: Native) -> None:
        """Take an entry that was listed."""
        if not int(entry.flags) & native.NAME_ALLOCATED:
            return
        if self._dotted and entry.name == b"." and int(entry.meta_addr) == self._inode:
            self._dotted = False
        virtual = int(entry.type) in {native.META_VIRTUAL, native.META_VIRTUAL_DIRECTORY}
        self._used += not virtual

    def wrong(self) -> str:
        """Say what is missing after the last entry, empty when nothing is."""
        if self._dotted:
            return "it has no entry for itself"
        if not self._fat:
            return ""
        try:
            file = self._volume.handle.open_meta(self._inode)
            size = min(int(file.info.meta.size), _MOST)
            count = used_entries(file.read_random(0, size) if size else b"")
        except native.ERRORS as error:
            return native.clean(error)
        passed = count - self._used
        return f"{passed} of {count} entries are impossible and not listed" if passed > 0 else ""


def used_entries(data: bytes) -> int:
    """Count the entries in use of a FAT directory, pieces of long names left aside."""
    count = 0
    for at in range(0, len(data) - _ENTRY + 1, _ENTRY):
        first = data[at]
        if first == _END:
            break
        long_name = data[at + _ATTRIBUTES] & 0x3F == _LONG_NAME
        count += first != _DELETED and not long_name
    return count
