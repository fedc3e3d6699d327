"""The files of a tiled log (C2SP tlog-tiles v0.1.0): hash tiles, entry bundles, their paths.

A tile at level `L` holds up to 256 hashes of complete subtrees of level `8 * L`. A full tile never
changes; a partial one has its width in its path. See `docs/spec/merkle.md`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.errors import InputError
from evkit.merkle.tree import HASH_SIZE, MAX_SIZE, Subtrees, need_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

TILE_WIDTH: Final = 256
TILE_LEVELS: Final = 8  # tree levels in one tile
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 65535
ENTRIES: Final = -1  # stands for the level of an entry bundle

_GROUP = 1000
_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class TileRef(NamedTuple):
    """One tile or entry bundle.

    Attributes:
        level: 0 to 63, or `ENTRIES`.
        number: position at that level, from 0.
        width: 1 to 256 hashes or entries; 256 is a full tile.
    """

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """The path below the root of the log, as in `tile/0/x001/x234/067.p/8`."""
        return tile_path(self.level, self.number, self.width)


def _whole(value: object) -> bool:
    return type(value) is int


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile.

    Raises:
        InputError: a value is out of range.
    """
    need_size(index, "tile index")
    if not _whole(level) or not ENTRIES <= level <= MAX_LEVEL:
        raise InputError(f"tile level `{level!r}` is not an integer from 0 to {MAX_LEVEL}")
    if not _whole(width) or not 1 <= width <= TILE_WIDTH:
        raise InputError(f"tile width `{width!r}` is not an integer from 1 to {TILE_WIDTH}")
    rest, last = divmod(index, _GROUP)
    name = f"{last:03d}"
    while rest:
        rest, group = divmod(rest, _GROUP)
        name = f"x{group:03d}/{name}"
    kind = "entries" if level == ENTRIES else str(level)
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{kind}/{name}{partial}"


def parse_tile_path(path: str) -> TileRef:
    """Read a path that `tile_path` made.

    Raises:
        InputError: it is not exactly such a path.
    """
    match = _PATH.fullmatch(path) if len(path) <= 64 else None  # noqa: PLR2004 - the longest has 52
    if match is None:
        raise InputError(f"`{path[:64]!r}` is not the path of a tile")
    kind, name, partial = match.groups()
    level = ENTRIES if kind == "entries" else int(kind)
    index = int(name.replace("x", "").replace("/", ""))
    width = TILE_WIDTH if partial is None else int(partial)
    if index > MAX_SIZE or level > MAX_LEVEL or width > TILE_WIDTH:
        raise InputError(f"`{path}` is not the path of a tile")
    ref = TileRef(level, index, width)
    if ref.path != path:
        raise InputError(f"`{path}` is not the path of a tile", hint=f"it is written `{ref.path}`")
    return ref


def _row(level: int, count: int) -> Iterator[TileRef]:
    full, rest = divmod(count, TILE_WIDTH)
    for index in range(full):
        yield TileRef(level, index, TILE_WIDTH)
    if rest:
        yield TileRef(level, full, rest)


def tiles_for_size(size: int) -> Iterator[TileRef]:
    """Yield the hash tiles of a log of `size` entries: level by level, the partial one last."""
    count = need_size(size, "size")
    level = 0
    while count:
        yield from _row(level, count)
        count >>= TILE_LEVELS
        level += 1


def bundles_for_size(size: int) -> Iterator[TileRef]:
    """Yield the entry bundles of a log of `size` entries, the partial one last."""
    yield from _row(ENTRIES, need_size(size, "size"))


def parse_hash_tile(data: bytes, width: int) -> list[bytes]:
    """Cut a hash tile of `width` hashes; `InputError` unless it is exactly that long."""
    if len(data) != width * HASH_SIZE:
        raise InputError(
            f"a tile of {width} hashes is {width * HASH_SIZE} bytes long, not {len(data)}"
        )
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


class HashTiles:
    """The hash tiles of a list of leaf hashes."""

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        """Hash all levels; raises `InputError` for a hash that is not 32 bytes."""
        self.reader = Subtrees(leaf_hashes)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self.reader.size

    def tile(self, ref: TileRef) -> bytes:
        """Return one tile; `InputError` when the log does not reach it."""
        need_size(ref.level, "tile level")
        first = ref.number * TILE_WIDTH
        row = ref.level * TILE_LEVELS
        return b"".join(self.reader(row, first + at) for at in range(ref.width))

    def __iter__(self) -> Iterator[tuple[TileRef, bytes]]:
        """Yield every tile of the present size with its bytes."""
        for ref in tiles_for_size(self.size):
            yield ref, self.tile(ref)


def hash_tiles(leaf_hashes: Sequence[bytes]) -> dict[str, bytes]:
    """Return all hash tiles by path."""
    return {ref.path: data for ref, data in HashTiles(leaf_hashes)}


def read_hash_tiles(size: int, fetch: Callable[[str], bytes]) -> HashTiles:
    """Read the hash tiles of a log of `size` entries and check the upper ones against level 0.

    Args:
        size: number of entries, from the checkpoint.
        fetch: gives the bytes of a path; its own errors pass through.

    Raises:
        InputError: a tile has the wrong length or does not follow from the tiles below it.
    """
    leaves: list[bytes] = []
    above = []
    for ref in tiles_for_size(size):
        hashes = parse_hash_tile(fetch(ref.path), ref.width)
        if ref.level == 0:
            leaves += hashes
        else:
            above.append((ref, b"".join(hashes)))
    tiles = HashTiles(leaves)
    for ref, data in above:
        if tiles.tile(ref) != data:
            raise InputError(f"`{ref.path}` does not follow from the tiles below it")
    return tiles


def reader_from_leaves(leaf_hashes: Iterable[bytes]) -> Subtrees:
    """Return a `Reader` with all subtrees in memory: n node hashes now, none per proof."""
    return Subtrees(leaf_hashes)


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of 1 to 256 entries: for each a 2-byte big-endian length, then its bytes.

    Raises:
        InputError: wrong number of entries, or one over 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise InputError(f"a bundle holds 1 to {TILE_WIDTH} entries, not {len(entries)}")
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise InputError(f"an entry of {len(entry)} bytes is over {MAX_ENTRY}")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_entry_bundle(data: bytes, width: int) -> list[bytes]:
    """Cut a bundle of exactly `width` entries.

    Raises:
        InputError: it is cut short, or bytes are left over.
    """
    entries = []
    at = 0
    for entry_number in range(width):
        start = at + 2
        stop = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or stop > len(data):
            raise InputError(f"the bundle ends inside entry {entry_number} of {width}")
        entries.append(data[start:stop])
        at = stop
    if at != len(data):
        raise InputError(f"{len(data) - at} bytes follow the last of {width} entries")
    return entries
