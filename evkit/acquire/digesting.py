"""Linear digests of an image, completed from the disk when they were not made on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.acquire import engine
from evkit.acquire.catchup import CatchUp
from evkit.acquire.output.e01out import E01Out
from evkit.core.errors import CheckFailedError
from evkit.images.e01 import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.acquire.engine import Tally
    from evkit.acquire.output.rawout import RawOut
    from evkit.acquire.passes import Passes
    from evkit.core.progress import Progress
    from evkit.images.model import Image

    Open = Callable[[Sequence[str]], Image]

TASK = "catch up"


def rest(
    catch: CatchUp, out: RawOut | E01Out, tally: Tally, open_image: Open, progress: Progress
) -> None:
    """Digest from the disk what was written, and from memory what waits there.

    Raises:
        CheckFailedError: the disk does not hold what was read.
        InputError: it cannot be read or decoded.
        OSError: likewise.
    """
    size = tally.size
    progress.begin(TASK, size)
    if catch.error is not None:
        raise catch.error
    catch.stopped = False
    on_disk = out.at if isinstance(out, E01Out) else size
    whole = on_disk if on_disk == size else on_disk // engine.BLOCK * engine.BLOCK
    if on_disk:
        with open_image(out.names) as image:
            catch.follow(image.read, whole, tally, lambda done: progress.update(TASK, done))
            while catch.at < on_disk:
                catch.take(image.read(catch.at, min(engine.BLOCK, on_disk - catch.at)))
    if isinstance(out, E01Out) and catch.at < size:
        stored, sizes = out.writer.pending()
        data = memoryview(bytearray(size - catch.at))
        codec.decode(stored, sizes, data)
        catch.take(data)
    _take(catch, tally)
    progress.end(TASK, size)


def passes(work: Passes, tally: Tally, live: int, open_image: Open, progress: Progress) -> None:
    """Digest a rescued image from `live` on; the digests have taken what comes before.

    Raises:
        CheckFailedError: the disk does not hold what was read.
        OSError: it cannot be read.
    """
    catch = CatchUp(tally.hashes, live, engine.BLOCK)
    tally.size = work.size
    progress.begin(TASK, work.size)
    with open_image(work.names) as image:
        catch.follow(image.read, work.size, tally, lambda done: progress.update(TASK, done))
        catch.wrong += work.differing(image.read)
    progress.end(TASK, work.size)
    _take(catch, tally)


def _take(catch: CatchUp, tally: Tally) -> None:
    if catch.wrong:
        offset, length = catch.wrong[0]
        raise CheckFailedError(
            f"the image does not hold what was read, first in bytes {offset} to "
            f"{offset + length} of the medium",
            hint="what was written was changed or lost: record the work with `--finish` and "
            "start a new acquisition",
        )
    tally.hashes = dict(catch.hashes)
