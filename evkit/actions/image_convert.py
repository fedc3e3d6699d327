"""`evkit image convert` and `export` of image files, outside any station: no record is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.acquire import imaging
from evkit.acquire.converting import convert
from evkit.acquire.stopping import Stop
from evkit.actions import image_details, image_job, image_target
from evkit.actions.image_result import Converted, Planned
from evkit.core.errors import CheckFailedError
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.converting import Origin
    from evkit.actions.image_job import Request
    from evkit.actions.image_target import Target

CONVERTED, EXPORTED = "converted", "exported"


def run(
    source: bytes,
    target: bytes,
    request: Request,
    *,
    chart: bytes | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Converted | Planned:
    """Convert an image file, or export a part of it.

    Args:
        source: any file of the image.
        target: first file of the new image.
        request: how.
        chart: map of the source; None for one beside a raw image, `none` for none.
        dry_run: make every check, write nothing.
        progress: hears how far it is.

    Raises:
        InputError: the source cannot be opened or decoded at all.
        CheckFailedError: it does not hold what it states, or the new files read back different.
        RefusedError: a file of the new image is there already.
        StorageError: the destination fails or has no room.
        UsageError: the new format cannot hold the medium.
    """
    form = image_target.format_of(target, request.format)
    with image_job.open_path(source, chart) as whole:
        origin = image_job.narrowed(whole, request)
        place = image_target.choose(target, form, request.split, origin.size)
        order, remarks = _order(origin, place, request, source)
        if dry_run:
            return _planned(source, origin, place)
        with Stop() as stop:
            done = convert(origin, order, stop, progress)
        if done.made.error is not None:
            raise done.made.error
        if done.made.verified is not True:
            raise CheckFailedError(
                "the new files read back different from what was written; they got no name",
                hint="the destination is failing: use another one",
            )
        return Converted(
            source=f"`{escape_bytes(source)}`",
            source_format=origin.image.format,
            done=done,
            files=tuple(place.branch.path(file.name) for file in done.made.files),
            map=place.map if done.made.map is not None else None,
            words=EXPORTED if request.is_part else CONVERTED,
            part=part_of(origin),
            remarks=(*remarks, *origin.image.remarks, *of_target(done.made)),
        )


def part_of(origin: Origin) -> tuple[int, int, int] | None:
    """Return offset, length and the bytes of the whole, None when all of it is taken."""
    return (*origin.window, origin.image.size) if origin.window is not None else None


def _order(
    origin: Origin, place: Target, request: Request, source: bytes
) -> tuple[imaging.Order, list[str]]:
    plan, remarks = None, list[str]()
    if place.format == imaging.E01:
        details, remarks = image_details.details_of(origin.image, image_job.shown(source))
        plan = image_details.plan_for(origin, details, request.compress, place.split or 0)
    order = imaging.Order(
        folder=place.branch.folder,
        branches=(place.branch,),
        names=image_job.names_for(origin, place.format),
        format=place.format,
        plan=plan,
        split=None if plan is not None else place.split,
        files=place.names,
    )
    return order, remarks


def of_target(made: imaging.Imaging) -> list[str]:
    """Say what an E01 could not hold."""
    found = []
    if made.container is not None:
        found += [f"`{name}` could not be carried over whole" for name in made.container.altered]
        if made.container.unsaid:
            found.append(
                f"{made.container.unsaid:,} unread sectors do not fit into the error list; "
                "the map has them"
            )
    return found


def _planned(source: bytes, origin: Origin, place: Target) -> Planned:
    name = place.names.whole if place.format == imaging.RAW else place.names.segment(1)
    if place.format == imaging.RAW and place.split is not None:
        name = place.names.part(1)
    return Planned(
        source=f"`{escape_bytes(source)}`",
        source_format=origin.image.format,
        size=origin.size,
        target=f"`{escape_bytes(place.branch.path(name))}`",
        format=place.format,
        words=CONVERTED if origin.window is None else EXPORTED,
        part=part_of(origin),
        compared=len(origin.stated),
    )
