"""Name rows of a file system: one for each directory entry, deleted ones included (child only).

The rows are written as canonical text at once, field by field in order of their names: an object
that is sorted and encoded costs three times as much, and there are millions of them.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from evkit.core.paths import to_fields
from evkit.inventory import native, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.driver import Folder
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
quote = encode_basestring
_LONGEST = 4096  # bytes of a link's target (PATH_MAX)
_FIXED = 66  # bytes of $FILE_NAME before the name, which has at most 255 units of two bytes


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


def text_field(key: str, raw: bytes) -> str:
    """Return `"key":"text"`, and `"key_b64":…` behind it when the bytes are not UTF-8."""
    try:
        return f'"{key}":{quote(raw.decode("utf-8"))}'
    except UnicodeDecodeError:
        return ",".join(f'"{name}":{quote(value)}' for name, value in to_fields(raw, key).items())


class Names:
    """Writes the name rows of one volume; what they repeat is made once.

    Args:
        volume: the file system.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._fs = volume.job.fs
        self._zone = f',"zone":"{volume.zone}"'
        self._steps: dict[str, str] = {}
        self._shown: tuple[bytes, str] = (b"", "")

    def row(
        self,
        folder: Folder,
        file: Native,
        meta: Native,
        reallocated: str | None,
        why: str = "",
    ) -> tuple[bytes, bool]:
        """Return the row of a directory entry, and whether it is one that libtsk made up.

        Args:
            folder: the directory it stands in.
            file: pytsk3's File with the name.
            meta: the metadata record the name belongs to, None when there is none.
            reallocated: `no`, `yes`, `unknown` for deleted names, None for names in use.
            why: reason for which a name in use is not right.
        """
        volume, entry = self._volume, file.info.name
        name, label = display_name(volume, entry)
        kind = int(entry.type)
        flags = ["volume-label"] if label else []
        virtual = kind in {native.META_VIRTUAL, native.META_VIRTUAL_DIRECTORY}
        if virtual:
            flags.append("virtual")
        link = _target(file, meta) if meta is not None else b""
        record = self._record(meta, flags, _NAME_TYPES.get(kind, "unknown"), link)
        after_name = after_parent = short = ""
        if volume.has_sequence:
            after_name = f',"name_seq":{int(entry.meta_seq)}'
            after_parent = f',"parent_seq":{folder.seq}'
        if meta is not None and volume.kind == "ntfs":
            after_name += self.name_times(folder.inode, file, int(entry.meta_addr), name)
        if entry.shrt_name:
            short = "," + text_field("short", bytes(entry.shrt_name))
        return self._text(
            (folder, name, int(entry.meta_addr)),
            record,
            (after_name, after_parent, short),
            reallocated,
            why,
        ), virtual

    def name_times(self, parent: int, file: Native, inode: int, name: bytes) -> str:
        """Return the times that NTFS keeps with a name, with their comma."""
        records = self._volume.records
        contents = None if records is None else records.file_names(inode)
        if contents is None:
            contents = _file_names(file)
        return _file_name_times(contents, parent, name)

    def root(self, meta: Native) -> bytes:
        """Return the row of the root directory, which has no name of its own."""
        head, steps, seq, tail = self._record(meta, [], "directory", b"")
        number = self._volume.root
        return (
            f'{{"allocated":true{head[0]},"fs":{self._fs}{head[1]},"inode":{number}{head[2]}'
            f',"name":"","parent":{number},"path":"/"{steps},"row":"name"{seq},"state":"ok"{tail}}}'
        ).encode()

    def _record(
        self, meta: Native, flags: list[str], kind: str, link: bytes
    ) -> tuple[tuple[str, str, str], str, str, str]:
        """Return what a row holds of a metadata record, in the pieces between its other fields."""
        if meta is None:
            return (_flags(flags), "", ""), "", "", f',"type":"{kind}"'
        volume = self._volume
        letters, values, lost = times.text_of(meta)
        if lost:
            flags.append("time-out-of-range")
        tail = "," + text_field("target", link) if link else ""
        zone = steps = ""
        if letters:
            tail += f',"times":{{{values}}}'
            zone = self._zone
            steps = self._steps.get(letters) or self.resolution(letters)
        kind = _META_TYPES.get(int(meta.type), kind)
        links = meta.nlink
        return (
            (
                _flags(flags) if flags else "",
                f',"gid":{meta.gid}',
                f',"links":{max(0, links)},"mode":{int(meta.mode) & 0o7777}',
            ),
            steps,
            f',"seq":{meta.seq}' if volume.has_sequence else ',"seq":0',
            f'{tail},"type":"{kind}","uid":{meta.uid}{zone}',
        )

    def resolution(self, letters: str) -> str:
        """Return the field `resolution` of these times, with its comma."""
        steps = self._volume.resolution
        values = ",".join(f'"{key}":{steps.get(key, times.SECOND)}' for key in letters)
        self._steps[letters] = text = f',"resolution":{{{values}}}'
        return text

    def _text(
        self,
        place: tuple[Folder, bytes, int],
        record: tuple[tuple[str, str, str], str, str, str],
        more: tuple[str, str, str],
        reallocated: str | None,
        why: str,
    ) -> bytes:
        folder, name, inode = place
        head, steps, seq, tail = record
        after_name, after_parent, short = more
        named = text_field("name", name)
        shown = self.prefix(folder)
        if shown and named.find('"name_b64":') < 0:
            path = f'"path":"{shown}{named[8:]}'
        else:
            path = text_field("path", folder.child(name))
        used = "true" if reallocated is None else "false"
        gone = "" if reallocated is None else f',"reallocated":"{reallocated}"'
        state = "damaged" if why else "ok"
        if why == "record-not-readable":
            state = "unreadable"
        reason = f',"reason":"{why}"' if why else ""
        return (
            f'{{"allocated":{used}{head[0]},"fs":{self._fs}{head[1]},"inode":{inode}{head[2]},'
            f'{named}{after_name},"parent":{folder.inode}{after_parent},{path}{gone}{reason}{steps}'
            f',"row":"name"{seq}{short},"state":"{state}"{tail}}}'
        ).encode()

    def prefix(self, folder: Folder) -> str:
        """Return what the text of all paths in a directory begins with, empty when that varies."""
        path, shown = self._shown
        if path != folder.path:
            try:
                shown = quote(folder.child(b"").decode("utf-8"))[1:-1]
            except UnicodeDecodeError:
                shown = ""
            self._shown = (folder.path, shown)
        return shown


def _flags(flags: list[str]) -> str:
    if not flags:
        return ""
    return ',"flags":[' + ",".join(f'"{flag}"' for flag in sorted(flags)) + "]"


def _target(file: Native, meta: Native) -> bytes:
    """Return where a symbolic link leads; libtsk reads no target that lies in extents (ext4)."""
    if meta.link:
        return bytes(meta.link)
    if int(meta.type) != native.META_LINK or not 0 < int(meta.size) <= _LONGEST:
        return b""
    try:
        found = bytes(file.read_random(0, int(meta.size)))
    except native.ERRORS:
        return b""
    return found if len(found) == int(meta.size) else b""


def _file_names(file: Native) -> list[bytes]:
    """Return the contents of all `$FILE_NAME` attributes that libtsk gives."""
    found: list[bytes] = []
    try:
        for attribute in list(file):
            info = attribute.info
            if int(info.type) == native.NTFS_FILE_NAME and info.size <= _FIXED + 510:
                size, number = int(info.size), int(info.id)
                found.append(file.read_random(0, size, native.NTFS_FILE_NAME, number))
    except native.ERRORS:
        pass
    return found


def _file_name_times(contents: Sequence[bytes], parent: int, name: bytes) -> str:
    """Return the times of the `$FILE_NAME` attribute that holds this name in this directory."""
    where = parent.to_bytes(8, "little")
    if where[6:] != b"\0\0":  # references have 48 bits
        return ""
    found = [one for one in contents if len(one) >= _FIXED and one.startswith(where[:6])]
    best = ""
    for content in found:
        if len(found) > 1:
            text = content[_FIXED : _FIXED + 2 * content[64]].decode("utf-16-le", "replace")
            if text.encode("utf-8", "replace") == name:
                best = times.file_name_times(content)
                break
        best = best or times.file_name_times(content)
    return f',"name_times":{{{best}}}' if best else ""
