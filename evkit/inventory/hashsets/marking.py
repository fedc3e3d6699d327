"""Looking the streams of an inventory up in hash sets, and writing the marks."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from evkit import __version__
from evkit.core import clock, durable
from evkit.core.progress import SILENT
from evkit.inventory.hashsets import marks
from evkit.inventory.hashsets.marksheader import MarksHeader, SetFacts
from evkit.inventory.hashsets.model import KNOWN, NOTABLE, WEAK, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.core.progress import Progress
    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.hashsets.reader import HashSet

TASK = "mark"
_ALGORITHMS = tuple(WIDTHS)
_BATCH = 200_000  # streams looked up at a time
_BLOCK = 1 << 18


class Named(NamedTuple):
    """A set, and the SHA-256 of its file as it was checked."""

    set: HashSet
    sha256: str


class _Batch:
    """The digests of some streams, and the marks that the sets leave on them."""

    def __init__(self) -> None:
        self.streams: dict[str, list[tuple[bytes, int]]] = {name: [] for name in _ALGORITHMS}
        self.size = 0

    def add(self, number: int, digests: Sequence[bytes | None]) -> bool:
        """Take a stream; False when it has no digest that a set can hold."""
        found = False
        for name, digest in zip(_ALGORITHMS, digests, strict=True):
            if digest is not None:
                self.streams[name].append((digest, number))
                found = True
        self.size += found
        return found

    def sort(self) -> None:
        """Put the digests into the order of the sets."""
        for listed in self.streams.values():
            listed.sort()

    def marks(self, found: HashSet) -> dict[int, int]:
        """Return stream row -> the strongest algorithm of a match."""
        hits: dict[int, int] = {}
        for code, name in enumerate(_ALGORITHMS):
            if name not in found.algorithms:
                continue
            inside = found.among(name, [digest for digest, _ in self.streams[name]])
            if inside:
                for digest, number in self.streams[name]:
                    if digest in inside:
                        hits.setdefault(number, code)
        return hits


def look_up(
    inventory: Inventory, sets: Sequence[Named], progress: Progress = SILENT
) -> tuple[MarksHeader, array[int]]:
    """Look every stream with a digest up in every set.

    Args:
        inventory: not masked.
        sets: at least one; checked.
        progress: told streams looked up.

    Returns:
        The header of the marks, and three numbers for each mark in order: stream row, place of the
        set, place of the algorithm in `model.WIDTHS`.
    """
    found = array("Q")
    counts = dict.fromkeys(("streams", "without_digest", "marked", KNOWN, NOTABLE), 0)
    progress.begin(TASK, None, "streams")
    for batch in _batches(inventory, counts):
        batch.sort()
        hits = [batch.marks(named.set) for named in sets]
        kinds = [named.set.header.category for named in sets]
        for number in sorted(set().union(*hits)):
            places = [place for place, hit in enumerate(hits) if number in hit]
            counts["marked"] += 1
            for category in {kinds[place] for place in places}:
                counts[category] += 1
            for place in places:
                found.extend((number, place, hits[place][number]))
        progress.update(TASK, counts["streams"])
    progress.end(TASK, counts["streams"])
    weak = sum(_ALGORITHMS[code] in WEAK for code in found[2::3])
    header = MarksHeader(
        created=clock.now().text(),
        evkit=__version__,
        rows=int(inventory.meta["rows"]),
        row_root=inventory.meta["row_root"],
        sets=tuple(_facts(named) for named in sets),
        counts={**counts, "marks": len(found) // 3, "weak": weak},
    )
    return header, found


def write(path: bytes, header: MarksHeader, found: array[int]) -> None:
    """Write a marks file.

    Raises:
        RefusedError: it exists.
        StorageError: it cannot be written.
    """
    waiting, size = [header.encode() + b"\n"], 0
    with durable.NewFile(path, mode=0o444) as file:
        for at in range(0, len(found), 3):
            line = marks.line(found[at], found[at + 1], _ALGORITHMS[found[at + 2]])
            waiting.append(line)
            size += len(line)
            if size >= _BLOCK:
                file.write(b"".join(waiting))
                waiting, size = [], 0
        file.write(b"".join(waiting))
        file.commit()


def _batches(inventory: Inventory, counts: dict[str, int]) -> Iterator[_Batch]:
    batch = _Batch()
    for number, digests in inventory.stream_digests(_ALGORITHMS):
        counts["streams" if batch.add(number, digests) else "without_digest"] += 1
        if batch.size >= _BATCH:
            yield batch
            batch = _Batch()
    yield batch


def _facts(named: Named) -> SetFacts:
    header = named.set.header
    return SetFacts(
        header.name, named.sha256, header.category, header.sensitive, header.release or ""
    )
