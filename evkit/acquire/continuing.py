"""Work that goes on: what is on the disk is looked at first; what was complete is taken up."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine, mapfile
from evkit.acquire.imaging import COMPLETE, E01, RAW, WITH_GAPS
from evkit.acquire.output import checkpoint
from evkit.acquire.output.rawout import parts_of
from evkit.acquire.recognise import choose
from evkit.core.errors import CheckFailedError, EvkitError, InputError
from evkit.hashing import pieces
from evkit.images.e01.errorlist import to_sectors
from evkit.images.e01.reader import E01Image
from evkit.images.e01.writer import Finished
from evkit.images.raw import RawImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.imaging import Imaging, Order
    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.output.branch import Branch
    from evkit.acquire.output.resumed import Resumed
    from evkit.images.model import Image

_HEX = re.compile(r"[0-9a-f]{32,128}")


def open_image(branch: Branch, names: Sequence[str], form: str) -> Image:
    """Open what is written so far.

    Raises:
        InputError: it is no image.
        OSError: it cannot be read.
    """
    paths = [branch.part(name) for name in names]
    return E01Image(paths, partial=True) if form == E01 else RawImage(paths)


def check_last(
    order: Order,
    names: Sequence[str],
    form: str,
    last: tuple[int, bytes] | None,
    until: int = 0,
) -> None:
    """Compare the last durable block on every medium with what was read from the source.

    Args:
        order: its branches that hold something else are left out from now on.
        names: the files that hold it.
        form: `raw` or `e01`.
        last: number of the block and its piece nodes; None when nothing was durable.
        until: bytes of the medium that are stored; what lies behind the block can be decoded.

    Raises:
        CheckFailedError: no copy holds it.
    """
    if last is None:
        return
    number, nodes = last
    live = [branch for branch in order.branches if branch.error is None]
    for branch in live:
        why = "it holds something else"
        try:
            with open_image(branch, names, form) as image:
                start = number * engine.BLOCK
                wanted = max(engine.BLOCK, until - start)
                data = image.read(start, wanted)
            if (
                len(data) == wanted
                and pieces.hash_groups(memoryview(data)[: engine.BLOCK], None) == nodes
            ):
                continue
        except (OSError, EvkitError) as error:
            why = error.message if isinstance(error, EvkitError) else str(error.strerror or error)
        branch.error = CheckFailedError(
            f"the {branch.copy} copy does not hold what was read, in bytes "
            f"{number * engine.BLOCK} to {(number + 1) * engine.BLOCK} of the medium: {why}",
            hint="it was changed or lost after the stop: record the stopped work with `--finish` "
            "and start a new acquisition",
        )
    if live and all(branch.error is not None for branch in live):
        raise live[0].error or CheckFailedError("no copy holds what was read")


def nodes_in_passes(order: Order, chart: RescueMap) -> dict[int, bytes]:
    """Return nodes, by number of the MiB, of some pieces that were read in passes.

    Passes keep no pieces: they are made of what the first copy that can be read holds.
    """
    chosen = choose(chart.ranges(mapfile.FINISHED), chart.size)
    names = [name for name, _ in parts_of(chart.size, order.split)]
    for branch in order.branches:
        if branch.error is not None:
            continue
        with contextlib.suppress(OSError, EvkitError), open_image(branch, names, RAW) as image:
            return {
                number: pieces.group_node(
                    image.read(
                        number * pieces.GROUP_BYTES,
                        min(pieces.GROUP_BYTES, chart.size - number * pieces.GROUP_BYTES),
                    )
                )
                for number in chosen
            }
    return {}  # the work does not go on without them either


def whole_state(made: Imaging, order: Order) -> dict[str, Any]:
    """Return what is kept of an image that is complete but neither verified nor named."""
    if made.outcome is None:
        raise ValueError("nothing was read")
    return {
        "format": made.format,
        "size": made.outcome.size,
        "digests": dict(made.outcome.digests),
        "files": [part.to_json() for part in made.files],
        "retries": made.retries,
        "buffered": [branch.copy for branch in order.branches if not branch.direct],
    }


def take_up(made: Imaging, order: Order, resumed: Resumed) -> None:
    """Fill the result of an image that was complete when the work was stopped.

    Raises:
        InputError: what was kept of it is damaged.
    """
    value = resumed.whole
    size, digests = value.get("size"), value.get("digests")
    form, retries = value.get("format"), value.get("retries", 0)
    numbers = type(size) is int and size >= 0 and type(retries) is int and retries >= 0
    if not numbers or form not in {RAW, E01} or not _are_digests(digests, order.names):
        raise InputError("what the journal keeps of the complete image is malformed")
    tally = engine.Tally.fresh(order.names, block_nodes=order.block_nodes)
    checkpoint.load(order.folder, tally, int(size or 0), engine.BLOCK)
    found = tally.outcome()
    made.format = str(form)
    made.files = list(resumed.files())
    made.retries = int(retries or 0)
    made.bytes_read = found.size
    made.gaps = []
    if value.get("gaps") is True:
        made.map = resumed.load_map(order.folder, found.size)
        made.gaps = list(made.map.ranges(*mapfile.UNREAD))
        made.bytes_read = made.map.total(mapfile.FINISHED)
    if form == E01 and order.plan is not None:
        errors, unsaid = to_sectors(made.gaps, order.plan.medium, order.plan.error_entries)
        made.container = Finished(
            segments=len(made.files), errors=tuple(errors), unsaid=unsaid,
            altered=order.plan.headers.altered,
        )  # fmt: skip
    for branch in order.branches:
        branch.direct = branch.copy not in (value.get("buffered") or ())
    made.outcome = dataclasses.replace(found, digests=dict(digests or {}))
    made.result = WITH_GAPS if made.gaps else COMPLETE


def _are_digests(value: object, names: Sequence[str]) -> bool:
    if not isinstance(value, dict) or set(value) != set(names):
        return False
    found: Mapping[str, object] = value
    return all(isinstance(one, str) and _HEX.fullmatch(one) for one in found.values())
