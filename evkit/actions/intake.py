"""`evkit intake`: take in files, folders, and images made by another tool."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import expect, host, preflight, taking
from evkit.acquire.imaging import FAILED, STOPPED
from evkit.acquire.stopping import Stop
from evkit.actions.intake_hints import command, image_hints
from evkit.actions.intake_job import IMAGE, KINDS, Job, Taken, missing_of_kind
from evkit.actions.intake_result import PlannedIntake, TakenIn
from evkit.actions.longwork import Plan, Work, check_plan, without_station
from evkit.actions.nameless import without_names
from evkit.core.errors import (
    EvkitError,
    InterruptedByUserError,
    RefusedError,
    StorageError,
    UsageError,
)
from evkit.core.paths import to_fields
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import parse_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.hashing.digests import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.expect import Expected
    from evkit.actions.intake_job import Request
    from evkit.identity.signer import Signer
    from evkit.ledger.event import Subject
    from evkit.station import Station


def run(station: Station, signer: Signer, request: Request, progress: Progress = SILENT) -> TakenIn:
    """Take in what the request names.

    Raises:
        CaseError: case or exhibit is not registered.
        InputError: a path does not exist, or the image cannot be opened.
        RefusedError: the station lies inside what is to be taken in.
        StorageError: the destination has no room.
    """
    job = _prepare(station, request)
    with Stop() as stop:
        work = Work(station, signer, job.plan, progress)
        try:
            taken = Taken()
            try:
                _take(job, work, stop, progress, taken)
            except InterruptedByUserError as error:
                given_up(work.folder, taken, STOPPED, error)
            except EvkitError as error:
                given_up(work.folder, taken, FAILED, error)
            without_names(station, str(work.ref), taken)
            return _record_end(work, job, taken)
        finally:
            work.close()


def dry_run(station: Station, request: Request) -> PlannedIntake:
    """Make every check, write nothing."""
    job = _prepare(station, request)
    draft = check_plan(station, job.plan)
    return PlannedIntake(
        ref=draft.acquisitions[0],
        kind=request.kind,
        count=job.count,
        total=job.total,
        in_place=request.in_place,
        hints=job.hints,
        deviations=tuple((entry.code, entry.text) for entry in draft.deviations),
    )


def _prepare(station: Station, request: Request) -> Job:
    if request.kind not in KINDS:
        raise UsageError(f"no kind of delivery `{request.kind}`", hint=f"one of {', '.join(KINDS)}")
    if not request.paths:
        raise UsageError("what is to be taken in?", hint="name files or folders")
    expected = expect.parse(request.expect) if request.expect else None
    wanted = {*request.names, "sha256", *(expected.algorithms if expected else ())}
    request = dataclasses.replace(
        request, names=tuple(name for name in ALGORITHMS if name in wanted)
    )
    total, count = _measure(station, request)
    return Job(
        request=request,
        expected=expected,
        plan=_plan(request, expected),
        total=total,
        count=count,
        hints=image_hints(request),
    )


def _measure(station: Station, request: Request) -> tuple[int, int]:
    """Return bytes and things to take in; refuse what cannot go well."""
    home = os.path.realpath(station.place.home)
    for path in request.paths:
        real = os.path.realpath(path)
        if home == real or home.startswith(real.rstrip(b"/") + b"/"):
            raise RefusedError(
                f"the station lies inside `{escape_bytes(path)}`",
                hint="name the folders beside it one by one",
            )
    total = count = 0
    for found in taking.survey(_all_files(request)):
        count += 1
        if found.type == taking.FILE and found.facts is not None:
            total += found.facts.st_size
    free = preflight.room(station.place.home)
    needed = (0 if request.in_place else preflight.space_for(total)) + count * 1024
    if free is not None and free < needed:
        raise StorageError(
            f"`{escape_bytes(station.place.home)}` has {in_words(free)} free, "
            f"{in_words(needed)} are needed",
            hint="free space there, or digest the files where they lie with `--in-place`",
        )
    return total, count


def _all_files(request: Request) -> Sequence[bytes]:
    """Return what will be read: of an image all its files, not only the one that was named."""
    if request.kind != IMAGE:
        return request.paths
    from evkit.images.opening import find_files

    try:
        files = find_files(request.paths[0])[1]
    except EvkitError:
        return request.paths  # the attempt itself says what is wrong, on record
    return list(dict.fromkeys([*files, *request.paths]))


def _plan(request: Request, expected: Expected | None) -> Plan:
    values: dict[str, object] = {
        **request.fields,
        "kind": request.kind,
        "in_place": request.in_place,
        "source": {"paths": [to_fields(os.path.abspath(path)) for path in request.paths]},
        "host": host.fields(),
        "plan": {
            "digests": list(request.names),
            "reread": request.reread,
            "compared_with": "nothing" if expected is None else str(request.expect)[:1000],
        },
    }
    deviations = []
    missing = missing_of_kind(request.kind, values)
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        text = f"a delivery of kind `{request.kind}` asks for {listed}; not given"
        deviations.append(("missing-fields", text, request.reason or "not stated"))
    return Plan(
        what="intake",
        exhibit=parse_ref(request.exhibit).of_exhibit(),
        values=values,
        happened=request.happened,
        reason=request.reason,
        deviations=deviations,
    )


def _take(job: Job, work: Work, stop: Stop, progress: Progress, taken: Taken) -> None:
    if job.request.kind == IMAGE:
        from evkit.actions.intake_image import take_image

        take_image(job, work.folder, stop, progress, taken)
    else:
        from evkit.actions.intake_files import take_files

        take_files(job, work.folder, stop, progress, taken)


def _record_end(work: Work, job: Job, taken: Taken) -> TakenIn:
    request = job.request
    reason = request.reason or "not stated"
    deviations = [("source-changed", text, reason) for text in taken.changed]
    values: dict[str, object] = {
        "made_by": "evkit",
        **_repeated(job.plan.values),
        **taken.values,
        "result": taken.result,
    }
    if request.kind != IMAGE:  # the content of an image is its medium, not its files
        values |= {"files": taken.files, "bytes": taken.bytes}
    if taken.artifacts:
        values["artifacts"] = [artifact.fields() for artifact in taken.artifacts]
    if taken.table is not None:
        values["expected"] = taken.table.fields()
    if taken.error is not None:
        values["error"] = without_station(taken.error.message, work.folder)[:1000]
    ended = work.end(values, _subjects(work, taken), deviations)
    known = [d.text for d in work.start.deviations]
    return TakenIn(
        ref=str(work.ref),
        folder=work.folder,
        kind=request.kind,
        start=work.start.index,
        ended=ended,
        taken=taken,
        remarks=(*taken.remarks, *known, *taken.changed),
        again=command(request, request.kind),
        hints=job.hints,
    )


def _subjects(work: Work, taken: Taken) -> Sequence[Subject]:
    return [subject._replace(name=str(work.ref)) for subject in taken.subjects]


def _repeated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the ended event says again: the kind and its own fields."""
    own = {name for names in KINDS.values() for name in names}
    own |= {"kind", "in_place", "derived_from", "provider"}
    return {name: value for name, value in values.items() if name in own}


def given_up(folder: bytes, taken: Taken, result: str, error: EvkitError) -> None:
    """Remove the unfinished copies and claim nothing of them; the source is as it was.

    What cannot be removed, because its medium fails or is gone, does not hide why the work ended.
    """
    import shutil

    from evkit.core import durable

    taken.result, taken.error = result, error
    taken.artifacts, taken.subjects, taken.values = [], [], {}
    names: list[bytes] = []
    with contextlib.suppress(OSError):
        names = os.listdir(folder)
    for name in names:
        if name.endswith(durable.PART.encode()):
            path = os.path.join(folder, name)
            durable.step("unlink", path)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(path)
