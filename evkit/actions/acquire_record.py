"""The end of an acquisition: what is signed about it, and what is left for going on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.acquire import gaps, imaging, mapfile, source
from evkit.acquire.reading import facts_after
from evkit.actions import acquire_places as places
from evkit.actions import decided
from evkit.actions.acquire_job import PARTIAL
from evkit.actions.acquire_log import put_beside, write_log
from evkit.actions.acquire_result import Acquired, media_fields
from evkit.actions.longwork import Ended, without_station
from evkit.core.errors import StorageError
from evkit.core.ranges import total
from evkit.ledger.event import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.imaging import Imaging, Order
    from evkit.actions.acquire_job import Attempt, Job
    from evkit.custody.decision import Decision
    from evkit.identity.signer import Signer
    from evkit.station import Station

SOURCE_CHANGED = "source-changed"
TAKEN_OVER = "rescue-taken-over"
STORM = "error-storm"
COPY_FAILED = "copy-failed"
COPY_LOG = "copy-without-log"
_Deviation = tuple[str, str, str]


def record_end(
    station: Station, signer: Signer, attempt: Attempt, more: Sequence[_Deviation] = ()
) -> Acquired:
    """Record the end; work that can go on is left without one.

    Args:
        station: where it is recorded.
        signer: who signs.
        attempt: what was done.
        more: deviations that are known already.
    """
    work, job, order, made = attempt.work, attempt.job, attempt.order, attempt.made
    facts = job.opened.facts
    reason = job.request.reason or "not stated"
    changed = source.changes(facts, facts_after(job.opened))
    deviations = [*more, *_deviations(order, made, reason)]
    deviations += [
        (SOURCE_CHANGED, f"the source changed while it was read: {text}", reason)
        for text in changed
    ]
    known = [(d.code, d.text, d.reason or "not stated") for d in work.start.deviations]
    known += deviations
    ended = Ended(notices=work.start.notices)
    found: list[Decision] = []
    if not made.resumable:
        values = _values(station, attempt)
        try:
            found = decided.of_end(station, signer, work.ref, values, deviations)
            artifact, values["log"] = write_log(attempt, signer, known, found)
            made.artifacts.append(artifact)
            lost = put_beside(attempt, artifact, values.get("copies", ()))
            deviations += [(COPY_LOG, text, reason) for text in lost]
        except StorageError as error:
            made.error = made.error or error
        if made.artifacts:
            values["artifacts"] = [artifact.fields() for artifact in made.artifacts]
        if made.error is not None:
            values["error"] = without_station(made.error.message, work.folder)[:1000]
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
        remarks=(*([job.remark] if job.remark else []), *(text for _, text, _ in known)),
        changed=bool(changed),
        places=tuple(branch.folder for branch in order.branches),
        partial=partial_words(job) if job.request.type in PARTIAL else None,
        decisions=tuple(found),
    )


def partial_words(job: Job) -> str:
    """Say what part was taken, of how much."""
    facts = job.opened.facts
    if facts.window is None:
        return f"{job.request.type}"
    offset, length = facts.window
    return (
        f"{job.request.type} {job.request.part}: bytes {offset:,} to {offset + length:,} "
        f"of {facts.source_size or 0:,}"
    )


def _values(station: Station, attempt: Attempt) -> dict[str, Any]:
    work, job, order, made = attempt.work, attempt.job, attempt.order, attempt.made
    facts = job.opened.facts
    values: dict[str, Any] = {
        "result": made.result,
        "made_by": "evkit",
        "format": made.format,
        "type": job.request.type,
        "bytes": made.bytes_read,
        "verification": made.verification or {"state": "not-made"},
    }
    if made.outcome is not None and made.result in {imaging.COMPLETE, imaging.WITH_GAPS}:
        values["media"] = media_fields(made, facts)
        if made.format == imaging.E01:
            values["container"] = container_fields(order, made)
    if made.reread is not None:
        values["source_reread"] = made.reread.fields()
    if made.gaps:
        values["unread"] = unread_fields(made)
    if facts.window is not None:
        values["part"] = {
            "words": partial_words(job),
            "offset": facts.window[0],
            "length": facts.window[1],
            "source_size": facts.source_size or 0,
        }
    outside = any(branch.folder != work.folder for branch in order.branches)
    if made.copies and outside:
        values["copies"] = [
            {**copy, **places.described(station, branch, work.folder)}
            for copy, branch in zip(made.copies, order.branches, strict=True)
        ]
    return values


def unread_fields(made: Imaging) -> dict[str, Any]:
    """Return what the event says of what was not read: bad and untried apart."""
    found: dict[str, Any] = {**gaps.fields(made.gaps), "retries": made.retries}
    if made.map is not None:
        found["bad"] = made.map.total(mapfile.BAD)
        found["untried"] = total(made.gaps) - found["bad"]
    return found


def container_fields(order: Order, made: Imaging) -> dict[str, Any]:
    """Return what the event says of an E01."""
    found: dict[str, Any] = {"files": len(made.files)}
    if order.plan is not None:
        found["compression"] = order.plan.compression
        found["guid"] = order.plan.guid.hex()
    if made.container is not None:
        found["error_entries"] = len(made.container.errors)
        if made.container.unsaid:
            found["unread_sectors_not_said"] = made.container.unsaid
        if made.container.altered:
            found["altered_details"] = list(made.container.altered)
    return found


def taken_over(taken: int, reason: str) -> _Deviation:
    """Return the deviation that a rescue by another tool was taken over."""
    text = f"a rescue by another tool was taken over; {taken:,} bytes of the image are from it"
    return TAKEN_OVER, text, reason


def _deviations(order: Order, made: Imaging, reason: str) -> list[_Deviation]:
    found = []
    if order.rescued is not None:
        found.append(taken_over(order.rescued.taken, reason))
    if order.format == imaging.E01 and made.format == imaging.RAW:
        text = "too many read errors for an E01; the image was made as raw with a map"
        found.append((STORM, text, reason))
    found += [
        (COPY_FAILED, f"the {branch.copy} copy failed: {branch.error.message}"[:500], reason)
        for branch in order.branches
        if branch.error is not None and len(order.branches) > 1
    ]
    return found
