"""Making an image from its first read to its names: the order of the steps, and what ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.acquire import rereading
from evkit.acquire.completing import Completer
from evkit.acquire.imaging import FAILED, STOPPED, Imaging
from evkit.acquire.making import Maker
from evkit.acquire.rereading import Reread
from evkit.core.errors import EvkitError, InterruptedByUserError, StorageError
from evkit.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from evkit.acquire.imaging import Order
    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop


def make(opened: Opened, order: Order, stop: Stop, progress: Progress = SILENT) -> Imaging:
    """Make the image; what goes wrong is in the result, never raised.

    The files have their names only when the image is complete and, with `verify` = `now`, reads
    back equal.
    """
    made = Imaging(result=FAILED, format=order.format)
    maker = Maker(opened, order, stop, progress, made)
    try:
        try:
            maker.read()
        finally:
            maker.take_over()
        completer = Completer(order, stop, progress, made)
        completer.verify()
        made.reread = _reread(opened, order, made, stop, progress)
        completer.name()
    except InterruptedByUserError as error:
        made.result, made.error = STOPPED, error
        maker.keep()
    except EvkitError as error:
        made.result, made.error = FAILED, error
        ours = isinstance(error, StorageError)
        maker.keep(full=ours, final=not ours)
    except OSError as error:
        made.result = FAILED
        made.error = StorageError(f"the image could not be made: {error.strerror or error}")
        maker.keep()
    finally:
        maker.close()
    return made


def _reread(opened: Opened, order: Order, made: Imaging, stop: Stop, progress: Progress) -> Reread:
    """Read the source again when that was asked for and an image is there to compare with.

    Args:
        opened: the source, as it was opened for the first reading.
        order: says whether it is asked for.
        made: the image, complete and read back, without its names yet.
        stop: hears the user.
        progress: told bytes read.
    """
    if not order.reread:
        return Reread()
    if made.outcome is None or order.closing or opened.facts.size is None:
        return Reread(state=rereading.NOT_MADE)
    if all(branch.error is not None for branch in order.branches):
        return Reread(state=rereading.NOT_MADE)
    return rereading.compare(opened, made.outcome, made.gaps, stop, progress)
