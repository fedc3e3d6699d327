"""APFS as far as evkit reads it itself: container, volume superblocks, names of snapshots.

libfsapfs tells neither how a volume is encrypted nor that it has snapshots, so that is read here,
after Apple's published description. Everything is checked and capped: a damaged or hostile
container ends in `InputError`, never in a loop.
"""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]

MAX_VOLUMES = 100
MAX_SNAPSHOTS = 1000
_MIN_BLOCK, _MAX_BLOCK = 4096, 65536
_MAX_CHECKPOINT = 1 << 16
_MAX_NODES, _MAX_DEPTH = 4096, 16
_NODE_ROOT, _NODE_LEAF, _NODE_FIXED = 1, 2, 4
_NODE_HEAD, _ROOT_INFO = 56, 40
_UNENCRYPTED = 1
_CASE_FOLDING, _SEALED = 1, 0x20
_SNAPSHOT, _INODE = 1, 3  # types of keys


class Container(NamedTuple):
    """The newest superblock of a container.

    Attributes:
        block_size: bytes.
        blocks: blocks of the container.
        omap: block of the object map.
        volumes: object numbers of the volumes, in the order of libfsapfs.
    """

    block_size: int
    blocks: int
    omap: int
    volumes: tuple[int, ...]


class Snapshot(NamedTuple):
    """A state of a volume that was kept."""

    name: bytes
    created: int


class Volume(NamedTuple):
    """What the superblock of a volume says.

    Attributes:
        name: bytes of its name.
        identifier: UUID as text.
        encrypted: the volume does not say that it is unencrypted.
        folds_case: names are compared without regard to case.
        sealed: a read-only system volume with a hash tree.
        files, directories, links, others: how many there are, as the volume counts them.
        snapshots: how many there are.
        snapshot_tree: block of the tree that names them, 0 for none.
    """

    name: bytes
    identifier: str
    encrypted: bool
    folds_case: bool
    sealed: bool
    files: int
    directories: int
    links: int
    others: int
    snapshots: int
    snapshot_tree: int


def checksum(block: bytes) -> bytes:
    """Return the Fletcher-64 checksum that the first 8 bytes of an object must hold."""
    low = high = 0
    words = struct.unpack(f"<{(len(block) - 8) // 4}I", block[8:])
    for word in words:
        low += word
        high += low
    low, high = low % 0xFFFFFFFF, high % 0xFFFFFFFF
    first = 0xFFFFFFFF - (low + high) % 0xFFFFFFFF
    return struct.pack("<II", first, 0xFFFFFFFF - (low + first) % 0xFFFFFFFF)


def open_container(read: Read) -> Container:
    """Read the newest superblock that is whole.

    Args:
        read: gives bytes of the container at an offset.

    Raises:
        InputError: there is none.
    """
    head = read(0, _MIN_BLOCK)
    if len(head) < _MIN_BLOCK or head[32:36] != b"NXSB":
        raise InputError("an APFS container without a superblock")
    (size,) = struct.unpack_from("<I", head, 36)
    if not _MIN_BLOCK <= size <= _MAX_BLOCK or size & (size - 1):
        raise InputError(f"an APFS container with blocks of {size} bytes")
    best = head if size == _MIN_BLOCK else read(0, size)
    newest = struct.unpack_from("<Q", best, 16)[0] if _whole(best) else -1
    (count,) = struct.unpack_from("<I", head, 104)
    (base,) = struct.unpack_from("<q", head, 112)
    if base > 0 and not count & (1 << 31):  # a tree of areas is not followed
        for number in range(base, base + min(count, _MAX_CHECKPOINT)):
            block = read(number * size, size)
            if len(block) != size or block[32:36] != b"NXSB" or not _whole(block):
                continue
            (xid,) = struct.unpack_from("<Q", block, 16)
            if xid > newest:
                best, newest = block, xid
    if newest < 0:
        raise InputError("no superblock of the APFS container is whole")
    blocks, omap = struct.unpack_from("<Q", best, 40)[0], struct.unpack_from("<Q", best, 160)[0]
    volumes = struct.unpack_from(f"<{MAX_VOLUMES}Q", best, 184)
    return Container(size, blocks, omap, tuple(number for number in volumes if number))


def open_volume(read: Read, container: Container, number: int) -> Volume:
    """Read the superblock of volume `number`, from 0.

    Raises:
        InputError: it cannot be found or is damaged.
    """
    omap = _object(read, container, container.omap, "object map")
    place = _newest_place(read, container, struct.unpack_from("<Q", omap, 48)[0], number)
    block = _object(read, container, place, "superblock of a volume")
    if block[32:36] != b"APSB":
        raise InputError("an APFS volume without a superblock")
    incompatible, flags = (struct.unpack_from("<Q", block, place)[0] for place in (56, 264))
    files, directories, links, others, snapshots = struct.unpack_from("<5Q", block, 184)
    return Volume(
        name=block[704:960].split(b"\x00", 1)[0],
        identifier=str(uuid.UUID(bytes=block[240:256])),
        encrypted=not flags & _UNENCRYPTED,
        folds_case=bool(incompatible & _CASE_FOLDING),
        sealed=bool(incompatible & _SEALED),
        files=files,
        directories=directories,
        links=links,
        others=others,
        snapshots=snapshots,
        snapshot_tree=struct.unpack_from("<Q", block, 152)[0],
    )


def snapshots(read: Read, container: Container, volume: Volume) -> list[Snapshot]:
    """Name the snapshots of a volume, at most `MAX_SNAPSHOTS`.

    Raises:
        InputError: their tree is damaged.
    """
    found: list[Snapshot] = []
    if not volume.snapshots or not volume.snapshot_tree:
        return found
    for key, value in _leaves(read, container, volume.snapshot_tree):
        if len(key) < 8 or key[7] >> 4 != _SNAPSHOT or len(value) < 50:  # noqa: PLR2004
            continue
        (created,) = struct.unpack_from("<Q", value, 16)
        (length,) = struct.unpack_from("<H", value, 48)
        found.append(Snapshot(value[50 : 50 + length].rstrip(b"\x00"), created))
        if len(found) == MAX_SNAPSHOTS:
            break
    return found


def stored_times(
    read: Read, container: Container, number: int, inode: int
) -> tuple[int, int, int, int]:
    """Return when a record was made, its content, itself changed, and it was read, in ns.

    Raises:
        InputError: the record is not found.
    """
    omap = _object(read, container, container.omap, "object map")
    place = _newest_place(read, container, struct.unpack_from("<Q", omap, 48)[0], number)
    volume = _object(read, container, place, "superblock of a volume")
    own_map, root = struct.unpack_from("<QQ", volume, 128)
    tree = struct.unpack_from("<Q", _object(read, container, own_map, "object map"), 48)[0]

    def resolve(identifier: int) -> int:
        top = (identifier, 2**64 - 1)
        key, value = _last(read, container, tree, lambda key: _pair(key) <= top, lambda at: at)
        if len(key) < 8 or len(value) < 16 or _pair(key)[0] != identifier:  # noqa: PLR2004
            raise InputError("the object map does not know a node of the APFS volume")
        return int(struct.unpack_from("<Q", value, 8)[0])

    wanted = (inode, _INODE)
    key, value = _last(read, container, root, lambda key: _order(key) <= wanted, resolve)
    if _order(key) != wanted or len(value) < 48:  # noqa: PLR2004 - two numbers and four times
        raise InputError(f"record {inode} of the APFS volume is not found")
    return struct.unpack_from("<4Q", value, 16)


def _last(
    read: Read, container: Container, root: int, fits: Callable[[bytes], bool],
    resolve: Callable[[int], int],
) -> tuple[bytes, bytes]:  # fmt: skip
    """Return the last (key, value) of a tree whose key fits."""
    number = root
    for _ in range(_MAX_DEPTH):
        node = _object(read, container, resolve(number), "tree")
        chosen = [item for item in _items(node) if fits(item[0])]
        if not chosen:
            break
        if struct.unpack_from("<H", node, 32)[0] & _NODE_LEAF:
            return chosen[-1]
        number = int.from_bytes(chosen[-1][1][:8], "little")
    raise InputError("something that was looked for is not in a tree of the APFS container")


def _pair(key: bytes) -> tuple[int, int]:
    return int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")


def _order(key: bytes) -> tuple[int, int]:
    number = int.from_bytes(key[:8], "little")
    return number & ((1 << 60) - 1), number >> 60


def _newest_place(read: Read, container: Container, tree: int, number: int) -> int:
    wanted, newest, place = container.volumes[number], -1, 0
    for key, value in _leaves(read, container, tree):
        if len(key) < 16 or len(value) < 16:  # noqa: PLR2004 - two numbers of 8 bytes
            continue
        identifier, xid = struct.unpack_from("<QQ", key)
        if identifier == wanted and xid > newest:
            newest, place = xid, struct.unpack_from("<Q", value, 8)[0]
    if newest < 0:
        raise InputError("the object map does not know a volume of the APFS container")
    return place


def _leaves(read: Read, container: Container, root: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, value) of a tree whose nodes are named by their blocks."""
    waiting = [(root, 0)]
    seen = 0
    while waiting:
        number, depth = waiting.pop()
        seen += 1
        if seen > _MAX_NODES or depth > _MAX_DEPTH:
            raise InputError("a tree of the APFS container is larger than it can be")
        node = _object(read, container, number, "tree")
        leaf = bool(struct.unpack_from("<H", node, 32)[0] & _NODE_LEAF)
        items = list(_items(node))
        if leaf:
            yield from items
        else:
            waiting += [
                (struct.unpack_from("<Q", value)[0], depth + 1)
                for _, value in reversed(items)
                if len(value) >= 8  # noqa: PLR2004 - a block number
            ]


def _items(node: bytes) -> Iterator[tuple[bytes, bytes]]:
    flags, _, count, offset, length = struct.unpack_from("<HHIHH", node, 32)
    fixed, leaf = bool(flags & _NODE_FIXED), bool(flags & _NODE_LEAF)
    entries = _NODE_HEAD + offset
    keys = entries + length
    end = len(node) - (_ROOT_INFO if flags & _NODE_ROOT else 0)
    width = 4 if fixed else 8
    if count * width > length or keys > end:
        raise InputError("a node of an APFS tree is damaged")
    for number in range(count):
        at = entries + number * width
        if fixed:
            key, value = struct.unpack_from("<HH", node, at)
            key_length, value_length = 16, 16 if leaf else 8
        else:
            key, key_length, value, value_length = struct.unpack_from("<HHHH", node, at)
        start = end - value
        if start >= keys and keys + key + key_length <= end:
            yield node[keys + key :][:key_length], node[start : min(start + value_length, end)]


def _object(read: Read, container: Container, number: int, what: str) -> bytes:
    size = container.block_size
    if not 0 < number < container.blocks:
        raise InputError(f"the {what} of the APFS container lies outside of it")
    block = read(number * size, size)
    if len(block) != size or not _whole(block):
        raise InputError(f"the {what} of the APFS container is damaged")
    return block


def _whole(block: bytes) -> bool:
    return len(block) % 4 == 0 and len(block) >= _MIN_BLOCK and checksum(block) == block[:8]
