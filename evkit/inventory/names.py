"""Name rows of a file system: one for each directory entry, deleted ones included (child only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.inventory import native, times

if TYPE_CHECKING:
    from evkit.inventory.native import Native
    from evkit.inventory.volume import Volume

LABEL_SUFFIX = b" (Volume Label Entry)"
_META_TYPES = {
    1: "file", 2: "directory", 3: "fifo", 4: "character-device", 5: "block-device", 6: "symlink",
    8: "socket", 9: "whiteout", 10: "file", 11: "directory",
}  # fmt: skip
_NAME_TYPES = {
    1: "fifo", 2: "character-device", 3: "directory", 4: "block-device", 5: "file", 6: "symlink",
    7: "socket", 9: "whiteout", 10: "file", 11: "directory",
}  # fmt: skip
_FIXED = 66  # bytes of $FILE_NAME before the name, which has at most 255 units of two bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that is listed: metadata address, sequence number, path, in use or deleted.

    `most` is a limit on its entries, 0 for none; libtsk's made-up directory of orphans has one.
    """

    inode: int
    seq: int
    path: bytes
    allocated: bool
    depth: int
    most: int = 0

    def child(self, name: bytes) -> bytes:
        """Return the path of an entry."""
        return self.path + name if self.path == b"/" else self.path + b"/" + name


def display_name(volume: Volume, entry: Native) -> tuple[bytes, bool]:
    """Return the name as stored, and True when it is a FAT volume label.

    libtsk adds words to the name of a volume label; such an entry can hold clusters, and does in a
    published test image, so it is not left aside.
    """
    name = bytes(entry.name or b"")
    if (
        volume.kind.startswith("fat")
        and name.endswith(LABEL_SUFFIX)
        and not (entry.shrt_name or b"")
    ):
        return name[: -len(LABEL_SUFFIX)].rstrip(b" "), True
    return name, False


def name_row(
    volume: Volume,
    folder: Folder,
    file: Native,
    meta: Native,
    reallocated: str | None,
) -> dict[str, Any]:
    """Build the row of one directory entry.

    Args:
        volume: the file system.
        folder: the directory it stands in.
        file: pytsk3's File with the name.
        meta: the metadata record the name belongs to, None when there is none.
        reallocated: `no`, `yes`, `unknown` for deleted names, None for names in use.
    """
    entry = file.info.name
    name, label = display_name(volume, entry)
    row: dict[str, Any] = {
        "row": "name",
        "fs": volume.job.fs,
        "inode": int(entry.meta_addr),
        **to_fields(folder.child(name)),
        **to_fields(name, "name"),
        "parent": folder.inode,
        "type": _NAME_TYPES.get(int(entry.type), "unknown"),
        "allocated": reallocated is None,
        "state": "ok",
    }
    if volume.has_sequence:
        row["parent_seq"] = folder.seq
        row["name_seq"] = int(entry.meta_seq)
    if reallocated is not None:
        row["reallocated"] = reallocated
    if entry.shrt_name:
        row |= to_fields(bytes(entry.shrt_name), "short")
    flags = {"volume-label"} if label else set()
    if int(entry.type) in {native.META_VIRTUAL, native.META_VIRTUAL_DIRECTORY}:
        flags.add("virtual")
    if meta is not None:
        _add_record(volume, row, meta, flags)
        if volume.kind == "ntfs":
            found = _file_name_times(file, folder.inode, name)
            if found:
                row["name_times"] = found
    if flags:
        row["flags"] = sorted(flags)
    return row


def root_row(volume: Volume, meta: Native) -> dict[str, Any]:
    """Build the row of the root directory, which has no name of its own."""
    row: dict[str, Any] = {
        "row": "name",
        "fs": volume.job.fs,
        "inode": volume.root,
        "path": "/",
        "name": "",
        "parent": volume.root,
        "type": "directory",
        "allocated": True,
        "state": "ok",
    }
    flags: set[str] = set()
    if meta is not None:
        _add_record(volume, row, meta, flags)
    if flags:
        row["flags"] = sorted(flags)
    return row


def _add_record(volume: Volume, row: dict[str, Any], meta: Native, flags: set[str]) -> None:
    found, lost = times.times_of(meta)
    if lost:
        flags.add("time-out-of-range")
    row["seq"] = int(meta.seq) if volume.has_sequence else 0
    row["type"] = _META_TYPES.get(int(meta.type), row["type"])
    row["mode"] = int(meta.mode) & 0o7777
    row["uid"] = int(meta.uid)
    row["gid"] = int(meta.gid)
    row["links"] = max(int(meta.nlink), 0)
    if found:
        row["times"] = found
        row["zone"] = volume.zone
        row["resolution"] = {key: volume.resolution.get(key, times.SECOND) for key in found}
    if meta.link:
        row |= to_fields(bytes(meta.link), "target")


def _file_name_times(file: Native, parent: int, name: bytes) -> dict[str, str]:
    """Return the times of the `$FILE_NAME` attribute that holds this name in this directory."""
    best: dict[str, str] = {}
    try:
        for attribute in list(file):
            info = attribute.info
            if int(info.type) != native.NTFS_FILE_NAME or not _FIXED <= info.size <= _FIXED + 510:
                continue
            content = file.read_random(0, int(info.size), native.NTFS_FILE_NAME, int(info.id))
            if int.from_bytes(content[:6], "little") != parent:
                continue
            text = content[_FIXED : _FIXED + 2 * content[64]].decode("utf-16-le", "replace")
            if text.encode("utf-8", "replace") == name:
                return times.file_name_times(content)
            best = best or times.file_name_times(content)
    except native.ERRORS:
        return best
    return best
