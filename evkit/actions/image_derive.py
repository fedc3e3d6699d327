"""`evkit image convert` and `export` of an acquisition: a derived acquisition with its own record.

Its start names what it is made from; its end repeats what is on record of that, says whether what
was read agrees, and states the digests of the new medium. The thing itself is not touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import host, imaging, preflight
from evkit.acquire.converting import convert
from evkit.acquire.stopping import Stop
from evkit.actions import acquire_job, image_details, image_job, recorded_image
from evkit.actions import acquire_places as places
from evkit.actions.image_convert import CONVERTED, EXPORTED, part_of
from evkit.actions.image_record import Attempt, record_end, station_details
from evkit.actions.image_result import Planned
from evkit.actions.longwork import Plan, Work, check_plan
from evkit.core.errors import StorageError, UndecidedError
from evkit.core.progress import SILENT, Progress
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.acquire.converting import Origin
    from evkit.actions.image_job import Request
    from evkit.actions.image_result import Converted
    from evkit.actions.recorded_image import Recorded
    from evkit.core.refs import Ref
    from evkit.identity.signer import Signer
    from evkit.images.e01.plan import Plan as E01Plan
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """What is to be made from which acquisition.

    Attributes:
        parent: the acquisition.
        exhibit: the exhibit that the new acquisition belongs to.
        request: how, and which part.
    """

    parent: Ref
    exhibit: Ref
    request: Request

    @property
    def words(self) -> str:
        """What is done, in one word."""
        return EXPORTED if self.request.is_part else CONVERTED


@dataclass(frozen=True, kw_only=True)
class Job:
    """A derivation with what was found before anything is recorded.

    Attributes:
        recorded: the parent.
        origin: its image, opened.
        carrier: format, division and place of the new image, as for an acquisition.
        plan: of the record.
    """

    wish: Derivation
    recorded: Recorded
    origin: Origin
    carrier: acquire_job.Request
    plan: Plan


def look(station: Station, wish: Derivation) -> None:
    """Make every check that needs no record; errors as `run`."""
    with _prepared(station, wish):
        pass


def dry_run(station: Station, wish: Derivation) -> Planned:
    """Make every check, write nothing."""
    with _prepared(station, wish) as job:
        draft = check_plan(station, job.plan)
        return Planned(
            source=str(wish.parent),
            source_format=job.origin.image.format,
            size=job.origin.size,
            target=draft.acquisitions[0],
            format=job.carrier.format or imaging.RAW,
            words=wish.words,
            part=part_of(job.origin),
            compared=len(job.origin.stated),
            deviations=tuple(entry.text for entry in draft.deviations),
        )


def run(
    station: Station, signer: Signer, wish: Derivation, progress: Progress = SILENT
) -> Converted:
    """Convert an acquisition, or export a part of it, and record it.

    Raises:
        CaseError: parent or exhibit is not on record, or the image is not here.
        CheckFailedError: the pieces file of the parent is not the recorded one.
        UndecidedError: nothing is on record that could be compared.
        InputError: the image cannot be opened, or its length is not the recorded one.
        UsageError: the new format cannot hold the medium, or there is no such part.
        StorageError: there is no room.
    """
    with _prepared(station, wish) as job, Stop() as stop:
        work = Work(station, signer, job.plan, progress)
        try:
            order = _order(station, job, work)
            done = convert(job.origin, order, stop, progress)
            attempt = Attempt(
                work=work, recorded=job.recorded, origin=job.origin, order=order, done=done,
                kind=job.plan.values.get("type"), reason=wish.request.reason,
            )  # fmt: skip
            return record_end(station, attempt, wish.words)
        finally:
            work.close()


@contextlib.contextmanager
def _prepared(station: Station, wish: Derivation) -> Iterator[Job]:
    recorded = recorded_image.find(station, wish.parent)
    request = wish.request
    if request.is_part and recorded.tree is None:
        raise UndecidedError(
            f"the pieces of `{wish.parent}` are not here, so that a part of it cannot be compared "
            "with its record",
            hint="bring its pieces file back from a copy, or take the whole with "
            f"`evkit image convert {wish.parent}`",
        )
    with image_job.open_recorded(recorded) as whole:
        origin = image_job.narrowed(whole, request)
        form = request.format or _default(origin, request)
        carrier = acquire_job.Request(
            source=b"", exhibit=str(wish.exhibit), format=form, compress=request.compress,
            split=request.split, to=request.to,
        )  # fmt: skip
        homes = places.destinations(carrier, station.place.home)
        _need_room(homes[0], carrier, origin.size)
        split, _ = places.split_for(carrier, origin.size, homes)
        carrier = dataclasses.replace(carrier, split=split)
        if form == imaging.E01:  # refuses what an E01 cannot hold, before anything is recorded
            details, _ = image_details.details_of(origin.image, "")
            image_details.plan_for(origin, details, request.compress, split or 0)
        yield Job(
            wish=wish,
            recorded=recorded,
            origin=origin,
            carrier=carrier,
            plan=_plan(wish, recorded, origin, carrier),
        )


def _default(origin: Origin, request: Request) -> str:
    """Return the format: the other one of a whole image, E01 for a part that fits into one."""
    if not request.is_part:
        return imaging.RAW if origin.image.format in image_details.CONTAINERS else imaging.E01
    odd = origin.size % (origin.image.sector_size or 512)
    return imaging.RAW if odd else imaging.E01


def _plan(
    wish: Derivation, recorded: Recorded, origin: Origin, carrier: acquire_job.Request
) -> Plan:
    request = wish.request
    kind = recorded.event.fields.get("type")
    if request.is_part:
        kind = acquire_job.PARTITION if request.part is not None else acquire_job.RANGE
    planned: dict[str, Any] = {
        "work": wish.words,
        "digests": list(image_job.names_for(origin, carrier.format or imaging.RAW)),
        "piece_tree": True,
        "verify": imaging.NOW,
    }
    if carrier.is_e01:
        planned["compression"] = carrier.compress
    if carrier.split is not None:
        planned["split"] = carrier.split
    if request.is_part:
        planned["part"] = request.part or request.range
    values: dict[str, object] = {
        "type": kind if isinstance(kind, str) else acquire_job.FULL,
        "format": carrier.format,
        **({} if request.is_part else _scope(recorded)),
        **request.fields,
        "derived_from": [str(wish.parent)],
        "source": {
            "kind": "acquisition",
            "acquisition": str(wish.parent),
            "format": origin.image.format,
            "files": len(recorded.files),
            "size": recorded.size,
        },
        "host": host.fields(),
        "plan": planned,
    }
    return Plan(
        what="acquire",
        exhibit=wish.exhibit,
        values=values,
        happened=request.happened,
        reason=request.reason,
    )


def _scope(recorded: Recorded) -> dict[str, object]:
    """Return what the parent says of why only a part was taken: it is true of another form too."""
    scope = recorded.event.fields.get("scope") or recorded.start_fields.get("scope")
    return {"scope": scope} if isinstance(scope, str) else {}


def _order(station: Station, job: Job, work: Work) -> imaging.Order:
    carrier, origin = job.carrier, job.origin
    plan: E01Plan | None = None
    if carrier.is_e01:
        details = station_details(station, work, job.recorded, origin)
        plan = image_details.plan_for(
            origin, details, carrier.compress, carrier.split or 0, _guid(work)
        )
    return imaging.Order(
        folder=work.folder,
        branches=places.branches(carrier, work.ref, work.folder),
        names=image_job.names_for(origin, carrier.format or imaging.RAW),
        format=carrier.format or imaging.RAW,
        plan=plan,
        split=None if plan is not None else carrier.split,
    )


def _guid(work: Work) -> bytes:
    from evkit.actions.acquire_e01 import guid_of

    return guid_of(work.start.event_id)


def _need_room(folder: bytes, carrier: acquire_job.Request, size: int) -> None:
    free, needed = preflight.room(folder), preflight.space_for(size)
    packed = carrier.is_e01 and carrier.compress != "none"
    if free is not None and free < needed and not packed:
        raise StorageError(
            f"`{escape_bytes(folder)}` has {in_words(free)} free, {in_words(needed)} are needed",
            hint="free space there, or put the image elsewhere with `--to DIR`",
        )
