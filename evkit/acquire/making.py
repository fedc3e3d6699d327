"""The reading half of an image: in order while all goes well, in passes where it does not."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from evkit.acquire import continuing, digesting, engine, mapfile
from evkit.acquire.catchup import CatchUp
from evkit.acquire.imaging import COMPLETE, RAW, WITH_GAPS
from evkit.acquire.output import checkpoint
from evkit.acquire.output.branch import remove_all
from evkit.acquire.output.checkpoint import Checkpoints
from evkit.acquire.output.e01out import E01Out
from evkit.acquire.output.rawout import RawOut, parts_of
from evkit.acquire.output.resumed import Resumed
from evkit.acquire.passes import Passes
from evkit.acquire.reading import MediumReader, NothingReader, StreamReader
from evkit.acquire.storm import Watch
from evkit.core.errors import EvkitError, InputError, StorageError
from evkit.core.ranges import within
from evkit.images.e01.layout import CHUNK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.imaging import Imaging, Order, Rescued
    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop
    from evkit.core.progress import Progress
    from evkit.core.ranges import Range
    from evkit.images.model import Image

TASK = "acquire"


class Maker:
    """Reads a source into the files of an image that have no names yet."""

    def __init__(
        self, opened: Opened, order: Order, stop: Stop, progress: Progress, made: Imaging
    ) -> None:
        self._opened = opened
        self._order = order
        self._stop = stop
        self._progress = progress
        self._made = made
        self._resumed = Resumed.of(order.resume)
        self._out: RawOut | E01Out | None = None
        self._reader: MediumReader | StreamReader | NothingReader | None = None
        self._tally = engine.Tally.fresh(order.names, block_nodes=order.block_nodes)
        self._catch_up: CatchUp | None = None
        self._passes: Passes | None = None
        self._points = Checkpoints(order.folder, engine.BLOCK, self._save, order.resume)
        self._lost: list[Range] = []

    def read(self) -> None:
        """Read the source to its end."""
        resumed, order = self._resumed, self._order
        if resumed.whole:
            continuing.take_up(self._made, order, resumed)
            return
        size = self._opened.facts.size
        if resumed.map:
            if resumed.storm:
                self._made.format = RAW
            self._in_passes(resumed.load_map(order.folder, size or 0))
        elif order.rescued is not None:
            self._in_passes(order.rescued.map, order.rescued)
        else:
            self._in_order(size)
        if order.save is not None:
            self._points.whole(
                self._tally, self._made.map, continuing.whole_state(self._made, order)
            )

    def take_over(self) -> None:
        """Put into the result what is known, however far it came."""
        made, reader, passes = self._made, self._reader, self._passes
        if self._resumed.whole:
            return
        if reader is not None:
            made.retries = reader.retries
            made.gaps = made.gaps or reader.gaps
        made.bytes_read = self._tally.size - within(made.gaps, self._tally.size)
        if passes is not None:
            made.bytes_read = passes.done
            made.retries += passes.small_reads

    def keep(self, *, full: bool = False, final: bool = False) -> None:
        """Make a last checkpoint, so that the work can go on; give room back on a full disk.

        Args:
            full: the destination may be full.
            final: what went wrong would go wrong again; work that is being closed ends with it.
        """
        if self._order.save is None:
            if full and self._out is not None and self._made.outcome is None:
                names = self._out.names
                self._out.close()
                for branch in self._order.branches:
                    remove_all(branch, names)
            return
        if final and self._order.closing:
            return
        self._made.resumable = True
        if self._made.outcome is not None:
            return
        if self._passes is not None:
            with contextlib.suppress(EvkitError, OSError):
                self._passes.keep()
        elif self._out is not None:
            with contextlib.suppress(EvkitError, OSError):
                self._points.make()
            if full:
                self._out.give_room_back(self._points.last)

    def close(self) -> None:
        """Close everything."""
        for thing in (self._out, self._reader, self._passes):
            if thing is not None:
                thing.close()

    def _save(self, state: dict[str, Any]) -> None:
        """Keep a state, and which copies have failed: they lack what came afterwards."""
        if self._order.save is None:
            return
        failed = [branch.copy for branch in self._order.branches if branch.error is not None]
        self._order.save({**state, "failed": failed} if failed else state)

    def _in_order(self, size: int | None) -> None:
        out = self._out = self._open_out()
        reader = self._reader = self._open_reader(self._tally.size)
        self._progress.begin(TASK, size)
        self._points.watch(out, self._tally, lambda: reader.gaps, size)
        follower = self._begin_catch_up()
        try:
            with self._stop.heard_at_once():
                engine.read_all(reader, self._engine_order(out, size))
                if follower is not None and not reader.trouble:
                    follower.join()
        finally:
            if follower is not None and self._catch_up is not None:
                self._catch_up.stopped = True
                follower.join()
        self._progress.update(TASK, self._tally.size)
        if reader.trouble:
            self._leave_order(out)
            return
        self._progress.end(TASK, self._tally.size)
        with contextlib.suppress(EvkitError, OSError):
            self._points.make()  # what follows may take long
        self._finish(out, reader.gaps)

    def _open_out(self) -> RawOut | E01Out:
        order, resumed, tally = self._order, self._resumed, self._tally
        if order.resume is not None:
            at = resumed.blocks * engine.BLOCK
            checkpoint.load(order.folder, tally, at, engine.BLOCK)
            self._check_last(resumed.names(at, order.split))
            self._lost = resumed.lost(order.folder, at, self._opened.facts.size or 0)
        if order.plan is not None:
            skip = 0
            if resumed.e01 is not None:
                skip = resumed.e01.chunks - tally.size // CHUNK
            return E01Out(
                order.branches, order.plan, state=resumed.e01, done=resumed.done, skip=skip
            )
        done = resumed.before(tally.size)
        return RawOut(
            order.branches, self._opened.facts.size, order.split, at=tally.size, done=done
        )

    def _check_last(self, names: Sequence[str]) -> None:
        """See that what was durable is still there, before anything is added to it."""
        number = self._resumed.blocks - 1
        last = None if number < 0 else (number, self._tally.nodes[number])
        until = self._resumed.e01.chunks * CHUNK if self._resumed.e01 is not None else 0
        until = min(until, self._opened.facts.size or 0)
        continuing.check_last(self._order, names, self._made.format, last, until)

    def _open_reader(self, at: int) -> MediumReader | StreamReader | NothingReader:
        facts, order = self._opened.facts, self._order
        if facts.size is not None and order.closing:
            return NothingReader(at, facts.size, self._lost, self._behind(at))
        if facts.kind == "stream":
            return StreamReader(self._opened.descriptor)
        return MediumReader(
            self._opened,
            at=at,
            fixed=order.plan is not None or order.resume is not None,
            wary=order.plan is None,
            storm=Watch() if order.plan is not None else None,
            on_storm=self._stormy,
        ).recall(self._lost)

    def _stormy(self) -> bool:
        """Say that errors have become too many for an E01; return whether to leave the order."""
        self._made.stormy = True
        if self._order.storm == RAW:
            return True
        self._progress.warn(
            "so many read errors that an E01, written in order, may take days: consider Ctrl-C and "
            "`acquire --format raw`, which skips ahead, then `image convert`; or `--on-storm raw`"
        )
        return False

    def _behind(self, at: int) -> bytes:
        """Return what an E01 has on the disk behind its last block whose pieces are known."""
        resumed = self._resumed
        if resumed.e01 is None:
            return b""
        with self._image(resumed.names(at, None)) as image:
            return image.read(at, min(resumed.e01.chunks * CHUNK, image.size) - at)

    def _engine_order(self, out: RawOut | E01Out, size: int | None) -> engine.Order:
        encoding = None
        if isinstance(out, E01Out) and self._order.plan is not None:
            encoding = engine.Encoding(compression=self._order.plan.compression, append=out.append)
        return engine.Order(
            target=out if isinstance(out, RawOut) else None,
            encoding=encoding,
            tally=self._tally,
            on_bytes=lambda done: self._progress.update(TASK, done),
            expected=None if size is None else size - self._tally.size,
        )

    def _begin_catch_up(self) -> threading.Thread | None:
        """Digest what a stopped run left, while the rest is read."""
        if self._order.resume is None or not self._tally.size:
            return None
        catch = self._catch_up = CatchUp(self._tally.hashes, 0, engine.BLOCK)
        self._tally.hashes = {}  # the engine digests nothing: what comes first is not there yet
        until = self._tally.size
        names = self._resumed.names(until, self._order.split)

        def follow() -> None:
            try:
                with self._image(names) as image:
                    catch.follow(image.read, until, self._tally)
            except (OSError, InputError):
                pass  # tried once more when the rest is digested, perhaps from another copy
            except Exception as error:  # noqa: BLE001 - kept, and raised when it is needed
                catch.error = error

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        return thread

    def _image(self, names: Sequence[str]) -> Image:
        """Open what is written so far, of the first branch that has not failed."""
        branch = next((one for one in self._order.branches if one.error is None), None)
        if branch is None:
            raise StorageError("no copy of the image is left")
        return continuing.open_image(branch, names, self._made.format)

    def _finish(self, out: RawOut | E01Out, lost: list[Range]) -> None:
        """Complete the digests, then the files."""
        made, tally = self._made, self._tally
        if self._catch_up is not None:
            with self._stop.heard_at_once():
                out.sync()
                digesting.rest(self._catch_up, out, tally, self._image, self._progress)
        outcome = tally.outcome()
        made.gaps = lost
        if isinstance(out, E01Out):
            made.files = list(
                out.finish(outcome.digests.get("md5"), outcome.digests.get("sha1"), lost)
            )
            made.container = out.finished
        else:
            made.files = list(out.finish())
        if lost:
            made.map = mapfile.of_gaps(self._lost if self._order.closing else lost, outcome.size)
            if isinstance(self._reader, NothingReader):
                read = self._reader.begins
                made.map.mark(read, max(0, outcome.size - read), mapfile.UNTRIED)
                made.map.phase, made.map.position = mapfile.UNTRIED, min(read, outcome.size)
        made.outcome = outcome
        made.result = WITH_GAPS if lost else COMPLETE

    def _leave_order(self, out: RawOut | E01Out) -> None:
        """Go on in passes; an E01 in a storm becomes a raw image first."""
        tally, reader = self._tally, self._reader
        at = tally.size
        with contextlib.suppress(EvkitError):
            self._points.make()
        out.sync()
        begun: list[str] = []
        if isinstance(out, E01Out):
            begun = out.names
            at = self._as_raw(out)
            self._progress.warn(
                "too many read errors for an E01; going on as a raw image with a map"
            )
        out.close()
        chart = mapfile.RescueMap(self._opened.facts.size or 0)
        chart.mark(0, at, mapfile.FINISHED)
        for offset, length in reader.gaps if reader is not None else ():
            if offset < at:
                chart.mark(offset, min(length, at - offset), mapfile.BAD)
        self._in_passes(chart, begun=begun)

    def _as_raw(self, out: E01Out) -> int:
        """Decode what the E01 holds into a raw image and return how far that goes."""
        at = out.at // engine.BLOCK * engine.BLOCK
        raw = RawOut(self._order.branches, self._opened.facts.size, self._order.split)
        try:
            if at:
                with self._image(out.names) as image:
                    for offset in range(0, at, engine.BLOCK):
                        raw.write(memoryview(bytearray(image.read(offset, engine.BLOCK))))
                raw.sync()
        finally:
            raw.close()
        self._made.format = RAW
        for kept in (self._tally.nodes, self._tally.leaves or {}):
            for number in [key for key in kept if key * engine.BLOCK >= at]:
                del kept[number]
        self._tally.hashes = {}  # they have taken blocks that will be read again
        return at

    def _in_passes(
        self,
        chart: mapfile.RescueMap,
        rescued: Rescued | None = None,
        begun: Sequence[str] = (),
    ) -> None:
        """Rescue what is left, then digest the whole from the disk.

        Args:
            chart: where each range stands.
            rescued: a rescue by another tool that is taken over first.
            begun: segments of an E01 that are not needed once the rescue has its own files.
        """
        order, tally = self._order, self._tally
        again = order.resume is not None and self._resumed.map
        live = tally.size if tally.hashes and order.resume is None and rescued is None else 0
        if not live:
            tally.hashes = engine.Tally.fresh(order.names).hashes
        if again and self._resumed.blocks:
            checkpoint.load(order.folder, tally, self._resumed.blocks * engine.BLOCK, engine.BLOCK)
            self._check_last([name for name, _ in parts_of(chart.size, order.split)])
        passes = self._passes = Passes(
            self._opened, order, chart, tally, self._progress, (self._points.last, self._save)
        )
        passes.open(again=again)
        if rescued is not None:
            passes.fill(rescued.image)
        if begun:
            passes.storm = True
            passes.keep()
            for branch in order.branches:
                remove_all(branch, begun)
        if not order.closing:
            passes.run(self._stop)
        passes.blank()
        passes.close()
        with self._stop.heard_at_once():
            digesting.passes(passes, tally, live, self._image, self._progress)
        made = self._made
        made.outcome = tally.outcome()
        made.gaps = list(chart.ranges(*mapfile.UNREAD))
        made.map = chart if made.gaps else None
        made.result = WITH_GAPS if made.gaps else COMPLETE
        made.files = passes.files()
