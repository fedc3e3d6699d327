"""The record of a derived acquisition: what its end says, and what its E01 says of the case."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.acquire import imaging
from evkit.actions import acquire_places as places
from evkit.actions import image_details
from evkit.actions.acquire_record import container_fields, unread_fields
from evkit.actions.image_convert import of_target, part_of
from evkit.actions.image_result import Converted, Entry, media_fields, part_fields
from evkit.actions.longwork import without_station
from evkit.core import clock
from evkit.core.errors import EvkitError
from evkit.images.e01.header import Details
from evkit.ledger.event import Subject
from evkit.manifest.facts import plain

if TYPE_CHECKING:
    from evkit.acquire.converting import Conversion, Origin
    from evkit.actions.longwork import Work
    from evkit.actions.recorded_image import Recorded
    from evkit.ledger.event import Event
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One derivation: its events, what it was made from, how, and the result.

    Attributes:
        kind: `type` of the event.
        reason: the officer's, for deviations.
    """

    work: Work
    recorded: Recorded
    origin: Origin
    order: imaging.Order
    done: Conversion
    kind: object = None
    reason: str | None = None


def record_end(station: Station, attempt: Attempt, words: str) -> Converted:
    """Record the end and return what came of it.

    Args:
        station: where it is recorded.
        attempt: what was done.
        words: `converted` or `exported`.
    """
    work, done, made = attempt.work, attempt.done, attempt.done.made
    values = _values(station, attempt)
    subjects = []
    if "media" in values and made.outcome is not None:
        subjects = [Subject(str(work.ref), dict(made.outcome.digests))]
    ended = work.end(values, subjects)
    named = bool(made.artifacts)
    master = attempt.order.branches[0]
    return Converted(
        source=str(attempt.recorded.ref),
        source_format=attempt.origin.image.format,
        done=done,
        files=tuple(master.path(file.name) for file in made.files) if named else (),
        map=master.path(attempt.order.files.map) if named and made.map is not None else None,
        words=words,
        part=part_of(attempt.origin),
        remarks=(
            *attempt.recorded.remarks, *attempt.origin.image.remarks, *of_target(made),
        ),
        entry=Entry(
            ref=str(work.ref),
            parent=str(attempt.recorded.ref),
            start=work.start.index,
            ended=ended,
            deviations=tuple(entry.text for entry in (*work.start.deviations, *ended.deviations)),
        ),
    )  # fmt: skip


def _values(station: Station, attempt: Attempt) -> dict[str, Any]:
    work, order, made = attempt.work, attempt.order, attempt.done.made
    judgement = attempt.done.judgement
    parent = attempt.recorded.fields()
    if judgement is not None:
        parent["comparison"] = judgement.fields()
    values: dict[str, Any] = {
        "result": made.result,
        "made_by": "evkit",
        "format": made.format,
        "type": attempt.kind,
        "derived_from": [str(attempt.recorded.ref)],
        "parent": parent,
        "bytes": made.bytes_read,
        "verification": made.verification or {"state": "not-made"},
    }
    part = part_of(attempt.origin)
    if part is not None:
        end = part[0] + part[1]
        text = f"bytes {part[0]:,} to {end:,} of {part[2]:,} of {attempt.recorded.ref}"
        values["part"] = {"words": text, **part_fields(part)}
    elif "part" in attempt.recorded.event.fields:
        values["part"] = plain(attempt.recorded.event.fields["part"])
    if made.result in {imaging.COMPLETE, imaging.WITH_GAPS}:
        values["media"] = media_fields(attempt.done)
        sector = attempt.origin.image.sector_size
        if sector:
            values["media"]["sector_size"] = sector
        if made.format == imaging.E01:
            values["container"] = container_fields(order, made)
        if made.gaps:
            values["unread"] = unread_fields(made)
    if made.artifacts:
        values["artifacts"] = [artifact.fields() for artifact in made.artifacts]
    if made.error is not None:
        values["error"] = without_station(made.error.message, work.folder)[:1000]
    elif made.verified is False:
        values["error"] = "the new files read back different from what was written"
    if made.copies and any(branch.folder != work.folder for branch in order.branches):
        values["copies"] = [
            {**copy, **places.described(station, branch, work.folder)}
            for copy, branch in zip(made.copies, order.branches, strict=True)
        ]
    return values


def station_details(station: Station, work: Work, recorded: Recorded, origin: Origin) -> Details:
    """Return what the new E01 says of the case.

    A container carries its own details over; of a raw image the record tells them.
    """
    parent = recorded.ref
    if origin.image.format in image_details.CONTAINERS:
        details, _ = image_details.details_of(origin.image, "")
    else:
        details = _recorded_details(station, recorded)
    if origin.window is None:
        return details
    offset, length = origin.window
    notes = f"bytes {offset} to {offset + length} of {parent}"
    notes += f"; {details.notes}" if details.notes else ""
    return dataclasses.replace(details, evidence_number=str(work.ref), notes=notes)


def _recorded_details(station: Station, recorded: Recorded) -> Details:
    ref, event = recorded.ref, recorded.event
    exhibit = ref.of_exhibit()
    known = station.state(ref.case).state
    thing, case = known.exhibit(str(exhibit)), known.cases.get(ref.case)
    fir = case.fields.get("fir_no") if case is not None else None
    began = recorded.start or event
    source = began.fields.get("source")
    said = source if isinstance(source, dict) else {}
    name = f"{event.actor.rank} {event.actor.name}" if event.actor.rank else event.actor.name
    by_evkit = event.fields.get("made_by") == "evkit"
    return Details(
        case_number=ref.case + (f", FIR {fir}" if fir else ""),
        evidence_number=str(ref),
        description=str(thing.fields.get("what", "")) if thing is not None else "",
        examiner=name,
        notes=f"converted from the {origin_words(recorded)} image {ref}",
        model=str(said.get("model", "")),
        serial=str(said.get("serial", "")),
        acquired=_seconds(began),
        utc_offset=_minutes(began.recorded.offset),
        system_time=clock.now().posix,
        tool_version=f"evkit {__version__}" if by_evkit else "",
    )


def origin_words(recorded: Recorded) -> str:
    """Return the format of the parent as its record calls it."""
    return str(recorded.event.fields.get("format") or "raw")


def _seconds(event: Event) -> int:
    try:
        return int(clock.parse(event.recorded.utc).timestamp())
    except EvkitError:
        return clock.now().posix


def _minutes(offset: str) -> int:
    """Return minutes east of UTC of an offset such as `+05:00`."""
    try:
        hours, minutes = int(offset[1:3]), int(offset[4:6])
    except ValueError:
        return 0
    return (-1 if offset.startswith("-") else 1) * (60 * hours + minutes)
