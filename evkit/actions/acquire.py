"""`evkit acquire`: image a device, a file or a stream, with a signed record before and after."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from evkit.acquire import engine, gaps, host, imaging, log, preflight, source
from evkit.acquire.reading import facts_after, reader_for
from evkit.acquire.stopping import Stop
from evkit.actions.acquire_job import Job
from evkit.actions.acquire_log import write_log
from evkit.actions.acquire_result import Acquired, Planned, media_fields
from evkit.actions.longwork import Plan, Work, check_plan, without_station
from evkit.core import clock
from evkit.core.errors import StorageError, UsageError
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import parse_ref
from evkit.hashing.digests import ALGORITHMS
from evkit.images import detect
from evkit.ledger.event import Subject

if TYPE_CHECKING:
    from evkit.acquire.source import Facts, Opened
    from evkit.actions.acquire_job import Request
    from evkit.core.ejson import Json
    from evkit.identity.signer import Signer
    from evkit.station import Station

SOURCE_CHANGED = "source-changed"
_SAMPLE_SECONDS = 2.0


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
                order = imaging.Order(
                    folder=work.folder,
                    names=job.request.names,
                    verify=request.verify,
                    block_nodes=request.block_nodes,
                )
                made = imaging.make(opened, order, stop, progress)
                return _record_end(signer, work, job, made)
            finally:
                work.close()
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
            facts=opened.facts,
            report=job.report,
            names=job.request.names,
            verify=request.verify,
            seconds=_estimate(opened, job.request),
            deviations=tuple((entry.code, entry.text) for entry in draft.deviations),
        )
    finally:
        opened.close()


def _prepare(station: Station, request: Request, opened: Opened) -> Job:
    unknown = set(request.names) - set(ALGORITHMS)
    if unknown or request.verify not in {imaging.NOW, imaging.LATER, imaging.NONE}:
        raise UsageError("an unknown digest or way to verify")
    wanted = {*request.names, "sha256"}
    request = dataclasses.replace(
        request, names=tuple(name for name in ALGORITHMS if name in wanted)
    )
    if opened.facts.kind == "file":
        detect.need_raw(opened.facts.path, detect.detect(opened.facts.path))
    report = preflight.examine(opened.facts, station.place.home, block_nodes=request.block_nodes)
    typed, rest = log.stated(request.fields)
    values: dict[str, object] = {
        "type": "full",
        "format": "raw",
        **rest,
        "source": source.fields(opened.facts),
        "host": host.fields(),
        "preflight": report.fields(),
        "plan": _plan_fields(request, opened.facts),
    }
    blocker = {
        name.partition(".")[2]: text
        for name, text in typed.items()
        if name.startswith("write_blocker.")
    }
    if blocker:
        values["write_blocker"] = blocker
    plan = Plan(
        what="acquire",
        exhibit=parse_ref(request.exhibit).of_exhibit(),
        values=values,
        happened=request.happened,
        reason=request.reason,
        deviations=preflight.deviations(report, request.reason),
    )
    return Job(request=request, opened=opened, report=report, plan=plan, typed=typed)


def _plan_fields(request: Request, facts: Facts) -> dict[str, Json]:
    return {
        "digests": list(request.names),
        "piece_tree": True,
        "verify": request.verify,
        "length_known": facts.size is not None,
        "read_past_cache": facts.kind == "block",
    }


def _record_end(signer: Signer, work: Work, job: Job, made: imaging.Imaging) -> Acquired:
    facts = job.opened.facts
    reason = job.request.reason or "not stated"
    changed = source.changes(facts, facts_after(job.opened))
    deviations = [(SOURCE_CHANGED, f"the source changed while it was read: {text}", reason)
                  for text in changed]  # fmt: skip
    known = [(d.code, d.text, d.reason or "not stated") for d in work.start.event.deviations]
    known += deviations
    values: dict[str, object] = {"result": made.result, "made_by": "evkit", "format": "raw"}
    values["verification"] = made.verification or {"state": "not-made"}
    try:
        artifact, summary = write_log(work, job, made, signer, known)
        made.artifacts.append(artifact)
        values["log"] = summary
    except StorageError as error:
        made.error = made.error or error
    if made.outcome is not None and made.result in {imaging.COMPLETE, imaging.WITH_GAPS}:
        values["media"] = media_fields(made, facts)
    if made.artifacts:
        values["artifacts"] = [artifact.fields() for artifact in made.artifacts]
    if made.gaps:
        values["unread"] = {**gaps.fields(made.gaps), "retries": made.retries}
    if made.error is not None:
        values["error"] = without_station(made.error.message, work.folder)[:1000]
    values["bytes"] = made.bytes_read
    subjects = []
    if "media" in values and made.outcome is not None:
        subjects = [Subject(str(work.ref), dict(made.outcome.digests))]
    ended = work.end(values, subjects, deviations)
    return Acquired(
        ref=str(work.ref),
        folder=work.folder,
        facts=facts,
        made=made,
        start=work.start.index,
        ended=ended,
        remarks=tuple(text for _, text, _ in known),
        changed=bool(changed),
    )


def _estimate(opened: Opened, request: Request) -> float | None:
    """Read and digest a sample; return seconds for the whole, None for a stream."""
    size = opened.facts.size
    if size is None:
        return None
    reader = reader_for(opened)
    start = clock.monotonic()
    try:
        outcome = engine.read_all(_Sample(reader, start), engine.Order(names=request.names))
    finally:
        reader.close()
    spent = clock.monotonic() - start
    if not outcome.size:
        return 0.0
    rounds = 2 if request.verify == imaging.NOW else 1
    return spent / outcome.size * size * rounds


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
