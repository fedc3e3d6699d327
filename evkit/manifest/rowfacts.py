"""What is said of rows: one by one, or column by column where many of them are alike."""

from __future__ import annotations

from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha512")


class Facts(NamedTuple):
    """What counting and storing need to know of a row.

    Attributes:
        kind: the kind of the row.
        fs, inode, seq: as in the row, -1 when absent.
        state, reason, stage: as in the row, empty when absent.
        allocated: of names and directories; else False.
        virtual: flag of names and directories that the engine made up.
        size: of streams, -1 when absent.
        bytes_digested: of streams, else 0.
        name: UTF-8 of the field `name` of names, else empty.
        md5, sha1, sha256, sha512: hex of the digests of streams, None when absent.
    """

    kind: str
    fs: int = -1
    inode: int = -1
    seq: int = -1
    state: str = ""
    reason: str = ""
    stage: str = ""
    allocated: bool = False
    virtual: bool = False
    size: int = -1
    bytes_digested: int = 0
    name: bytes = b""
    md5: bytes | None = None
    sha1: bytes | None = None
    sha256: bytes | None = None
    sha512: bytes | None = None


_new = tuple.__new__  # half the time of the generated constructor


class Alike:
    """Rows that follow each other: names in use or digested streams of one file system.

    Attributes:
        kind: `name` or `stream`.
        fs: number of the file system.
        inodes: numbers as they stand in the rows.
        names: of names, in UTF-8.
        sizes: of streams, numbers as they stand.
        digests: of streams, hex by algorithm; under an algorithm all of them have one or none.
        digested: bytes of all streams.
    """

    __slots__ = ("_seqs", "digested", "digests", "fs", "inodes", "kind", "names", "sizes")

    def __init__(self, kind: str, found: Sequence[tuple[bytes, ...]]) -> None:
        columns = list(zip(*found, strict=True))
        self.kind = kind
        self.names: Sequence[bytes] = ()
        self.sizes: Sequence[bytes] = ()
        self.digests: dict[str, Sequence[bytes]] = {}
        if kind == "name":
            first, self.inodes, self.names, self._seqs = columns
        else:
            self.sizes, *digests, first, self.inodes, self._seqs = columns
            self.digests = {
                name: column for name, column in zip(ALGORITHMS, digests, strict=True) if column[0]
            }
        self.fs = int(first[0])
        self.digested = sum(map(int, self.sizes))

    def __len__(self) -> int:
        return len(self.inodes)

    def __iter__(self) -> Iterator[Facts]:
        fs, inodes, none = self.fs, map(int, self.inodes), repeat(None)
        if self.kind == "name":
            for inode, name, seq in zip(inodes, self.names, self._seqs, strict=True):
                yield _new(Facts, (
                    "name", fs, inode, int(seq) if seq else -1, "ok", "", "", True, False, -1, 0,
                    name, None, None, None, None,
                ))  # fmt: skip
            return
        numbers = zip(inodes, map(int, self._seqs), map(int, self.sizes), strict=True)
        digests = zip(*(self.digests.get(name, none) for name in ALGORITHMS), strict=False)
        for (inode, seq, size), four in zip(numbers, digests, strict=False):
            yield _new(Facts, (
                "stream", fs, inode, seq, "ok", "", "", False, False, size, size, b"", *four,
            ))  # fmt: skip


def alike(kind: str, found: Sequence[tuple[bytes, ...]]) -> list[Alike]:
    """Put rows together.

    Args:
        kind: `name` or `stream`.
        found: for each, the groups of `rowpattern.usual_names` or `usual_streams`.
    """
    shape = _shape_of_name if kind == "name" else _shape_of_stream
    if len(set(map(shape, found))) == 1:
        return [Alike(kind, found)]
    return [Alike(kind, list(group)) for _, group in groupby(found, shape)]


def _shape_of_name(found: tuple[bytes, ...]) -> bytes:
    return found[0]


def _shape_of_stream(found: tuple[bytes, ...]) -> tuple[object, ...]:
    _, md5, sha1, sha256, sha512, fs, _, _ = found
    return fs, not md5, not sha1, not sha256, not sha512


class Judged:
    """Facts of rows in order; iterated one by one, or taken in the `parts` they came in."""

    __slots__ = ("_size", "parts")

    def __init__(self) -> None:
        self.parts: list[Alike | list[Facts]] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Facts]:
        return chain.from_iterable(self.parts)

    @property
    def digested(self) -> bool:
        """The last is that of a stream that was digested."""
        part = self.parts[-1] if self.parts else ()
        if isinstance(part, Alike):
            return part.kind == "stream"
        return any(facts.kind == "stream" and facts.state == "ok" for facts in part[-1:])

    def each_digested(self) -> list[bool]:
        """Say of each whether it is that of a stream that was digested."""
        found: list[bool] = []
        for part in self.parts:
            if isinstance(part, Alike):
                found += [part.kind == "stream"] * len(part)
            else:
                found += [facts.kind == "stream" and facts.state == "ok" for facts in part]
        return found

    def append(self, facts: Facts) -> None:
        """Add one."""
        if not self.parts or isinstance(self.parts[-1], Alike):
            self.parts.append([])
        part = self.parts[-1]
        if isinstance(part, list):
            part.append(facts)
        self._size += 1

    def add(self, part: Alike | list[Facts]) -> None:
        """Add a part, which may not be changed any more."""
        if part:
            self.parts.append(part)
            self._size += len(part)

    def extend(self, other: Judged) -> None:
        """Add all of another."""
        self.parts += other.parts
        self._size += len(other)

    def pop(self) -> Facts:
        """Remove and return the last."""
        *rest, facts = self.parts.pop()
        self._size -= 1 + len(rest)
        self.add(rest)
        return facts
