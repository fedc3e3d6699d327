"""The reading half of an image: in order while all goes well, in passes where it does not."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine, gaps, mapfile
from evkit.acquire.catchup import CatchUp
from evkit.acquire.imaging import COMPLETE, E01, RAW, WITH_GAPS
from evkit.acquire.output import checkpoint
from evkit.acquire.output.branch import remove_all
from evkit.acquire.output.checkpoint import Checkpoints
from evkit.acquire.output.e01out import E01Out
from evkit.acquire.output.rawout import RawOut
from evkit.acquire.output.resumed import Resumed
from evkit.acquire.passes import Passes
from evkit.acquire.reading import MediumReader, NothingReader, StreamReader
from evkit.acquire.storm import Watch
from evkit.core.errors import CheckFailedError, EvkitError
from evkit.images.e01 import codec
from evkit.images.e01.layout import CHUNK
from evkit.images.e01.reader import E01Image
from evkit.images.raw import RawImage

if TYPE_CHECKING:
    from evkit.acquire.imaging import Imaging, Order
    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop
    from evkit.core.progress import Progress
    from evkit.images.model import Image

TASK = "acquire"
CATCH_UP = "catch up"


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
        self._points = Checkpoints(order.folder, engine.BLOCK, order.save or _forget, order.resume)

    def read(self) -> None:
        """Read the source to its end."""
        if self._resumed.map or self._order.rescued is not None:
            self._in_passes(self._order.rescued or self._resumed.load_map(self._order.folder))
            return
        out = self._out = self._open_out()
        reader = self._reader = self._open_reader(self._tally.size)
        size = self._opened.facts.size
        self._progress.begin(TASK, size)
        self._points.watch(out, self._tally)
        follower = self._begin_catch_up()
        try:
            with self._stop.heard_at_once():
                engine.read_all(reader, self._engine_order(out, size))
        finally:
            if follower is not None:
                follower.join()
        self._progress.update(TASK, self._tally.size)
        if reader.trouble:
            self._leave_order(out)
            return
        self._progress.end(TASK, self._tally.size)
        self._finish(out, reader.gaps)

    def take_over(self) -> None:
        """Put into the result what is known, however far it came."""
        made = self._made
        reader = self._reader
        made.bytes_read = self._tally.size
        if reader is not None:
            made.retries = reader.retries
            made.gaps = made.gaps or reader.gaps
        if self._passes is not None:
            made.bytes_read, made.retries = self._passes.done, self._passes.small_reads

    def keep(self, *, full: bool = False) -> None:
        """Make a last checkpoint, so that the work can go on; give room back on a full disk."""
        if self._made.outcome is not None:
            return
        if self._order.save is None:
            if full and self._out is not None:
                names = self._out.names
                self._out.close()
                for branch in self._order.branches:
                    remove_all(branch, names)
            return
        if self._passes is not None:
            with contextlib.suppress(EvkitError, OSError):
                self._passes.keep()
        elif self._out is not None:
            with contextlib.suppress(EvkitError, OSError):
                self._points.make()
            if full:
                self._out.give_room_back(self._points.last)
        self._made.resumable = True

    def close(self) -> None:
        """Close everything."""
        for thing in (self._out, self._reader, self._passes):
            if thing is not None:
                thing.close()

    def _open_out(self) -> RawOut | E01Out:
        order, resumed, tally = self._order, self._resumed, self._tally
        if order.resume is not None:
            checkpoint.load(order.folder, tally, resumed.blocks, engine.BLOCK)
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

    def _open_reader(self, at: int) -> MediumReader | StreamReader | NothingReader:
        facts, order = self._opened.facts, self._order
        if facts.size is not None and order.closing:
            return NothingReader(at, facts.size)
        if facts.kind == "stream":
            return StreamReader(self._opened.descriptor)
        return MediumReader(
            self._opened,
            at=at,
            fixed=order.plan is not None or order.resume is not None,
            wary=order.plan is None,
            storm=Watch() if order.plan is not None else None,
            on_storm=self._stormy,
        )

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
        names = self._resumed.names(self._out.names if self._out is not None else [])

        def follow() -> None:
            try:
                with self._image(names) as image:
                    catch.follow(image.read, until, self._tally)
            except Exception as error:  # noqa: BLE001 - kept, and raised when it is needed
                catch.error = error

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        return thread

    def _image(self, names: list[str]) -> Image:
        """Open what is written so far, of the first branch that has not failed."""
        branch = next(one for one in self._order.branches if one.error is None)
        paths = [branch.part(name) for name in names]
        return E01Image(paths, partial=True) if self._made.format == E01 else RawImage(paths)

    def _finish(self, out: RawOut | E01Out, lost: list[gaps.Range]) -> None:
        """Complete the digests, then the files."""
        made, tally = self._made, self._tally
        if self._catch_up is not None:
            out.sync()
            self._digest_rest(self._catch_up, out)
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
            status = mapfile.UNTRIED if self._order.closing else mapfile.BAD
            made.map = mapfile.RescueMap(outcome.size, mapfile.FINISHED)
            for offset, length in lost:
                made.map.mark(offset, length, status)
        made.outcome = outcome
        made.result = WITH_GAPS if lost else COMPLETE

    def _digest_rest(self, catch: CatchUp, out: RawOut | E01Out) -> None:
        """Digest from the disk what this run has written, and from memory what waits there."""
        self._progress.begin(CATCH_UP, self._tally.size)
        if catch.error is not None:
            raise catch.error
        size = self._tally.size
        on_disk = out.at if isinstance(out, E01Out) else size
        whole = on_disk if on_disk == size else on_disk // engine.BLOCK * engine.BLOCK
        with self._image(out.names) as image:
            catch.follow(
                image.read, whole, self._tally,
                lambda done: self._progress.update(CATCH_UP, done),
            )  # fmt: skip
            while catch.at < on_disk:
                catch.take(image.read(catch.at, min(engine.BLOCK, on_disk - catch.at)))
        if isinstance(out, E01Out) and catch.at < size:
            stored, sizes = out.writer.pending()
            data = memoryview(bytearray(size - catch.at))
            codec.decode(stored, sizes, data)
            catch.take(data)
        self._take_digests(catch)
        self._progress.end(CATCH_UP, size)

    def _take_digests(self, catch: CatchUp) -> None:
        if catch.wrong:
            offset, length = catch.wrong[0]
            raise CheckFailedError(
                f"the image does not hold what was read, first in bytes {offset} to "
                f"{offset + length} of the medium",
                hint="the destination is failing: start a new acquisition on another one",
            )
        self._tally.hashes = dict(catch.hashes)

    def _leave_order(self, out: RawOut | E01Out) -> None:
        """Go on in passes; an E01 in a storm becomes a raw image first."""
        facts, tally = self._opened.facts, self._tally
        size = facts.size or 0
        at = tally.size
        with contextlib.suppress(EvkitError):
            self._points.make()
        out.sync()
        if isinstance(out, E01Out):
            at = self._as_raw(out)
            self._progress.warn(
                "too many read errors for an E01; going on as a raw image with a map"
            )
        out.close()
        chart = mapfile.RescueMap(size)
        chart.mark(0, at, mapfile.FINISHED)
        self._in_passes(chart)

    def _as_raw(self, out: E01Out) -> int:
        """Decode what the E01 holds into a raw image, remove it, return how far that goes."""
        at = out.at // engine.BLOCK * engine.BLOCK
        names = out.names
        raw = RawOut(self._order.branches, self._opened.facts.size, self._order.split)
        if at:
            with self._image(names) as image:
                for offset in range(0, at, engine.BLOCK):
                    raw.write(memoryview(bytearray(image.read(offset, engine.BLOCK))))
            raw.sync()
        raw.close()
        for branch in self._order.branches:
            remove_all(branch, names)
        self._made.format = RAW
        for number in [key for key in self._tally.nodes if key * engine.BLOCK >= at]:
            del self._tally.nodes[number]
        self._tally.hashes = {}  # they have taken blocks that will be read again
        return at

    def _in_passes(self, chart: mapfile.RescueMap) -> None:
        """Rescue what is left, then digest the whole from the disk."""
        order, tally = self._order, self._tally
        live = tally.size if tally.hashes and order.resume is None and not order.rescued else 0
        if not tally.hashes or not live:
            tally.hashes = engine.Tally.fresh(order.names).hashes
        if order.resume is not None and not tally.nodes and self._resumed.blocks:
            checkpoint.load(order.folder, tally, self._resumed.blocks, engine.BLOCK)
        passes = self._passes = Passes(
            self._opened, order, chart, tally, self._progress, self._points.last
        )
        if not order.closing:
            passes.run(self._stop)
        passes.close()
        catch = CatchUp(tally.hashes, live, engine.BLOCK)
        tally.size = chart.size
        self._progress.begin(CATCH_UP, chart.size)
        with self._stop.heard_at_once(), self._image(passes.names) as image:
            catch.follow(
                image.read, chart.size, tally,
                lambda done: self._progress.update(CATCH_UP, done),
            )  # fmt: skip
            catch.wrong += passes.differing(image.read)
        self._progress.end(CATCH_UP, chart.size)
        self._take_digests(catch)
        made = self._made
        made.outcome = tally.outcome()
        made.gaps = list(chart.ranges(*mapfile.UNREAD))
        made.map = chart if made.gaps else None
        made.result = WITH_GAPS if made.gaps else COMPLETE
        made.files = passes.files()


def _forget(_: dict[str, Any]) -> None:
    """Keep nothing: this work cannot go on."""
