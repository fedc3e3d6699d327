"""`evkit acquire`: image a device, a file or a stream, with a signed record before and after."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine, host, imager, imaging, log, partitions, preflight, scene, source
from evkit.acquire.reading import MediumReader
from evkit.acquire.stopping import Stop
from evkit.actions import acquire_places as places
from evkit.actions import decided
from evkit.actions.acquire_e01 import medium_of, plan_for
from evkit.actions.acquire_job import (
    LIVE,
    PARTITION,
    RANGE,
    Attempt,
    Job,
    check_inventory,
    lister_for,
)
from evkit.actions.acquire_order import order_for, read_rescue
from evkit.actions.acquire_planned import Planned
from evkit.actions.acquire_record import record_end
from evkit.actions.custody import require_case, require_exhibit
from evkit.actions.longwork import Plan, Work, check_plan
from evkit.core import clock
from evkit.core.errors import RefusedError, UsageError
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import parse_ref
from evkit.core.text import escape_bytes
from evkit.hashing.digests import ALGORITHMS
from evkit.images import detect
from evkit.images.e01.header import Details
from evkit.images.e01.plan import Plan as E01Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.acquire.source import Facts, Opened
    from evkit.actions.acquire_job import Request
    from evkit.actions.acquire_result import Acquired
    from evkit.core.ejson import Json
    from evkit.identity.signer import Signer
    from evkit.station import Station

_SAMPLE_SECONDS = 2.0
_VERIFY = {imaging.NOW, imaging.LATER, imaging.NONE}


def run(
    station: Station, signer: Signer, request: Request, progress: Progress = SILENT
) -> Acquired:
    """Acquire a source.

    Raises:
        CaseError: case or exhibit is not registered.
        RefusedError: reading would alter the source, or the destination lies on it.
        InputError: the source cannot be opened, or is a container.
        StorageError: the destination has no room.
    """
    opened = source.open_source(request.source)
    try:
        job = _prepare(station, request, opened)
        with Stop() as stop:
            work = Work(station, signer, job.plan, progress)
            try:
                e01 = None
                if job.request.is_e01:
                    e01 = plan_for(station, signer, job, work, job.request.split or 0)
                lister = lister_for(request, work, progress)
                order = dataclasses.replace(order_for(job, work, e01), observer=lister)
                made = imager.make(job.opened, order, stop, progress)
                attempt = Attempt(work=work, job=job, order=order, made=made)
                acquired = record_end(station, signer, attempt)
                return lister.complete(station, signer, acquired, stop) if lister else acquired
            finally:
                work.close()
    finally:
        opened.close()


def run_unlocking(
    station: Station,
    unlocked: Callable[[], Signer],
    request: Request,
    progress: Progress = SILENT,
) -> Acquired:
    """Acquire a source with a key that is being unlocked; nothing is read before it is.

    Raises:
        EvkitError: as `run`.
        IdentityError: the key cannot be unlocked.
    """
    exhibit = parse_ref(request.exhibit).of_exhibit()
    replayed = station.state(exhibit.case)  # meanwhile: a long ledger takes a while
    require_case(replayed, exhibit.case)
    require_exhibit(replayed, str(exhibit))
    return run(station, unlocked(), request, progress)


def look(path: bytes) -> Facts:
    """Return what a source is now, before anything is asked about it.

    Raises:
        InputError: it cannot be opened, or is a container.
        RefusedError: it is a device and this system is not Linux.
    """
    opened = source.open_source(path)
    try:
        if opened.facts.kind == "file":
            detect.need_raw(path, detect.detect(path))
        return opened.facts
    finally:
        opened.close()


def dry_run(station: Station, request: Request) -> Planned:
    """Make every check, read a sample, write nothing."""
    opened = source.open_source(request.source)
    try:
        job = _prepare(station, request, opened)
        draft = check_plan(station, job.plan)
        return Planned(
            ref=draft.acquisitions[0],
            facts=job.opened.facts,
            report=job.report,
            request=job.request,
            remark=job.remark,
            reading=_measure(job.opened, job.request),
            deviations=tuple((entry.code, entry.text) for entry in draft.deviations),
        )
    finally:
        opened.close()


def _prepare(station: Station, request: Request, opened: Opened) -> Job:
    if opened.facts.kind == "file":
        detect.need_raw(opened.facts.path, detect.detect(opened.facts.path))
    _need_same(request, opened)
    opened = narrowed(request, opened)
    facts = opened.facts
    request = _settled(request, facts)
    if request.rescued is not None:
        read_rescue(request.rescued, facts.size or 0)
    typed, rest = log.stated(scene.settle(scene.flat(request.fields)))
    allow = {preflight.LITTLE_ROOM} if request.is_e01 and request.compress != "none" else set()
    allow |= {preflight.IN_USE} if request.type == LIVE else set()
    homes = places.destinations(request, station.place.home)
    reports = [
        preflight.examine(
            facts,
            home,
            block_nodes=request.block_nodes,
            label=scene.label_of(typed),
            ask_drive=home is homes[0],
            allow=frozenset(allow),
        )
        for home in homes
    ]
    split, remark = places.split_for(request, facts.size, homes)
    request = dataclasses.replace(request, split=split)
    if request.is_e01:  # refuses what an E01 cannot hold, before anything is recorded
        E01Plan(
            medium=medium_of(opened, typed), details=Details(acquired=0), guid=bytes(16),
            segment_size=split or 0,
        )  # fmt: skip
    values: dict[str, object] = {
        "type": request.type,
        "format": request.format,
        **decided.reason_fields(request.type, request.reason),
        **rest,
        "source": source.fields(facts),
        "host": host.fields(),
        "preflight": reports[0].fields(),
        "plan": _plan_fields(request, facts),
    }
    blocker = _group(typed, "write_blocker.")
    if blocker:
        values["write_blocker"] = blocker
    plan = Plan(
        what="acquire",
        exhibit=parse_ref(request.exhibit).of_exhibit(),
        values=values,
        happened=request.happened,
        reason=request.reason,
        deviations=[
            *preflight.deviations(reports[0], request.reason),
            *decided.deviations(request.type, rest, request.reason),
        ],
    )
    if request.to is not None or request.also is not None:
        places.check_free(request, parse_ref(check_plan(station, plan).acquisitions[0]))
    return Job(
        request=request, opened=opened, report=reports[0], plan=plan, typed=typed, remark=remark
    )


def _group(typed: dict[str, str], stem: str) -> dict[str, str]:
    return {name.removeprefix(stem): text for name, text in typed.items() if name.startswith(stem)}


def _need_same(request: Request, opened: Opened) -> None:
    """Refuse a source that was exchanged since it was chosen.

    Raises:
        RefusedError: it is another one now.
    """
    changed = source.same_device(request.planned, opened.facts) if request.planned else []
    if changed:
        raise RefusedError(
            f"`{escape_bytes(request.source)}` is another source than the one that was chosen: "
            f"{'; '.join(changed)}",
            hint="look at what is plugged in and start again",
        )


def narrowed(request: Request, opened: Opened) -> Opened:
    """Return the source with only the part that is wanted.

    Raises:
        UsageError: there is no such part, or none is named.
    """
    facts = opened.facts
    if request.type not in {PARTITION, RANGE}:
        if request.part is not None:
            raise UsageError("`--part` goes with `--type partition` or `--type range`")
        return opened
    if request.part is None or facts.size is None:
        raise UsageError(
            f"`--type {request.type}` needs `--part`",
            hint="such as `--part 2` for a partition, `--part 2048s+204800s` for a range",
        )
    if request.type == PARTITION:
        part = partitions.choose(opened, request.part)
        return source.narrowed(opened, part.offset, part.length)
    offset, length = partitions.read_range(request.part, facts.sector_size, facts.size)
    return source.narrowed(opened, offset, length)


def _settled(request: Request, facts: Facts) -> Request:
    """Return the request with everything chosen that was left open.

    Raises:
        UsageError: an answer is none of those there are, or two do not go together.
    """
    form = places.default_format(request, facts.size, facts.sector_size)
    if form == imaging.E01 and facts.size is None:
        raise UsageError(
            "an E01 states the length of the medium first, and that of a stream is not known",
            hint="use `--format raw`, then `evkit image convert`",
        )
    if request.rescued is not None and form != imaging.RAW:
        raise UsageError("a rescue is taken over as a raw image", hint="add `--format raw`")
    if request.reread and facts.size is None:
        raise UsageError("a stream cannot be read a second time", hint="leave out `--reread`")
    request = dataclasses.replace(request, format=form)
    unknown = set(request.digests) - set(ALGORITHMS)
    if unknown or request.verify not in _VERIFY:
        raise UsageError("an unknown digest or way to verify")
    check_inventory(request)
    wanted = {*request.digests, "sha256"}
    if form == imaging.E01:
        wanted.add("md5")  # the container holds it; every reader looks for it
    return dataclasses.replace(request, names=tuple(name for name in ALGORITHMS if name in wanted))


def _plan_fields(request: Request, facts: Facts) -> dict[str, Json]:
    plan: dict[str, Json] = {
        "digests": list(request.digests),
        "piece_tree": True,
        "verify": request.verify,
        "length_known": facts.size is not None,
        "read_past_cache": facts.kind == "block",
        "copies": 1 if request.also is None else 2,
    }
    if request.reread:
        plan["reread"] = True
    if request.is_e01:
        plan["compression"] = request.compress
    if request.split is not None:
        plan["split"] = request.split
    if request.part is not None:
        plan["part"] = request.part
    if request.inventory:
        plan["inventory"] = True
    return plan


def _measure(opened: Opened, request: Request) -> dict[str, Any] | None:
    """Read and digest a sample; return bytes and seconds, None for a stream."""
    if opened.facts.size is None:
        return None
    reader = MediumReader(opened, wary=True)  # a sample does not wait at bad sectors
    start = clock.monotonic()
    encoding = None
    if request.is_e01:
        encoding = engine.Encoding(
            compression=request.compress, append=lambda _stored, _sizes: None
        )
    try:
        outcome = engine.read_all(
            _Sample(reader, start), engine.Order(names=request.digests, encoding=encoding)
        )
    finally:
        reader.close()
    return {"bytes": outcome.size, "seconds": clock.monotonic() - start}


class _Sample:
    """The start of a source, for two seconds or 512 MiB."""

    def __init__(self, reader: engine.Source, start: float) -> None:
        self._reader = reader
        self._start = start
        self._left = 512 << 20

    def fill(self, view: memoryview) -> int:
        """Fill `view`, or nothing when the sample is large enough."""
        if self._left <= 0 or clock.monotonic() - self._start > _SAMPLE_SECONDS:
            return 0
        self._left -= len(view)
        return self._reader.fill(view)
