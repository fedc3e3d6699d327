"""APFS through libfsapfs: names, contents, extended attributes of one volume of a container.

libfsapfs gives what is in use; deleted files, earlier states (snapshots) and encrypted volumes it
does not, and each of them is said.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.core.text import escape_bytes
from evkit.inventory import native, times
from evkit.inventory.foreign import apfsobjects
from evkit.inventory.foreign.content import MAX_SIZE, Content, Placed, place_extents
from evkit.inventory.foreign.model import MAX_BROKEN, Entry, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.native import Native
    from evkit.inventory.tsk import Image
    from evkit.inventory.volume import Job

_ROOT = 2
_LINK, _COMPRESSED = "com.apple.fs.symlink", "com.apple.decmpfs"
_FORK = "com.apple.ResourceFork"
_TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character-device", stat.S_IFBLK: "block-device", stat.S_IFSOCK: "socket",
}  # fmt: skip
_WHITEOUT = 0o160000
_MADE, _MODIFIED = "get_creation_time_as_integer", "get_modification_time_as_integer"
_TIMES = {
    "a": "get_access_time_as_integer",
    "b": _MADE,
    "c": "get_inode_change_time_as_integer",
    "m": _MODIFIED,
}
_LIMIT = 2**63 - 1
_NAMED = 20  # snapshots that get a row of their own


class ApfsFiles:
    """One volume of an APFS container.

    Args:
        job: the request.
        image: the medium.
        member: number of the volume in the container, from 1.

    Raises:
        InputError: the container cannot be opened.
    """

    kind = "apfs"

    def __init__(self, job: Job, image: Image, member: int) -> None:
        import pyfsapfs

        self._job, self._member = job, member
        self._slice = Slice(image, job.offset, job.size)
        self._container = apfsobjects.open_container(self._slice.at)
        self._about: apfsobjects.Volume | None = None
        self._problem: tuple[str, str, str] | None = None
        self._native = pyfsapfs.container()
        self._volume: Native = None
        self._getters = dict(_TIMES)
        if not self._container.volumes:
            return
        try:
            self._about = apfsobjects.open_volume(self._slice.at, self._container, member - 1)
        except (InputError, IndexError) as error:
            self._problem = ("damaged", "not-readable", _text(error))
            return
        if self._about.encrypted:
            text = "APFS volume with FileVault or hardware encryption: not readable without its key"
            self._problem = ("encrypted", "apfs-volume", text)
            return
        try:
            self._native.open_file_object(self._slice)
            self._volume = self._native.get_volume(member - 1)
            locked = self._volume.is_locked()
        except native.ERRORS as error:
            self._problem = ("damaged", "not-readable", native.clean(error))
            return
        if self._volume.identifier != self._about.identifier:
            self._problem = ("damaged", "not-readable", "libfsapfs takes another volume for this")
        elif locked:
            self._problem = ("encrypted", "apfs-volume", "libfsapfs finds the volume locked")
        else:
            self._getters = self._which_is_which()

    def _which_is_which(self) -> dict[str, str]:
        """Say which function of libfsapfs gives which time.

        Version 20260921 gives the time of creation as that of modification and the other way round.
        The root directory's record itself decides; where it cannot, they are taken as exchanged.
        """
        exchanged = _TIMES | {"b": _MODIFIED, "m": _MADE}
        try:
            root = self._volume.get_root_directory()
            made, modified, _, _ = apfsobjects.stored_times(
                self._slice.at, self._container, self._member - 1, int(root.get_identifier())
            )
            said = int(getattr(root, _MADE)()), int(getattr(root, _MODIFIED)())
        except (*native.ERRORS, InputError):
            return exchanged
        return _TIMES if said == (made, modified) != (modified, made) else exchanged

    @property
    def readable(self) -> bool:
        """Whether there is anything to list."""
        return self._volume is not None and self._problem is None

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message."""
        size = self._container.block_size
        facts: dict[str, Any] = {
            "type": self.kind,
            "size": min(self._container.blocks * size, MAX_SIZE),
            "block_size": size,
            "blocks": min(self._container.blocks, MAX_SIZE),
            "root": _ROOT,
            "zone": times.UTC,
            "state": "ok",
        }
        if not self._container.volumes:
            return facts | {"reason": "holds-no-files", "detail": "a container without volumes"}
        facts["member"] = self._member
        if self._about is not None:
            facts |= {"identifier": self._about.identifier, **to_fields(self._about.name, "label")}
        if facts["size"] > self._slice.get_size():
            facts |= {"state": "damaged", "reason": "beyond-end-of-image"}
            missing = facts["size"] - self._slice.get_size()
            facts["detail"] = f"{missing} of {facts['size']} bytes are missing"
        if self._problem is not None:
            state, reason, detail = self._problem
            facts |= {"state": state, "reason": reason, "detail": detail}
        return facts

    def missed(self) -> list[dict[str, Any]]:
        """Return an error row for each snapshot: what they kept is not listed."""
        if not self.readable or self._about is None or not self._about.snapshots:
            return []
        row = {"row": "error", "fs": self._job.fs, "stage": "volume", "reason": "snapshot-not-read"}
        try:
            found = apfsobjects.snapshots(self._slice.at, self._container, self._about)
        except InputError as error:
            text = f"{self._about.snapshots} snapshots; {error.message}"
            return [{**row, "detail": text}]
        rows = [{**row, "detail": f"snapshot {escape_bytes(item.name)}"} for item in found[:_NAMED]]
        left = self._about.snapshots - len(rows)
        if left > 0:
            rows.append({**row, "detail": f"{left} more snapshots"})
        return rows

    def root(self) -> Entry:
        """Return the root directory."""
        return self._entry(self._volume.get_root_directory(), b"")

    def entries(self, inode: int) -> Iterator[Entry]:
        """Yield the names in a directory."""
        folder = self._volume.get_file_entry_by_identifier(inode)
        broken = 0
        for number in range(folder.get_number_of_sub_file_entries()):
            try:
                found = folder.get_sub_file_entry(number)
                yield self._entry(found, _bytes(found.get_name()))
            except native.ERRORS as error:
                broken += 1
                if broken > MAX_BROKEN:
                    raise
                yield Entry(inode=inode, problem=native.clean(error))

    def free(self) -> None:
        """Return nothing: the volumes of a container share its free space."""
        return

    def seq(self, inode: int) -> int:  # noqa: ARG002 - APFS has no sequence numbers
        """Return 0."""
        return 0

    def contents(self, inode: int) -> Iterator[Content]:
        """Yield the data of a regular file and every extended attribute but a link's target."""
        entry = self._volume.get_file_entry_by_identifier(inode)
        attributes = [
            entry.get_extended_attribute(number)
            for number in range(entry.get_number_of_extended_attributes())
        ]
        names = {attribute.get_name() for attribute in attributes}
        if stat.S_IFMT(entry.get_file_mode()) == stat.S_IFREG:
            yield self._data(entry, compressed=_COMPRESSED in names)
        for number, attribute in enumerate(attributes, 1):
            name = attribute.get_name()
            if name != _LINK:
                yield self._attribute(attribute, number, name)

    def _data(self, entry: Native, *, compressed: bool) -> Content:
        size = int(entry.get_size())
        placed = Placed([], 0, []) if compressed else self._extents(entry, size)
        return Content(
            attr=native.HFS_DATA,
            attr_id=0,
            size=size,
            extents=placed.extents,
            left_out=placed.left_out,
            behind=placed.behind,
            flags=frozenset({"compressed"} if compressed else ()),
            read=lambda offset, length: entry.read_buffer_at_offset(length, offset),
        )

    def _attribute(self, attribute: Native, number: int, name: str) -> Content:
        size = int(attribute.get_size())
        placed = self._extents(attribute, size)
        return Content(
            attr=native.HFS_RESOURCE if name == _FORK else native.HFS_EXTENDED,
            attr_id=number,
            name=_bytes(name),
            size=size,
            extents=placed.extents,
            left_out=placed.left_out,
            behind=placed.behind,
            flags=frozenset({"resident"} if size and not placed.extents else ()),
            read=lambda offset, length: attribute.read_buffer_at_offset(length, offset),
        )

    def _extents(self, thing: Native, size: int) -> Placed:
        parts = (thing.get_extent(number) for number in range(thing.get_number_of_extents()))
        return place_extents(parts, self._job.offset, size)

    def _entry(self, found: Native, name: bytes) -> Entry:
        mode = int(found.get_file_mode())
        kind = stat.S_IFMT(mode)
        fields: dict[str, Any] = {
            "mode": mode & 0o7777,
            "uid": int(found.get_owner_identifier()),
            "gid": int(found.get_group_identifier()),
            "links": max(int(found.get_number_of_links() or 0), 0),
        }
        moments = {key: int(getattr(found, get)() or 0) for key, get in self._getters.items()}
        kept = {key: str(value) for key, value in moments.items() if value and abs(value) <= _LIMIT}
        if kept:
            fields |= {"times": kept, "zone": times.UTC, "resolution": dict.fromkeys(kept, 1)}
        target = found.get_symbolic_link_target() if kind == stat.S_IFLNK else None
        if target is not None:
            fields |= to_fields(_bytes(target), "target")
        place = 0
        if kind == stat.S_IFREG and found.get_number_of_extents():
            place = int(found.get_extent(0)[0])
        return Entry(
            inode=int(found.get_identifier()),
            name=name,
            type="whiteout" if kind == _WHITEOUT else _TYPES.get(kind, "unknown"),
            fields=fields,
            place=place,
            size=int(found.get_size() or 0) if kind == stat.S_IFREG else 0,
        )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(error: Exception) -> str:
    return error.message if isinstance(error, InputError) else "the container has fewer volumes"
