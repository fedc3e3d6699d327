"""`evkit acquire --type targeted`: the files of a list, from a mounted or a running system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import host, imaging, log, mounted, preflight, scene, selecting, taking, wanted
from evkit.acquire.stopping import Stop
from evkit.actions import decided, targeted_log
from evkit.actions import targeted_job as jobs
from evkit.actions.acquire_job import TARGETED
from evkit.actions.intake import given_up
from evkit.actions.intake_files import Copying, take_each
from evkit.actions.intake_job import Taken
from evkit.actions.longwork import Plan, Work, check_plan, without_station
from evkit.actions.nameless import selection_without_names, without_names
from evkit.actions.targeted_job import Job, Wish
from evkit.actions.targeted_result import PlannedFiles, TakenFiles
from evkit.core import durable
from evkit.core.errors import EvkitError, InputError, InterruptedByUserError
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import parse_ref
from evkit.core.text import escape_bytes
from evkit.hashing.digests import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.selecting import Seen
    from evkit.identity.signer import Signer
    from evkit.station import Station

_ROW = 1024  # bytes of a row of the list, for the check of room


def run(station: Station, signer: Signer, wish: Wish, progress: Progress = SILENT) -> TakenFiles:
    """Acquire the files of a list.

    Raises:
        CaseError: case or exhibit is not registered.
        InputError: the folder or the list cannot be used, or nothing of the list is there.
        StorageError: the station has no room.
    """
    job = _prepare(station, wish)
    with Stop() as stop:
        work = Work(station, signer, job.plan, progress)
        try:
            taken, seen = Taken(), None
            try:
                _copy(job, work.folder, (stop, progress), taken)
                seen = _count(job, (stop, progress))
                _keep_wanted(job, work.folder, taken)
            except InterruptedByUserError as error:
                given_up(work.folder, taken, imaging.STOPPED, error)
            except EvkitError as error:
                given_up(work.folder, taken, imaging.FAILED, error)
            return _record_end(station, work, signer, job, (taken, seen))
        finally:
            work.close()


def dry_run(station: Station, wish: Wish) -> PlannedFiles:
    """Make every check and count, write nothing."""
    job = _prepare(station, wish)
    draft = check_plan(station, job.plan)
    with Stop() as stop:
        seen = _count(job, (stop, SILENT))
    return PlannedFiles(
        ref=draft.acquisitions[0],
        job=job,
        seen=seen,
        deviations=tuple((entry.code, entry.text) for entry in draft.deviations),
    )


def _prepare(station: Station, wish: Wish) -> Job:
    folder = mounted.look(wish.source)
    items = wanted.parse(wish.listed)
    typed, rest = log.stated(scene.settle(scene.flat(wish.fields)))
    home = station.place.home
    bounds = selecting.bounds_of(folder.real, cross=wish.cross, station=home)
    chosen = selecting.Selection(folder.real, items, bounds)
    things = total = 0
    for found in chosen.found():
        things += 1
        if found.type == taking.FILE and found.facts is not None:
            total += found.facts.st_size
    if not things:
        raise InputError(
            f"nothing of the list is below `{escape_bytes(wish.source)}`",
            hint="paths of the list are relative to that folder; was the right one named?",
        )
    needed = preflight.space_for(total) + things * _ROW
    report = mounted.examine(folder, home, needed)
    return Job(
        wish=wish,
        folder=folder,
        bounds=bounds,
        selection=chosen,
        things=things,
        total=total,
        report=report,
        typed=typed,
        plan=Plan(
            what="acquire",
            exhibit=parse_ref(wish.exhibit).of_exhibit(),
            values={
                **rest,
                "type": TARGETED,
                "format": jobs.FORMAT,
                **decided.reason_fields(TARGETED, wish.reason),
                "source": folder.fields(),
                "host": host.fields(),
                "preflight": report.fields(),
                "plan": {
                    "digests": list(_digests(wish)),
                    "list": jobs.list_fields(wish, items),
                    "count": wish.count,
                    "cross": wish.cross,
                },
            },
            happened=wish.happened,
            reason=wish.reason,
            deviations=[
                *preflight.deviations(report, wish.reason),
                *decided.deviations(TARGETED, rest, wish.reason),
            ],
        ),
    )


def _digests(wish: Wish) -> tuple[str, ...]:
    chosen = {*wish.names, "sha256"}
    return tuple(name for name in ALGORITHMS if name in chosen)


def _copy(job: Job, folder: bytes, hears: tuple[Stop, Progress], taken: Taken) -> None:
    how = Copying(task="acquire", names=_digests(job.wish), total=job.total)
    take_each(job.selection.found(), how, folder, hears, taken)


def _count(job: Job, hears: tuple[Stop, Progress]) -> Seen | None:
    """Count what lies below the folder; stopping that leaves a count of what was seen so far."""
    if not job.wish.count:
        return None
    stop, progress = hears
    seen = selecting.Seen()
    progress.begin("count", None, "files")
    try:
        with stop.heard_at_once():
            for number in selecting.count(job.folder.real, job.bounds, seen):
                progress.update("count", number)
    except InterruptedByUserError:
        pass  # the files are copied; `whole` stays false
    progress.end("count", seen.total)
    return seen


def _keep_wanted(job: Job, folder: bytes, taken: Taken) -> None:
    data = jobs.wanted_rows(job.selection)
    durable.write_new(os.path.join(folder, jobs.NAME), data, mode=0o444)
    taken.artifacts.append(imaging.artifact(jobs.NAME, jobs.ROLE, data))


def _record_end(
    station: Station, work: Work, signer: Signer, job: Job, done: tuple[Taken, Seen | None]
) -> TakenFiles:
    taken, seen = done
    without_names(station, str(work.ref), taken)
    reason = job.wish.reason or "not stated"
    changes = [("source-changed", text, reason) for text in taken.changed]
    stated = {k: job.plan.values[k] for k in ("scope", "reason") if k in job.plan.values}
    rows = {**taken.other, "files": taken.files}
    values: dict[str, object] = {
        "result": taken.result,
        "made_by": "evkit",
        "format": jobs.FORMAT,
        "type": TARGETED,
        **stated,
        "files": taken.files,
        "bytes": taken.bytes,
        **taken.values,
    }
    if taken.error is None:
        chosen = jobs.selection_fields(job, rows, seen)
        values["selection"] = selection_without_names(station, str(work.ref), chosen)
    known = [(d.code, d.text, d.reason or "not stated") for d in work.start.deviations]
    decisions = decided.of_end(station, signer, work.ref, values, changes)
    try:
        artifact, values["log"] = targeted_log.write(
            (work, signer, job), taken, decisions, [*known, *changes]
        )
        taken.artifacts.append(artifact)
    except EvkitError as error:
        taken.error = taken.error or error
    if taken.artifacts:
        values["artifacts"] = [entry.fields() for entry in taken.artifacts]
    if taken.error is not None:
        values["error"] = without_station(taken.error.message, work.folder)[:1000]
    subjects = [subject._replace(name=str(work.ref)) for subject in taken.subjects]
    ended = work.end(values, subjects, changes)
    return TakenFiles(
        ref=str(work.ref),
        folder=work.folder,
        job=job,
        start=work.start.index,
        ended=ended,
        taken=taken,
        selection=_mapping(values.get("selection")),
        decisions=tuple(decisions),
        deviations=tuple(text for _, text, _ in [*known, *changes]),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
