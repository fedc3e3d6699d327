"""One image into another in one pass: decode, digest, encode, write; then compare, read back, name.

Nothing gets a name unless it holds what the source holds: digests that the source states or that
are on record of it are compared first, then the new files are read back. What cannot be decoded is
zeros, and is said in the map, in the error list of an E01 and in the answer.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import engine, judging, mapfile, source
from evkit.acquire.completing import Completer
from evkit.acquire.decoding import Decodable, fits
from evkit.acquire.imaging import COMPLETE, FAILED, STOPPED, WITH_GAPS, Imaging, Order
from evkit.acquire.output.branch import remove_all
from evkit.acquire.output.e01out import E01Out
from evkit.acquire.output.rawout import RawOut
from evkit.acquire.reading import ImageReader, MediumReader
from evkit.acquire.windowing import WindowReader, inside
from evkit.core.errors import (
    CheckFailedError,
    EvkitError,
    InputError,
    InterruptedByUserError,
    StorageError,
)
from evkit.core.progress import SILENT, Progress
from evkit.core.ranges import Range, merge
from evkit.images.e01.reader import E01Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.acquire.judging import Judgement
    from evkit.acquire.stopping import Stop
    from evkit.hashing.pieces import PieceTree
    from evkit.images.model import Image

TASK = "convert"
_PLACES = 64


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is converted.

    Attributes:
        image: opened; it stays the caller's to close.
        window: (offset, length) of the part that is taken, None for all.
        stated: digests of the whole medium: (who states it, algorithm, hex).
        tree: recorded pieces of the whole medium.
        chart: the map of the whole medium, where one lies beside it.
    """

    image: Image
    window: Range | None = None
    stated: tuple[tuple[str, str, str], ...] = ()
    tree: PieceTree | None = None
    chart: mapfile.RescueMap | None = None

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self.window[1] if self.window else self.image.size

    def known(self) -> Iterator[tuple[int, int, str]]:
        """Yield (offset, length, status) of what was not read when the source was made."""
        offset, length = self.window or (0, self.image.size)
        for start, size in inside(list(self.image.declared_gaps), offset, length):
            yield start, size, mapfile.BAD
        for start, size, status in self.chart.blocks() if self.chart is not None else ():
            if status != mapfile.FINISHED:
                for first, covered in inside([(start, size)], offset, length):
                    yield first, covered, status


@dataclass(kw_only=True)
class Conversion:
    """What came of it.

    Attributes:
        made: the new image, as `acquire.imaging` says it.
        damage: what could not be decoded now, in bytes of the new medium.
        places: (offset, length, words) of the first of them.
        judgement: whether the source holds what it should; None when it was not read to its end.
    """

    made: Imaging
    damage: list[Range] = field(default_factory=list)
    places: list[tuple[int, int, str]] = field(default_factory=list)
    judgement: Judgement | None = None


def convert(origin: Origin, order: Order, stop: Stop, progress: Progress = SILENT) -> Conversion:
    """Convert an image; what goes wrong is in the answer, never raised.

    Unfinished files are removed, except when the process is killed.
    """
    made = Imaging(result=FAILED, format=order.format)
    done = Conversion(made=made)
    work = _Converter(origin, order, stop, progress, done)
    try:
        work.read()
        work.judge()
        work.complete()
    except InterruptedByUserError as error:
        made.result, made.error = STOPPED, error
    except EvkitError as error:
        made.result, made.error = FAILED, error
    except OSError as error:
        made.result = FAILED
        made.error = StorageError(f"the image could not be made: {error.strerror or error}")
    finally:
        work.close()
    return done


class _Converter:
    def __init__(
        self, origin: Origin, order: Order, stop: Stop, progress: Progress, done: Conversion
    ) -> None:
        self._origin = origin
        self._order = order
        self._stop = stop
        self._progress = progress
        self._done = done
        self._out: RawOut | E01Out | None = None
        self._window: WindowReader | None = None

    def read(self) -> None:
        """Make the files, without names."""
        origin, made = self._origin, self._done.made
        before = _states(origin)
        out = self._out = self._open_out()
        self._progress.begin(TASK, origin.size)
        with self._stop.heard_at_once():
            outcome = self._pass(out)
        self._progress.end(TASK, outcome.size)
        made.bytes_read = outcome.size
        if outcome.size != origin.size or _states(origin) != before:
            raise InputError(
                "the files of the source changed while they were read",
                hint="let nothing write to them, and start again",
            )
        made.map = self._chart(outcome.size)
        made.gaps = [] if made.map is None else list(made.map.ranges(*mapfile.UNREAD))
        if isinstance(out, E01Out):
            md5, sha1 = outcome.digests.get("md5"), outcome.digests.get("sha1")
            made.files = list(out.finish(md5, sha1, made.gaps))
            made.container = out.finished
        else:
            made.files = list(out.finish())
        made.outcome = outcome
        made.result = WITH_GAPS if made.gaps else COMPLETE

    def judge(self) -> None:
        """Compare what was read with what is stated of it.

        Raises:
            CheckFailedError: it is something else.
        """
        origin, done = self._origin, self._done
        outcome = done.made.outcome
        if outcome is None:
            raise ValueError("nothing was read")
        if self._window is not None:
            done.judgement = judging.of_part(self._window, origin.tree)
        else:
            trees = (origin.tree, outcome.pieces)
            done.judgement = judging.of_whole(origin.stated, outcome.digests, trees, done.damage)
        if done.judgement.state == judging.DIFFERS:
            raise _differs(done.judgement)

    def complete(self) -> None:
        """Read the files back, compare, and give them their names.

        Raises:
            InterruptedByUserError: the user stops; a file that was not compared gets no name.
        """
        completer = Completer(self._order, self._stop, self._progress, self._done.made)
        completer.verify()
        if self._done.made.verification.get("state") == "stopped":
            raise InterruptedByUserError("stopped by the user")
        completer.name()

    def close(self) -> None:
        """Close the files; remove those that got no name."""
        if self._out is None:
            return
        self._out.close()
        for branch in self._order.branches:
            with contextlib.suppress(EvkitError, OSError):
                remove_all(branch, self._out.names)

    def _open_out(self) -> RawOut | E01Out:
        order, size = self._order, self._origin.size
        if order.plan is not None:
            return E01Out(order.branches, order.plan, names=order.files)
        return RawOut(order.branches, size, order.split, names=order.files)

    def _pass(self, out: RawOut | E01Out) -> engine.Outcome:
        origin, done = self._origin, self._done
        image, order = origin.image, self._engine_order(out)
        if origin.window is not None:
            self._window = WindowReader(image, *origin.window, origin.tree)
            return self._read(self._window, order)
        if isinstance(image, E01Image) and fits(image):
            outcome = engine.decode_all(Decodable(image), order)
            done.damage = merge((offset, length) for offset, length, _ in outcome.damage)
            done.places = _places(image, outcome.damage)
            return outcome
        if image.format == "raw":
            opened = source.open_source(image.segments[0].path)
            medium = MediumReader(opened, fixed=True)
            try:
                return self._read(medium, order)
            finally:
                medium.close()
                opened.close()
        return self._read(ImageReader(image), order)

    def _read(
        self, reader: MediumReader | ImageReader | WindowReader, order: engine.Order
    ) -> engine.Outcome:
        outcome = engine.read_all(reader, order)
        self._done.damage = reader.gaps
        self._done.places = [(*place, "it cannot be read now") for place in reader.gaps[:_PLACES]]
        self._done.made.retries = reader.retries
        return outcome

    def _engine_order(self, out: RawOut | E01Out) -> engine.Order:
        order = self._order
        encoding = None
        if isinstance(out, E01Out) and order.plan is not None:
            encoding = engine.Encoding(compression=order.plan.compression, append=out.append)
        return engine.Order(
            names=order.names,
            target=out if isinstance(out, RawOut) else None,
            encoding=encoding,
            block_nodes=order.block_nodes,
            on_bytes=lambda count: self._progress.update(TASK, count),
            expected=self._origin.size,
        )

    def _chart(self, size: int) -> mapfile.RescueMap | None:
        """Return the map of the new medium, None when nothing is missing in it."""
        chart = mapfile.of_gaps((), size)
        for offset, length, status in self._origin.known():
            chart.mark(offset, min(length, size - offset), status)
        for offset, length in self._done.damage:
            chart.mark(offset, length, mapfile.BAD)
        return chart if chart.total(*mapfile.UNREAD) else None


def _states(origin: Origin) -> list[tuple[int, int, int, int]]:
    """Return what shows that a file of the source was changed."""
    found = []
    for part in origin.image.segments:
        facts = os.stat(part.path)
        found.append((facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns))
    return found


def _places(image: E01Image, damage: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return the first places that could not be decoded, in words; neighbours are one."""
    joined: list[tuple[int, int, str]] = []
    for offset, length, reason in damage:
        last = joined[-1] if joined else None
        if last is not None and last[2] == reason and last[0] + last[1] == offset:
            joined[-1] = (last[0], last[1] + length, reason)
        elif len(joined) < _PLACES:
            joined.append((offset, length, reason))
    found = []
    for offset, length, reason in joined:
        first, count = offset // image.chunk, -(-length // image.chunk)
        (run, *_) = image.runs(first, 1)
        found.append((offset, length, f"{image.sectors(first, count, run.segment)}: {reason}"))
    return found


def _differs(judgement: Judgement) -> CheckFailedError:
    details: dict[str, str] = {}
    for entry in judgement.digests:
        if not entry.agrees:
            details[f"{entry.algorithm} stated by {entry.source}"] = entry.stated
            details[f"{entry.algorithm} found"] = entry.found or "not made"
    if judgement.ranges:
        offset, length = judgement.ranges[0]
        details["first difference"] = f"bytes {offset:,} to {offset + length:,}"
    return CheckFailedError(
        "the source does not hold what is stated of it; the new image gets no name",
        hint="compare another copy; `evkit verify` says more about this one",
        details=details,
    )
