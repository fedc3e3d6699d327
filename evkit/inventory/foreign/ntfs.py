"""NTFS with clusters over 64 KiB through libfsntfs: names, streams, deleted records.

The library gives names in use from the indexes, and of deleted files what their records still say.
It does not give deleted entries of an index whose record is used again, the numbers of attributes
(they are counted in their order), nor the content of reparse points and extended attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.inventory import native, times
from evkit.inventory.foreign.content import MAX_SIZE, READ, Content, place_extents
from evkit.inventory.foreign.model import MAX_BROKEN, Entry, Slice
from evkit.inventory.volumes import detect
from evkit.inventory.volumes.freeruns import FreeMap, bitmap_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.native import Native
    from evkit.inventory.tsk import Image
    from evkit.inventory.volume import Job

ROOT, _BITMAP = 5, 6
_INDEX = (1 << 48) - 1
_COMPRESSED, _ENCRYPTED, _SPARSE = 0x800, 0x4000, 0x200
_STANDARD, _FILE_NAME, _DOS = 0x10, 0x30, 2
_UNREAD = {0xC0: "$REPARSE_POINT", 0xD0: "$EA_INFORMATION", 0xE0: "$EA",
           0x100: "$LOGGED_UTILITY_STREAM"}  # fmt: skip
_LIMIT = 2**63 - 1
_MAX_DELETED = 5_000_000
_TIMES = (
    ("a", "get_access_time_as_integer"),
    ("b", "get_creation_time_as_integer"),
    ("c", "get_entry_modification_time_as_integer"),
    ("m", "get_modification_time_as_integer"),
)
_ORPHANS = b"$OrphanFiles"


class NtfsFiles:
    """An NTFS volume.

    Args:
        job: the request.
        image: the medium.
    """

    kind = "ntfs"

    def __init__(self, job: Job, image: Image) -> None:
        import pyfsntfs

        self._job = job
        self._slice = Slice(image, job.offset, job.size)
        self._head = self._slice.at(0, 512)
        self._native = pyfsntfs.volume()
        self._problem = ""
        self._deleted: dict[int, list[tuple[int, int]]] | None = None
        self._records = 0
        self.readable = True
        try:
            self._native.open_file_object(self._slice)
            self._records = int(self._native.get_number_of_file_entries())
        except native.ERRORS as error:
            self._problem = native.clean(error)
            self.readable = False

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message."""
        sector = int.from_bytes(self._head[11:13], "little")
        size = int.from_bytes(self._head[40:48], "little") * sector
        block = detect.ntfs_cluster_size(self._head)
        facts: dict[str, Any] = {
            "type": self.kind,
            "size": min(size, MAX_SIZE),
            "block_size": max(block, 1),
            "blocks": min(size // max(block, 1), MAX_SIZE),
            "root": ROOT,
            "zone": times.UTC,
            "resolution": dict.fromkeys("abcm", 100),
            "state": "ok",
        }
        if self._problem:
            return facts | {"state": "damaged", "reason": "not-readable", "detail": self._problem}
        facts |= {"first_inode": 0, "last_inode": min(max(self._records - 1, 0), MAX_SIZE)}
        if size > self._slice.get_size():
            missing = size - self._slice.get_size()
            facts |= {"state": "damaged", "reason": "beyond-end-of-image"}
            facts["detail"] = f"{missing} of {size} bytes are missing"
        return facts

    def missed(self) -> list[dict[str, Any]]:
        """Return nothing: what the library cannot give is said where it is missing."""
        return []

    def root(self) -> Entry:
        """Return the root directory."""
        return self._entry(self._native.get_root_directory(), b"", None)

    def entries(self, inode: int) -> Iterator[Entry]:
        """Yield the names in a directory, in use first; the root has the directory of orphans."""
        if inode == self._records and self._records:
            yield from self._orphans()
            return
        folder = self._native.get_file_entry(inode)
        if folder.is_allocated():
            yield from self._in_use(folder)
        for number, index in self._deleted_in().get(_reference(folder), ()):
            yield from self._named(number, index)
        if inode == ROOT:
            yield Entry(inode=self._records, name=_ORPHANS, type="directory", virtual=True)

    def seq(self, inode: int) -> int:
        """Return the sequence number of a record."""
        return int(self._native.get_file_entry(inode).get_file_reference()) >> 48

    def contents(self, inode: int) -> Iterator[Content]:
        """Yield the data streams of a record, and what of it cannot be read."""
        entry = self._native.get_file_entry(inode)
        bits = int(entry.get_file_attribute_flags() or 0)
        basis = "allocated" if entry.is_allocated() else "deleted-runs-recorded"
        count = 0
        if entry.has_default_data_stream():
            yield self._content(entry, count, None, bits, basis)
            count += 1
        for number in range(entry.get_number_of_alternate_data_streams()):
            stream = entry.get_alternate_data_stream(number)
            name = _bytes(stream.get_name())
            listed = inode == 8 and name == b"$Bad"  # noqa: PLR2004 - $BadClus
            yield self._content(stream, count, name, 0, basis, listed=listed)
            count += 1
        for number in range(entry.get_number_of_attributes()):
            attribute = entry.get_attribute(number)
            kind = int(attribute.get_attribute_type())
            if kind in _UNREAD:
                yield Content(
                    attr=kind, attr_id=number, size=int(attribute.get_data_size()), basis=basis,
                    read=_nothing, refusal=("unsupported", "attribute-not-given"),
                )  # fmt: skip

    def free(self) -> FreeMap:
        """Return which clusters are free."""
        unit = max(detect.ntfs_cluster_size(self._head), 1)
        sector = int.from_bytes(self._head[11:13], "little")
        total = int.from_bytes(self._head[40:48], "little") * sector // unit
        return FreeMap(0, unit, bitmap_runs(self._bitmap((total + 7) // 8), total))

    def _bitmap(self, size: int) -> Iterator[bytes]:
        try:
            entry, at = self._native.get_file_entry(_BITMAP), 0
            while at < size:
                chunk = bytes(entry.read_buffer_at_offset(min(READ, size - at), at))
                if not chunk:
                    raise InputError("the map of free clusters ends too early")
                at += len(chunk)
                yield chunk
        except native.ERRORS as error:
            text = f"the map of free clusters is not readable: {native.clean(error)}"
            raise InputError(text) from error

    def _content(
        self, stream: Native, number: int, name: bytes | None, bits: int, basis: str,
        *, listed: bool = False,
    ) -> Content:  # fmt: skip
        size = int(stream.get_size())
        parts = [stream.get_extent(k) for k in range(stream.get_number_of_extents())]
        flags = {
            word
            for bit, word in (
                (_COMPRESSED, "compressed"),
                (_ENCRYPTED, "encrypted"),
                (_SPARSE, "sparse"),
            )
            if bits & bit
        }
        if size and not parts:
            flags.add("resident")
        placed = place_extents(parts, self._job.offset, size)
        return Content(
            attr=native.NTFS_DATA,
            attr_id=number,
            name=name,
            size=size,
            extents=placed.extents,
            left_out=placed.left_out,
            behind=placed.behind,
            flags=frozenset(flags),
            basis=basis,
            refusal=("skipped", "bad-cluster-list") if listed else None,
            read=lambda offset, length: stream.read_buffer_at_offset(length, offset),
        )

    def _in_use(self, folder: Native) -> Iterator[Entry]:
        parent = int(folder.get_file_reference()) & _INDEX
        broken = 0
        for number in range(folder.get_number_of_sub_file_entries()):
            try:
                found = folder.get_sub_file_entry(number)
                if int(found.get_file_reference()) & _INDEX == ROOT == parent:
                    continue  # the root lists itself as `.`
                yield self._entry(found, _bytes(found.get_name()), parent)
            except native.ERRORS as error:
                broken += 1
                if broken > MAX_BROKEN:
                    raise
                yield Entry(inode=parent, problem=native.clean(error))

    def _named(self, number: int, index: int) -> Iterator[Entry]:
        """Yield a deleted record under the name of its attribute `index`."""
        found = self._native.get_file_entry(number)
        attribute = found.get_attribute(index)
        parent = int(attribute.get_parent_file_reference()) & _INDEX
        yield self._entry(found, _bytes(attribute.get_name()), parent)

    def _deleted_in(self) -> dict[int, list[tuple[int, int]]]:
        """Return (record, attribute) of deleted names by the reference of their directory."""
        if self._deleted is None:
            self._deleted = {}
            count = 0
            for number in range(self._records):
                for index, parent in self._old_names(number):
                    self._deleted.setdefault(parent, []).append((number, index))
                    count += 1
                if count >= _MAX_DELETED:
                    break
        return self._deleted

    def _old_names(self, number: int) -> list[tuple[int, int]]:
        """Return (attribute, directory) for each name of a record that is not in use."""
        try:
            found = self._native.get_file_entry(number)
            if found.is_empty() or found.is_allocated():
                return []
            names = []
            for index in range(found.get_number_of_attributes()):
                attribute = found.get_attribute(index)
                if attribute.get_attribute_type() != _FILE_NAME:
                    continue
                if attribute.get_name_space() != _DOS:
                    names.append((index, int(attribute.get_parent_file_reference())))
        except native.ERRORS:
            return []
        return names

    def _orphans(self) -> Iterator[Entry]:
        """Yield deleted records whose directory is not there any more."""
        for parent, names in sorted(self._deleted_in().items()):
            for number, index in () if self._is_directory(parent) else names:
                yield from self._named(number, index)

    def _is_directory(self, reference: int) -> bool:
        try:
            found = self._native.get_file_entry(reference & _INDEX)
            return bool(not found.is_empty() and _reference(found) == reference)
        except native.ERRORS:
            return False

    def _entry(self, found: Native, name: bytes, parent: int | None) -> Entry:
        reference = int(found.get_file_reference())
        folder = bool(found.has_directory_entries_index())
        fields: dict[str, Any] = {}
        if kept := _times(found):
            fields |= {"times": kept, "zone": times.UTC, "resolution": dict.fromkeys(kept, 100)}
        if parent is not None and (old := _name_times(found, parent, name)):
            fields["name_times"] = old
        kind = "directory" if folder else "file"
        target = None if folder else found.get_symbolic_link_target()
        if target:
            fields |= to_fields(_bytes(target), "target")
            kind = "symlink"
        place = size = 0
        if found.has_default_data_stream():
            size = int(found.get_size())
            if found.get_number_of_extents():
                place = int(found.get_extent(0)[0])
        return Entry(
            inode=reference & _INDEX,
            seq=reference >> 48,
            name=name,
            type=kind,
            allocated=bool(found.is_allocated()),
            fields=fields,
            place=place,
            size=size,
        )


def _reference(found: Native) -> int:
    """Return what names in a directory say of it: a deleted one had the number before."""
    reference = int(found.get_file_reference())
    if found.is_allocated():
        return reference
    number = (reference >> 48) - 1
    return (number or 0xFFFF) << 48 | reference & _INDEX


def _times(thing: Native) -> dict[str, str]:
    kept = {}
    for key, get in _TIMES:
        ticks = int(getattr(thing, get)() or 0)
        value = (ticks - times.FILETIME_EPOCH) * 100
        if ticks and abs(value) <= _LIMIT:
            kept[key] = str(value)
    return kept


def _name_times(found: Native, parent: int, name: bytes) -> dict[str, str]:
    """Return the times of the `$FILE_NAME` that holds this name in this directory."""
    for index in range(found.get_number_of_attributes()):
        attribute = found.get_attribute(index)
        if (
            attribute.get_attribute_type() == _FILE_NAME
            and int(attribute.get_parent_file_reference()) & _INDEX == parent
            and _bytes(attribute.get_name()) == name
        ):
            return _times(attribute)
    return {}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _nothing(offset: int, length: int) -> bytes:  # noqa: ARG001 - never asked
    return b""
